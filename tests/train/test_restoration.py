"""`streamfuse.train.restoration`."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from streamfuse.errors import SourceError
from streamfuse.train.restoration import find_restoration, load_restoration


def save(root: Path, *names: str, size: tuple[int, int] = (20, 30)) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(root / name), np.full((*size, 3), (10, 20, 30), np.uint8))


@pytest.mark.parametrize(
    ("degraded", "target", "fault"),
    [
        ("input/a.png", "target/a.png", None),
        ("LOL/our485/low/2.png", "LOL/our485/high/2.png", "visible.darkness"),
        ("ITS/hazy/1400_3_0.9.png", "ITS/clear/1400.png", "visible.haze"),
        ("SOTS/outdoor/hazy/0001_0.8_0.2.jpg", "SOTS/outdoor/gt/0001.png", "visible.haze"),
        ("GoPro/train/GOPR0372_07_00/blur/000047.png", "GoPro/train/GOPR0372_07_00/sharp/000047.png", "visible.blur"),
    ],
)
def test_layouts_are_recognised(tmp_path, degraded, target, fault):
    """Each published layout is found by its two folders, and names its fault."""
    save(tmp_path, degraded, target)
    (record,) = find_restoration(tmp_path)
    assert (record.degraded, record.target, record.fault) == (tmp_path / degraded, tmp_path / target, fault)
    assert all((picture == (30, 20, 10)).all() for picture in load_restoration(record))


def test_pictures_of_one_target_stay_together(tmp_path):
    """RESIDE has many hazy pictures of a scene: they are one group, on one side."""
    save(tmp_path, "hazy/7_1_0.9.png", "hazy/7_2_0.8.png", "hazy/8_1_0.9.png", "clear/7.png", "clear/8.png")
    records = find_restoration(tmp_path)
    assert [record.group.split()[-1] for record in records] == ["7", "7", "8"]
    assert records[0].part == records[1].part


def test_a_sequence_is_one_group(tmp_path):
    """GoPro's frames of one sequence are never divided."""
    for sequence in "ab":
        save(tmp_path, *(f"train/{sequence}/{kind}/{n}.png" for kind in ("blur", "sharp") for n in range(3)))
    assert sorted({record.group for record in find_restoration(tmp_path)}) == ["train/a", "train/b"]


@pytest.mark.parametrize("place", ["eval15", "GoPro/test/scene", "SOTS/indoor"])
def test_official_tests_are_held_out(tmp_path, place):
    """What the authors kept for testing is never trained on."""
    save(tmp_path, f"{place}/input/1.png", f"{place}/target/1.png")
    assert find_restoration(tmp_path)[0].part == "validation"


def test_where_all_data_lies_says_nothing(tmp_path):
    """A folder called test above the one that is named holds out nothing."""
    save(tmp_path, *(f"{place}/GoPro/train/{n}/{kind}/1.png" for place in ("test", "data") for n in range(9) for kind in ("blur", "sharp")))
    below, plain = ([record.part for record in find_restoration(tmp_path / place / "GoPro")] for place in ("test", "data"))
    assert below == plain
    assert "train" in below


def test_a_missing_target_is_named(tmp_path):
    """A degraded picture without its clean one is an error that says what was looked for."""
    save(tmp_path, "hazy/9_1.png", "clear/7.png")
    with pytest.raises(SourceError, match=r"9_1\.png: has no target in .*; want 9_1 or 9 there"):
        find_restoration(tmp_path)


def test_sizes_that_differ_are_an_error(tmp_path):
    """Restoration needs pictures of one size."""
    save(tmp_path, "input/1.png")
    save(tmp_path, "target/1.png", size=(20, 31))
    with pytest.raises(SourceError, match="pixels in input"):
        load_restoration(find_restoration(tmp_path)[0])


def test_an_empty_folder_says_what_is_wanted(tmp_path):
    """The error names the folders of each layout; a folder that is not there is said to be so."""
    with pytest.raises(SourceError, match=r"input/ and target/, low/ and high/, hazy/ and clear/"):
        find_restoration(tmp_path)
    with pytest.raises(SourceError, match="no such folder"):
        find_restoration(tmp_path / "none")
