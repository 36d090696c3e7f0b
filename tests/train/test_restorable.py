"""`streamfuse.train.restorable`."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.train.pool import Pool
from streamfuse.train.restorable import OF_CAMERA, RealPair, Restorable, RestorationSet, load_sets
from streamfuse.train.split import Light
from tests.train.schooling import CPU, picture


def save(root: Path, name: str, level: int) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(root / name), np.full((80, 96, 3), level, np.uint8))


def restorable(light: Light = "day", pairs: tuple[RealPair, ...] = (), two_faults: float = 0.5) -> Restorable:
    return Restorable(Pool([picture(seed, light=light) for seed in range(4)]), pairs, CPU, 0.5, two_faults)


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_each_camera_has_faults_of_its_own():
    """One or two, of the least strength at least; infrared comes in three equal channels, and the same dice give the same pictures."""
    drawn, again = (restorable().draw(16, 64, 0.5, seeded()) for _ in range(2))
    for camera, (degraded, clean, faults) in drawn.items():
        assert all(set(present) <= set(OF_CAMERA[camera]) for present in faults)
        assert {len(present) for present in faults} == {1, 2}
        assert min(strength for present in faults for strength in present.values()) >= 0.5
        assert all(not torch.equal(a, b) for a, b in zip(degraded, clean, strict=True))
        assert torch.equal(degraded, again[camera].degraded_B3HW)
    assert torch.equal(drawn["infrared"].degraded_B3HW[:, 0], drawn["infrared"].degraded_B3HW[:, 2])


def test_dark_pictures_are_no_clean_targets():
    """At night the visible picture stays as it is and has no fault; infrared has its own as by day."""
    drawn = restorable("night").draw(4, 64, 0.5, seeded())
    assert torch.equal(drawn["visible"].degraded_B3HW, drawn["visible"].clean_B3HW)
    assert drawn["visible"].faults == [{}] * 4
    assert all(drawn["infrared"].faults)


def test_real_pairs_take_the_place_of_drawn_ones():
    """Of the camera that their fault names, in the share asked for; the others are our own."""
    pair = RealPair("visible.haze", np.full((70, 90, 3), 200, np.uint8), np.full((70, 90, 3), 100, np.uint8))
    source = restorable(pairs=(pair,), two_faults=0.0)
    all_real, half, none = (source.draw(64, 64, share, seeded()) for share in (1.0, 0.5, 0.0))
    assert (all_real["visible"].degraded_B3HW * 255 == 200).all()
    assert (all_real["visible"].clean_B3HW * 255 == 100).all()
    assert all(present.keys() == {"visible.haze"} for present in all_real["visible"].faults)
    assert 0.3 < (half["visible"].clean_B3HW.flatten(1).std(1) < 1e-6).float().mean() < 0.7
    assert not (none["visible"].clean_B3HW.flatten(1).std(1) < 1e-6).any()
    assert not (all_real["infrared"].clean_B3HW.flatten(1).std(1) < 1e-6).any()
    too_large = source.draw(2, 72, 1.0, seeded())["visible"]
    assert not (too_large.clean_B3HW.flatten(1).std(1) < 1e-6).any()


def test_degraded_and_clean_are_cut_at_one_place():
    """The target of a crop is what lies below it."""
    clean = np.random.default_rng(1).integers(0, 200, (90, 110, 3), np.uint8)
    source = restorable(pairs=(RealPair("visible.noise", clean + np.uint8(50), clean),))
    drawn = source.draw(6, 64, 1.0, seeded())["visible"]
    torch.testing.assert_close(drawn.degraded_B3HW - drawn.clean_B3HW, torch.full((6, 3, 64, 64), 50 / 255))


def test_sets_come_from_folders(tmp_path):
    """With the fault of their layout, or the one that is named; of very many, evenly many are kept."""
    for number in range(6):
        save(tmp_path, f"LOL/our485/low/{number}.png", 20)
        save(tmp_path, f"LOL/our485/high/{number}.png", 90 + number)
        save(tmp_path, f"stripes/input/{number}.png", 20)
        save(tmp_path, f"stripes/target/{number}.png", 90)
    every = load_sets([RestorationSet(folder=Path("LOL")), RestorationSet(folder=Path("stripes"), fault="infrared.stripes")], tmp_path)
    assert {pair.fault for pair in every} == {"visible.darkness", "infrared.stripes"}
    dark = [pair for pair in every if pair.fault == "visible.darkness"]
    assert 2 < len(dark) <= 6
    assert len(load_sets([RestorationSet(folder=Path("LOL"), most=2)], tmp_path)) == 2


def test_a_set_that_may_not_be_trained_on_is_refused(tmp_path):
    """Rather than left out without a word."""
    save(tmp_path, "LOL/eval15/low/1.png", 20)
    save(tmp_path, "LOL/eval15/high/1.png", 90)
    with pytest.raises(ConfigError, match="no pairs in the training part"):
        load_sets([RestorationSet(folder=Path("LOL"))], tmp_path)


def test_what_ails_the_pictures_must_be_known(tmp_path):
    """By the layout or by name; a name that there is not gets the nearest one."""
    for number in range(9):
        save(tmp_path, f"input/{number}.png", 20)
        save(tmp_path, f"target/{number}.png", 90)
    with pytest.raises(ConfigError, match="nothing says what ails"):
        load_sets([RestorationSet(folder=Path())], tmp_path)
    with pytest.raises(ConfigError, match=r"did you mean 'visible\.haze'"):
        load_sets([RestorationSet(folder=Path(), fault="visible.hase")], tmp_path)
