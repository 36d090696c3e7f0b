"""Pairs of pictures for training and evaluation: found, grouped, split, loaded. `layouts` and `split` say how."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.errors import SourceError, UnsupportedInputError
from streamfuse.train import moving
from streamfuse.train.layouts import LAYOUTS, VIDEOS, FilePair, boxes_in, pairs_under
from streamfuse.train.split import RECORDING, Light, Part, capture

CAPTIONS = "text"
EVERY = 10
"""Of a video, one frame in so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRecord:
    """One pair, not yet read."""

    name: str
    """`set/picture`; unique within a set."""
    group: str
    """The stretch of road or recording it belongs to. A group is never divided."""
    part: Part
    """Its side in split 1."""
    infrared: Path
    visible: Path
    """A picture, or a video of which this is frame `frame`."""
    frame: int | None = None
    after: "PairRecord | None" = None
    """The next frame, of one in a video or among the pictures of a recording."""
    light: Light = "unknown"
    boxes: Path | None = None
    """YOLO text or VOC XML; `streamfuse.train.boxes` reads it."""
    caption: Path | None = None
    """Text beside the pair, one sentence a line."""

    @property
    def recording(self) -> Path:
        """The video of which this is a frame, or the folder of pictures in a row."""
        return self.visible.parent if self.frame is None else self.visible


def find_pairs(folder: Path, layout: str = "auto", *, boxes: Path | None = None, every: int = EVERY) -> list[PairRecord]:
    """All pairs at or below `folder`, in the layouts of MSRS, M3FD, LLVIP, RoadScene, TNO, FMB, our own, or as two videos.

    `boxes`: a folder of boxes, as `00123D.txt` or `recording_00010.txt`, that replaces what lies beside the pictures. Of videos every
    `every`-th frame is taken.

    Raises:
        ConfigError: there is no layout of that name.
        SourceError: there is no such folder, or no pair in it.
    """
    found = list(pairs_under(folder, layout))
    videos = Counter(files.folder for files in found if files.visible.suffix.lower() in VIDEOS)
    records = [record for files in found for record in _records(files, boxes, every, named=videos[files.folder] > 1)]
    if not records:
        kinds = "ir/ and vi/, Ir/ and Vis/, Infrared/ and Visible/, IR_x and VIS_x, or ir.mp4 and vi.mp4"
        known = ", ".join(LAYOUTS)
        raise SourceError(f"{folder}: no pairs in it by the layout {layout!r}; want {kinds}, with equal names in both (layouts: {known})")
    return [replace(now, after=later) if _in_a_row(now, later) else now for now, later in pairwise([*records, records[-1]])]


def part(records: Iterable[PairRecord], wanted: Part) -> list[PairRecord]:
    """Those on one side of split 1. Whole groups, so that what is validated on was never neighbour to what is trained on."""
    return [record for record in records if record.part == wanted]


def load(record: PairRecord) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Infrared (H, W) uint8 and visible (H, W, 3) RGB uint8, of one size. For many frames of videos use `load_all`.

    Raises:
        SourceError: a file cannot be read, or the two differ in size.
        UnsupportedInputError: more than 8 bits.
    """
    return next(load_all([record]))[1:]


def load_all(records: Iterable[PairRecord]) -> Iterator[tuple[PairRecord, NDArray[np.uint8], NDArray[np.uint8]]]:
    """As `load` for each in turn; frames of one video that follow each other are decoded in one go."""
    for (_, _, moves), together in groupby(records, key=lambda record: (record.infrared, record.visible, record.frame is not None)):
        for record, infrared, visible in _of_video(list(together)) if moves else map(_of_pictures, together):
            if infrared.shape != visible.shape[:2]:
                sizes = f"infrared is {infrared.shape[1]}x{infrared.shape[0]}, visible {visible.shape[1]}x{visible.shape[0]}"
                raise SourceError(f"{record.name}: {sizes}; want aligned pictures of one size (see `streamfuse calibrate`)")
            yield record, infrared, visible


def caption_file(record: PairRecord) -> Path:
    """Where the text of a pair is, or belongs: in `text/` of the nearest folder that holds both pictures."""
    beside = next(parent for parent in record.visible.parents if parent in record.infrared.parents)
    return beside / CAPTIONS / f"{record.name.split('/')[-1]}.txt"


def read_picture(path: Path) -> NDArray[np.uint8]:
    """(H, W, 3) RGB, or (H, W) where the file holds one channel."""
    try:
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    except (OSError, cv2.error) as exc:
        raise SourceError(f"{path}: cannot be read ({exc})") from exc
    if image is None:
        raise SourceError(f"{path}: is no picture that OpenCV can read; is it whole?")
    if image.dtype != np.uint8:
        raise UnsupportedInputError(f"{path}: want 8 bits per channel, got {image.dtype}; tone it to 8 bits first")
    return image if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1])


def grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """BT.601 luma (H, W) of a picture in colour; one in grey as it is."""
    return picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _of_pictures(record: PairRecord) -> tuple[PairRecord, NDArray[np.uint8], NDArray[np.uint8]]:
    visible = read_picture(record.visible)
    if visible.ndim == 2:
        visible = np.repeat(visible[..., None], 3, axis=2)
    return record, grey(read_picture(record.infrared)), visible


def _of_video(records: list[PairRecord]) -> Iterator[tuple[PairRecord, NDArray[np.uint8], NDArray[np.uint8]]]:
    records = sorted(records, key=lambda record: record.frame or 0)
    numbers = [record.frame or 0 for record in records]
    warm, seen = moving.infrared(records[0].infrared, numbers), moving.visible(records[0].visible, numbers)
    return zip(records, warm, seen, strict=True)


def _records(files: FilePair, boxes: Path | None, every: int, *, named: bool) -> Iterator[PairRecord]:
    """`named`: the folder holds several recordings, whose frames are told apart by the names of the files."""
    where = capture(files.folder, files.stem)
    record = PairRecord(
        name=f"{files.folder.name}/{files.stem}",
        group=where.group,
        part=where.part,
        light=where.light,
        infrared=files.infrared,
        visible=files.visible,
        boxes=_boxes_for(files.folder, files.stem, boxes) if boxes else files.boxes,
    )
    if files.visible.suffix.lower() not in VIDEOS:
        yield _captioned(record)
        return
    frames = _frames(files)
    for number in range(0, frames, every):
        stem = f"{files.stem}_{number:05d}" if named else f"{number:05d}"
        labels = _boxes_for(files.folder, stem, boxes) if boxes else None
        after = replace(record, frame=number + 1) if number + 1 < frames else None
        yield _captioned(replace(record, name=f"{files.folder.name}/{stem}", frame=number, after=after, boxes=labels))


def _in_a_row(now: PairRecord, later: PairRecord) -> bool:
    """Whether these are pictures of one recording. Frames of a video know without."""
    together = now.visible.parent == later.visible.parent
    return together and now is not later and now.frame is None and now.group.startswith(RECORDING)


def _frames(files: FilePair) -> int:
    """That both videos have. A camera may be cut off by one; more apart they run at two rates, and equal numbers are no pairs."""
    infrared, visible = moving.length(files.infrared), moving.length(files.visible)
    if abs(infrared - visible) > 1:
        raise SourceError(
            f"{files.folder}: {files.infrared.name} has {infrared} frames, {files.visible.name} {visible}; want frame by frame the same "
            "moments: write both at one rate (ffmpeg -r), from the same beginning to the same end"
        )
    return min(infrared, visible)


def _boxes_for(folder: Path, stem: str, boxes: Path) -> Path | None:
    """Recordings count their frames alike, so the name of the set may stand before the frame."""
    return boxes_in(boxes, f"{folder.name}_{stem}") or boxes_in(boxes, stem)


def _captioned(record: PairRecord) -> PairRecord:
    caption = caption_file(record)
    return replace(record, caption=caption) if caption.is_file() else record
