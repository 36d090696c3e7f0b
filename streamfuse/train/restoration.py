"""Pairs of a degraded picture and its clean target, for restoration before fusion (LURE's first stage).

    ours      input/x.png                  target/x.png
    LOL       our485/low/x.png             our485/high/x.png, validation in eval15/
    RESIDE    hazy/1400_3_0.9.png          clear/1400.png or gt/1400.png: the target is named by what stands before the first _
    GoPro     train/SEQUENCE/blur/x.png    train/SEQUENCE/sharp/x.png, validation in test/

A set is recognised by the names of its two folders, at any depth.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamfuse.errors import SourceError
from streamfuse.train.data import read_picture
from streamfuse.train.layouts import PICTURES
from streamfuse.train.split import OFFICIAL_TESTS, Part, drawn

FOLDERS: dict[tuple[str, str], str | None] = {
    ("input", "target"): None,
    ("low", "high"): "visible.darkness",
    ("hazy", "clear"): "visible.haze",
    ("hazy", "gt"): "visible.haze",
    ("blur", "sharp"): "visible.blur",
}
"""Folder of degraded pictures and of targets, in lower case -> the fault, where the set has one."""
DEEPEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorationRecord:
    """One pair, not yet read. Several degraded pictures may share a target, and with it their group."""

    name: str
    group: str
    part: Part
    degraded: Path
    target: Path
    fault: str | None
    """As the prompts that ship name it; None where the set does not say."""


def find_restoration(folder: Path) -> list[RestorationRecord]:
    """All restoration pairs at or below `folder`.

    Raises:
        SourceError: there is no such folder, or no pair in it, or a target is missing.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: {'is a file' if folder.exists() else 'there is no such folder'}; name a folder of restoration pairs")
    whole = folder.resolve()
    records = [record for place in _places(whole, DEEPEST) for record in _at(place, whole)]
    if not records:
        known = ", ".join(f"{degraded}/ and {target}/" for degraded, target in FOLDERS)
        raise SourceError(f"{folder}: no restoration pairs in it; want pictures in {known}")
    return records


def load_restoration(record: RestorationRecord) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Degraded and target, both (H, W, 3) RGB uint8 of one size.

    Raises:
        SourceError: one cannot be read, or they differ in size.
    """
    degraded, target = (_in_colour(read_picture(path)) for path in (record.degraded, record.target))
    if degraded.shape != target.shape:
        raise SourceError(f"{record.name}: {degraded.shape[:2]} pixels in {record.degraded.parent.name}, {target.shape[:2]} in the target")
    return degraded, target


def _places(folder: Path, depth: int) -> Iterator[Path]:
    yield folder
    if depth:
        for child in sorted(path for path in folder.iterdir() if path.is_dir()):
            yield from _places(child, depth - 1)


def _at(place: Path, whole: Path) -> Iterator[RestorationRecord]:
    children = {path.name.lower(): path for path in place.iterdir() if path.is_dir()}
    for (degraded, target), fault in FOLDERS.items():
        if degraded in children and target in children:
            official = any(part.lower() in OFFICIAL_TESTS for part in place.relative_to(whole.parent).parts)  # not where all data lies
            yield from _matched(place, children[degraded], children[target], fault, official=official)


def _matched(place: Path, degraded: Path, target: Path, fault: str | None, *, official: bool) -> Iterator[RestorationRecord]:
    targets = {path.stem: path for path in target.iterdir() if path.suffix.lower() in PICTURES}
    for path in sorted(path for path in degraded.iterdir() if path.suffix.lower() in PICTURES):
        stem = path.stem if path.stem in targets else path.stem.split("_")[0]
        if stem not in targets:
            raise SourceError(f"{path}: has no target in {target}; want {path.stem} or {path.stem.split('_')[0]} there")
        group = f"{place.parent.name}/{place.name}" if fault == "visible.blur" else f"{place.parent.name}/{place.name} {stem}"
        yield RestorationRecord(
            name=f"{place.name}/{path.stem}",
            group=group,
            part="validation" if official else drawn(group),
            degraded=path,
            target=targets[stem],
            fault=fault,
        )


def _in_colour(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture
