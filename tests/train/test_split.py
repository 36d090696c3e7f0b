"""`streamfuse.train.split`."""

from pathlib import Path

import pytest

from streamfuse.train.split import HELD_OUT_SHARE, capture

MSRS, ROADSCENE = Path("/data/msrs_dev"), Path("/data/roadscene_dev")


@pytest.mark.parametrize(
    ("folder", "stem", "part", "light"),
    [
        (MSRS, "00147D", "validation", "day"),
        (MSRS, "01061N", "validation", "night"),
        (MSRS, "00162D", "train", "day"),
        (MSRS, "99999N", "train", "night"),
        (ROADSCENE, "FLIR_00006", "validation", "day"),
        (ROADSCENE, "FLIR_07012", "validation", "night"),
        (ROADSCENE, "FLIR_05514", "train", "night"),
        (ROADSCENE, "FLIR_video_00248", "train", "night"),
        (Path("/data/replay/m3svd_0117_1605"), "00030", "validation", "day"),
        (Path("/data/replay/m3svd_0111_1716"), "00030", "train", "day"),
    ],
)
def test_known_sets_are_divided_as_listed(folder, stem, part, light):
    """A picture of MSRS or RoadScene goes with its run, a frame of a recording with the recording."""
    where = capture(folder, stem)
    assert (where.part, where.light) == (part, light)


@pytest.mark.parametrize("stem", ["00147D", "00345D", "00440D", "01061N", "01482D", "01493D"])
def test_pictures_with_authors_boxes_are_never_trained_on(stem):
    """The six pictures that the authors of MSRS labelled are for validation."""
    assert capture(MSRS, stem).part == "validation"


def test_a_run_is_one_group():
    """Neighbours share a group up to the next cut; equal numbers of other sets do not."""
    inside, edge, beyond = (capture(MSRS, f"{number:05d}D").group for number in (143, 159, 160))
    assert inside == edge != beyond
    assert capture(ROADSCENE, "FLIR_00143").group not in (inside, beyond)


def test_every_group_is_on_one_side():
    """Whatever the set, no group has pictures on both sides."""
    names = [(Path("/x/LLVIP/train"), f"{place:02d}{n:04d}") for place in range(1, 27) for n in range(0, 1000, 250)]
    names += [(Path("/x/M3FD_Fusion"), f"{n:05d}") for n in range(0, 4200, 50)]
    names += [(MSRS, f"{n:05d}D") for n in range(1, 1600, 3)] + [(ROADSCENE, f"FLIR_{n:05d}") for n in range(1, 9700, 13)]
    sides: dict[str, set[str]] = {}
    for folder, stem in names:
        where = capture(folder, stem)
        sides.setdefault(where.group, set()).add(where.part)
    assert all(len(parts) == 1 for parts in sides.values())
    assert {next(iter(parts)) for parts in sides.values()} == {"train", "validation"}


def test_unlisted_sets_hold_out_about_a_fifth():
    """Over many groups the share that is held out is the stated one."""
    parts = [capture(Path(f"/x/set{k}"), f"{200 * n:05d}").part for k in range(20) for n in range(100)]
    assert abs(parts.count("validation") / len(parts) - HELD_OUT_SHARE) < 0.04


def test_official_test_folders_are_held_out():
    """What a set's authors kept for testing is never trained on, and shares no group with their training folder."""
    test, train = capture(Path("/x/FMB/test"), "00003"), capture(Path("/x/FMB/train"), "00003")
    assert test.part == "validation"
    assert test.group != train.group


def test_llvip_is_grouped_by_place():
    """The first two of six digits say where the camera stood."""
    one, same, other = (capture(Path("/x/LLVIP/train"), stem).group for stem in ("010001", "010999", "020001"))
    assert one == same != other


def test_light_is_read_from_names():
    """A folder may say day or night; otherwise the light is unknown."""
    assert capture(Path("/x/yard_night"), "a").light == "night"
    assert capture(Path("/x/yard"), "a").light == "unknown"


def test_a_set_of_one_group_is_trained_on():
    """Where names tell nothing, the set is not lost to validation by chance."""
    assert {capture(Path(f"/x/set{k}"), stem).part for k in range(50) for stem in ("yard", "00007")} == {"train"}
