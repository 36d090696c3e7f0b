"""Boxes beside the pictures: YOLO text or Pascal VOC XML, in one table of classes."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from streamfuse.errors import SourceError
from streamfuse.results import Detections

CLASSES = ("person", "bike", "car")
"""A bike is anything on two wheels, without its rider; a car is any motor vehicle on more."""
MEANT: dict[str, str] = {
    "person": "person",
    "people": "person",
    "pedestrian": "person",
    "bike": "bike",
    "bicycle": "bike",
    "motorcycle": "bike",
    "motorbike": "bike",
    "car": "car",
    "truck": "car",
    "lorry": "car",
    "bus": "car",
    "van": "car",
}
"""Other sets' names; what is not in here is left out (M3FD has lamps)."""
UNSURE = "unsure"
"""A class of regions in which something may be or not: no detector is to learn from them."""
NAMES_FILE = "classes.txt"


class _Named(NamedTuple):
    name: str
    x1: float
    y1: float
    x2: float
    y2: float


def load_boxes(path: Path, size: tuple[int, int]) -> Detections:
    """Boxes of a picture of (height, width) pixels, clipped to it, with score 1 and no track; `names` is `CLASSES`.

    YOLO text: `class x y width height`, centre and size as shares of the picture, the class as the number of a line in `classes.txt`
    in the same folder or the one above; where there is none, as an index into `CLASSES`. VOC XML: pixels from 1, both ends included.

    Raises:
        SourceError: the file cannot be read, or a line is not as it should be.
    """
    height, width = size
    found = [box for box in _read(path, size) if box.name in MEANT]
    boxes = np.array([box[1:] for box in found], np.float32).reshape(-1, 4).clip(0, (width, height, width, height))
    classes = np.array([CLASSES.index(MEANT[box.name]) for box in found], np.int32)
    return Detections(
        boxes_N4=boxes,
        scores_N=np.ones(len(found), np.float32),
        classes_N=classes,
        tracks_N=np.full(len(found), -1, np.int32),
        names=CLASSES,
    )


def load_unsure(path: Path, size: tuple[int, int]) -> NDArray[np.float32]:
    """(N, 4) x1, y1, x2, y2 in pixels of the regions of class `UNSURE` in such a file. Raises as `load_boxes`."""
    return np.array([box[1:] for box in _read(path, size) if box.name == UNSURE], np.float32).reshape(-1, 4)


def _read(path: Path, size: tuple[int, int]) -> Iterator[_Named]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise SourceError(f"{path}: boxes cannot be read ({exc})") from exc
    return _voc(text, path) if path.suffix == ".xml" else _yolo(text, path, size)


def _yolo(text: str, path: Path, size: tuple[int, int]) -> Iterator[_Named]:
    names = _names(path)
    height, width = size
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            index, x, y, w, h = (float(word) for word in line.split())
            name = dict(enumerate(names))[int(index)]
        except (ValueError, KeyError) as exc:
            want = f"class x y width height, classes 0 to {len(names) - 1}"
            raise SourceError(f"{path}, line {number}: want {want}, got {line.strip()!r}") from exc
        yield _Named(name, (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)


def _names(path: Path) -> tuple[str, ...]:
    for folder in (path.parent, path.parent.parent):
        if (folder / NAMES_FILE).is_file():
            return tuple((folder / NAMES_FILE).read_text(encoding="utf-8").lower().split())
    return CLASSES


def _voc(text: str, path: Path) -> Iterator[_Named]:
    try:
        root = ET.fromstring(text)  # noqa: S314  expat since 2.4.1 refuses what the warning is about, and labels are no foreign input
        for item in root.iter("object"):
            x1, y1, x2, y2 = (float(item.findtext(f"bndbox/{edge}") or "") for edge in ("xmin", "ymin", "xmax", "ymax"))
            yield _Named((item.findtext("name") or "").strip().lower(), x1 - 1, y1 - 1, x2, y2)
    except (ET.ParseError, ValueError) as exc:
        raise SourceError(f"{path}: is no Pascal VOC annotation with name and bndbox in each object ({exc})") from exc
