"""How published sets lay out their pairs, recognised from the names of folders and files.

ours, msrs    ir/x.png            vi/x.png            labels/x.txt
roadscene     cropinfrared/x.jpg  crop_LR_visible/x.jpg, or as ours
m3fd          Ir/x.png            Vis/x.png           Annotation/x.xml
fmb           Infrared/x.png      Visible/x.png, in train/ and test/
llvip         infrared/train/x.jpg  visible/train/x.jpg  Annotations/x.xml
tno           IR_x.bmp            VIS_x.bmp, or x_IR.bmp and x_Vis.bmp, side by side
video         ir.mp4              vi.mp4
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from streamfuse.errors import ConfigError, SourceError
from streamfuse.registry import suggestion

log = logging.getLogger(__name__)

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})
VIDEOS = frozenset({".mp4", ".mkv", ".avi", ".mov"})
BOXES = ("labels", "labels_auto", "labels_human", "annotation", "annotations")
"""Folders of boxes, the fuller ones first."""
LEFT_OUT = frozenset({"unaligned"})
"""Folders that a search does not enter: pairs that are not registered teach a network nothing but ghosts."""
DEEPEST = 4
"""Levels of folders below the one that was named."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of the two folders, in lower case."""

    infrared: str
    visible: str


FOLDERS: dict[str, Layout] = {
    "ours": Layout("ir", "vi"),
    "msrs": Layout("ir", "vi"),
    "roadscene": Layout("cropinfrared", "crop_lr_visible"),
    "m3fd": Layout("ir", "vis"),
    "fmb": Layout("infrared", "visible"),
    "llvip": Layout("infrared", "visible"),
}
CAMERAS = frozenset(name for layout in FOLDERS.values() for name in (layout.infrared, layout.visible))
LAYOUTS = ("auto", *FOLDERS, "tno", "video")
INFRARED_WORDS, VISIBLE_WORDS = frozenset({"ir", "infrared", "thermal"}), frozenset({"vi", "vis", "visible"})


class FilePair(NamedTuple):
    """Two files that show the same, and where they were found."""

    folder: Path
    """The folder of the set: it holds the folders of both cameras, or the files themselves."""
    stem: str
    infrared: Path
    visible: Path
    boxes: Path | None = None


def pairs_under(folder: Path, layout: str) -> Iterator[FilePair]:
    """All pairs of files at or below `folder`, in the order of their names; a video is one pair.

    Raises:
        ConfigError: there is no layout of that name.
        SourceError: the folder is not there.
    """
    if layout not in LAYOUTS:
        raise ConfigError(f"no layout called {layout!r}{suggestion(layout, list(LAYOUTS))} (known: {', '.join(LAYOUTS)})")
    if not folder.is_dir():
        raise SourceError(f"{folder}: {'is a file' if folder.exists() else 'there is no such folder'}; name a folder of pairs")
    for place in _places(folder.resolve(), DEEPEST):
        yield from _pairs_at(place, layout)


def _places(folder: Path, depth: int) -> Iterator[Path]:
    yield folder
    if depth:
        for child in sorted(path for path in folder.iterdir() if path.is_dir() and path.name.lower() not in LEFT_OUT | CAMERAS):
            yield from _places(child, depth - 1)


def _pairs_at(place: Path, layout: str) -> Iterator[FilePair]:
    children = {path.name.lower(): path for path in sorted(place.iterdir()) if path.is_dir()}
    wanted = {FOLDERS[layout]} if layout in FOLDERS else set(FOLDERS.values()) if layout == "auto" else set()
    for names in sorted(wanted, key=lambda names: names.infrared + names.visible):
        if names.infrared in children and names.visible in children:
            yield from _folder_pairs(place, children[names.infrared], children[names.visible])
    if layout in ("auto", "tno"):
        yield from _side_by_side(place, PICTURES)
    if layout in ("auto", "video"):
        yield from _side_by_side(place, VIDEOS)


def _folder_pairs(place: Path, infrared: Path, visible: Path) -> Iterator[FilePair]:
    """The pairs of two folders, and of folders in them that have the same name (LLVIP)."""
    for inner in sorted(path.name for path in infrared.iterdir() if path.is_dir() and (visible / path.name).is_dir()):
        yield from _matched(place / inner, infrared / inner, visible / inner, place)
    yield from _matched(place, infrared, visible, place)


def _matched(folder: Path, infrared: Path, visible: Path, beside: Path) -> Iterator[FilePair]:
    warm, seen = _by_stem(infrared), _by_stem(visible)
    alone = len(warm.keys() ^ seen.keys())
    if alone:
        log.warning("%s: %d pictures have no partner of the same name and are left out", folder, alone)
    notes = {path.name.lower(): path for path in beside.iterdir() if path.is_dir()}
    for stem in sorted(warm.keys() & seen.keys()):
        boxes = next((path for name in BOXES if name in notes and (path := boxes_in(notes[name], stem))), None)
        yield FilePair(folder, stem, warm[stem], seen[stem], boxes)


def boxes_in(folder: Path, stem: str) -> Path | None:
    """The file of boxes of a picture: YOLO text or VOC XML."""
    return next((path for suffix in (".txt", ".xml") if (path := folder / f"{stem}{suffix}").is_file()), None)


def _by_stem(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in folder.iterdir() if path.suffix.lower() in PICTURES}


def _side_by_side(place: Path, suffixes: frozenset[str]) -> Iterator[FilePair]:
    """Files of one folder that differ in the word for the camera; where there is one of each, their other words may differ."""
    warm: dict[str, Path] = {}
    seen: dict[str, Path] = {}
    for path in sorted(path for path in place.iterdir() if path.suffix.lower() in suffixes):
        words = re.split(r"[_\-. ]+", path.stem)
        for kind, found in ((INFRARED_WORDS, warm), (VISIBLE_WORDS, seen)):
            if kind & {word.lower() for word in words}:
                found["_".join(word for word in words if word.lower() not in kind)] = path
    if len(warm) == len(seen) == 1:
        (rest, infrared), (visible,) = next(iter(warm.items())), seen.values()
        yield FilePair(place, rest or place.name, infrared, visible)
        return
    for rest in sorted(warm.keys() & seen.keys()):
        yield FilePair(place, rest, warm[rest], seen[rest])
