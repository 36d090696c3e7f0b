"""Split 1: which capture group a pair belongs to, and on which side the whole group is, so that nothing leaks.

`split_1.yaml` lists the runs of MSRS and RoadScene and the recordings, each group entirely on one side. For every other set the
official `test` or `val` folder is validation, and of the rest about one group in five, drawn by a hash of its name. A set that is
one group, because its names tell nothing, is trained on.
"""

import functools
import hashlib
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

Part = Literal["train", "validation"]
Light = Literal["day", "night", "unknown"]

NAME = "split 1"
LISTED = Path(__file__).with_name("split_1.yaml")
RECORDING = "recording "
"""How the group of a recording that is listed begins: its pictures are frames in a row."""
HELD_OUT_SHARE = 0.22
"""Of the groups of a set that is not listed."""
BLOCK = 200
"""Pictures numbered without a known drive: so many in a row are one group."""
OFFICIAL_TESTS = frozenset({"test", "val", "valid", "validation", "eval", "eval15", "sots"})
LIGHTS: dict[str, Light] = {"D": "day", "N": "night"}

_MSRS = re.compile(r"(\d{5})([DN])")
_ROADSCENE = re.compile(r"FLIR_(video_)?(\d+)")
_LLVIP = re.compile(r"(\d{2})\d{4}")  # two digits of place, four of picture
_NUMBERED = re.compile(r"\D*(\d{5,})")


@dataclass(frozen=True, slots=True)
class Capture:
    """Where a pair comes from."""

    group: str
    part: Part
    light: Light


def capture(folder: Path, stem: str) -> Capture:
    """Group, part and light of the pair called `stem` in the set at `folder`; a recording is known by the folder alone.

    MSRS, RoadScene and LLVIP are recognised by how they name their pictures.
    """
    recordings = _listed()["recordings"]
    if folder.name in recordings:
        return _entry(f"{RECORDING}{folder.name}", recordings[folder.name], "unknown")
    if match := _MSRS.fullmatch(stem):
        return _run("msrs", int(match[1]), LIGHTS[match[2]])
    if match := _ROADSCENE.fullmatch(stem):
        return _run("roadscene_video" if match[1] else "roadscene", int(match[2]), "unknown")
    return _unlisted(folder, stem)


def _run(name: str, number: int, light: Light) -> Capture:
    runs: Mapping[int, Any] = _listed()[name]
    starts = sorted(runs)
    start = starts[bisect_right(starts, number) - 1]
    return _entry(f"{name} {start:05d}", runs[start], light)


def _entry(group: str, entry: Mapping[str, Any], light: Light) -> Capture:
    return Capture(group, entry["part"], entry.get("light", light))


def _unlisted(folder: Path, stem: str) -> Capture:
    words = {word for part in folder.parts[-3:] for word in re.split(r"[^a-z]+", part.lower())}
    light: Light = "night" if "night" in words else "day" if "day" in words else "unknown"
    name = "/".join(folder.parts[-2:]) if folder.name.lower() in {"train", *OFFICIAL_TESTS} else folder.name
    if folder.name.lower() in OFFICIAL_TESTS:
        return Capture(name, "validation", light)
    if match := _LLVIP.fullmatch(stem):
        group = f"{name} {match[1]}"
        return Capture(group, drawn(group), light)
    number = int(match[1]) // BLOCK * BLOCK if (match := _NUMBERED.fullmatch(stem)) else 0
    group = f"{name} {number:05d}"
    return Capture(group, drawn(group) if number else "train", light)


def drawn(group: str) -> Part:
    """The side of a group that is not listed: the same on every machine."""
    chance = int.from_bytes(hashlib.blake2b(f"{NAME} {group}".encode(), digest_size=4).digest()) / 2**32
    return "validation" if chance < HELD_OUT_SHARE else "train"


@functools.cache
def _listed() -> dict[str, Any]:
    listed: dict[str, Any] = yaml.safe_load(LISTED.read_text(encoding="utf-8"))
    return listed
