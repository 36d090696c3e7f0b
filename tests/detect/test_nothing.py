"""The parts that do nothing, and the one that the documentation draws."""

import re
from pathlib import Path

import torch

from streamfuse.detect import DETECTORS, TRACKERS


def test_finds_nothing(fuse):
    """`none` gives an empty set per item."""
    found = DETECTORS.make("none").detect(fuse(torch.ones(3, 20, 30)))
    assert [len(item) for item in found] == [0, 0, 0]


def test_follows_nothing(fuse):
    """`none` hands back the very detections it got."""
    (found,) = DETECTORS.make("none").detect(fuse(torch.ones(1, 20, 30)))
    assert TRACKERS.make("none").update(found, 0) is found


def test_documented_detector_works(fuse):
    """The detector of one's own in the documentation finds the brightest pixel."""
    page = (Path(__file__).parents[2] / "docs" / "6-detect.md").read_text()
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "class Brightest" in block)
    parts: dict[str, type] = {}
    exec(code, parts)
    picture = torch.zeros(1, 40, 60)
    picture[0, 20, 30] = 1
    (found,) = parts["Brightest"]().detect(fuse(picture))
    assert found.boxes_N4.tolist() == [[25, 15, 36, 26]]
