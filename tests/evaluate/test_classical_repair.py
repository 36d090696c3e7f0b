"""Repairs without a network, and what they do about the faults that networks are told of."""

import numpy as np
import pytest
import torch

from streamfuse.evaluate.classical_repair import REPAIRS, dehazed, destriped, repaired, repairing, stretched, toned
from streamfuse.evaluate.contender import Sight
from streamfuse.evaluate.word_cases import spoilt
from streamfuse.evaluate.words import NEUTRAL, WordCase, examined, reference
from streamfuse.train.degradations import FAULTS
from tests.evaluate.conftest import picture

CLEAN = Sight(picture(1), np.stack([picture(2), picture(3), picture(2)], 2))


def error(one: Sight, other: Sight) -> float:
    """Mean square over both cameras, levels."""
    return float(np.mean([np.square(a.astype(float) - b).mean() for a, b in zip(one, other, strict=True)]))


def test_every_fault_has_its_repair():
    """In the order in which faults come upon a picture."""
    assert list(REPAIRS) == [fault.name for fault in FAULTS]


@pytest.mark.parametrize("fault", REPAIRS)
def test_a_repair_touches_its_camera_alone(fault):
    """And gives a picture of the same kind, without changing the one it was given."""
    before = Sight(CLEAN.infrared_HW.copy(), CLEAN.visible_HW3.copy())
    after = repaired(CLEAN, [fault])
    assert all((a == b).all() for a, b in zip(CLEAN, before, strict=True))
    mine, other = (0, 1) if fault.startswith("infrared") else (1, 0)
    assert (after[other] == CLEAN[other]).all()
    assert after[mine].shape == CLEAN[mine].shape
    assert after[mine].dtype == np.uint8
    assert (after[mine] != CLEAN[mine]).any()


@pytest.mark.parametrize("fault", ["visible.darkness", "visible.noise", "infrared.stripes", "infrared.noise", "infrared.low_contrast"])
def test_a_repair_brings_a_spoilt_picture_nearer(fault):
    """At full strength, over five draws."""
    damaged = [spoilt(CLEAN, {fault: 1.0}, seed) for seed in range(5)]
    assert np.mean([error(repaired(one, [fault]), CLEAN) for one in damaged]) < 0.8 * np.mean([error(one, CLEAN) for one in damaged])


def test_even_haze_is_taken_away():
    """A veil of one density over a scene with dark places leaves, as the dark channel has it."""
    scene = np.full((90, 90, 3), 30, np.uint8)
    scene[20:70, 20:70] = (30, 120, 200)
    scene[:8] = 230  # sky, all airlight
    veiled = (0.5 * scene + 0.5 * 230).astype(np.uint8)
    found = dehazed(veiled, omega=0.95, patch_px=7)
    shown = (slice(25, 65), slice(25, 65))
    assert np.abs(found[shown].astype(int) - scene[shown]).mean() < 0.5 * np.abs(veiled[shown].astype(int) - scene[shown]).mean()


def test_columns_get_their_offset_back():
    """Stripes on a flat picture leave all but their slow part."""
    stripes = np.random.default_rng(1).integers(-20, 20, (1, 120))
    found = destriped((100 + stripes + np.zeros((60, 1))).astype(np.uint8), sigma_px=16)
    assert found.std() < 0.3 * stripes.std()


def test_tones_reach_their_mean():
    """Dark and light pictures alike; black stays black."""
    for level in (20, 220):
        flat = np.full((8, 8, 3), level, np.uint8)
        assert toned(flat, 0.35).mean() / 255 == pytest.approx(0.35, abs=0.01)
    assert not toned(np.zeros((8, 8, 3), np.uint8), 0.35).any()


def test_a_flat_picture_is_not_torn_apart():
    """Stretching nothing gives nothing, and no division by it."""
    assert stretched(np.full((8, 8), 90, np.uint8), 1, 99).std() == 0


def test_the_last_fault_is_repaired_first():
    """Whatever the order in which they are named."""
    names = ("visible.haze", "visible.noise")
    want = REPAIRS[names[0]](REPAIRS[names[1]](CLEAN.visible_HW3))
    for order in (names, names[::-1]):
        assert (repaired(CLEAN, order).visible_HW3 == want).all()


def test_it_does_what_the_words_name():
    """Right words mean the faults, one part one of them, wrong words a fault that is not there, neutral words nothing."""
    faults = ("infrared.stripes", "visible.darkness")
    case = WordCase(
        name="a", faults=faults, seen=spoilt(CLEAN, dict.fromkeys(faults, 1.0), 1), clean=CLEAN, right=("r1", "r2"), trained=("t",),
        wrong="w", wrong_faults=("visible.rain",), parts=("p1", "p2"),
    )  # fmt: skip
    seen: list[tuple[Sight, str]] = []

    def fuse(sight: Sight, text: str) -> torch.Tensor:
        seen.append((sight, text))
        return reference(sight)

    obey = repairing(case, fuse)
    for text in ("r1", "r2", "t", "w", "p1", "p2", NEUTRAL):
        obey(case.seen, text)
    wanted = [faults, faults, faults, ("visible.rain",), faults[:1], faults[1:], ()]
    for (sight, text), names in zip(seen, wanted, strict=True):
        assert text == NEUTRAL
        assert error(sight, repaired(case.seen, names)) == 0
    found = examined(obey, case)
    assert found.gain > 1
    assert found.both > 0
    assert found.spread == 0
