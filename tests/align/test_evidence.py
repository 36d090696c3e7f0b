"""Which motion is called for, on surfaces whose peaks are known."""

import numpy as np
import pytest

from streamfuse.align.blocks import Surfaces
from streamfuse.align.evidence import called_for, foretold
from streamfuse.align.fit import Motion
from streamfuse.align.grid import through

SIZE = (480, 640)
REACH = 8
LADDER: tuple[Motion, ...] = ("none", "shift", "similarity", "affine", "homography")
STILL = np.zeros(2)
MOTIONS: dict[Motion, np.ndarray] = {
    "none": np.eye(3),
    "shift": np.array([[1, 0, 3.0], [0, 1, -2.0], [0, 0, 1]]),
    "similarity": np.array([[1.012, -0.006, -2.0], [0.006, 1.012, -4.0], [0, 0, 1]]),
    "affine": np.array([[1.015, 0.0, -5.0], [0.0, 0.985, 3.0], [0, 0, 1]]),
}


def surfaces(motion: np.ndarray, scatter_px: float, seed: int = 4) -> Surfaces:
    """Blocks of 128 pixels, each with a peak where `motion` puts its centre, give or take `scatter_px`."""
    draws = np.random.default_rng(seed)
    centres = np.stack(np.meshgrid(np.arange(64.0, 600, 64), np.arange(64.0, 440, 64)), -1).reshape(-1, 2)
    peaks = through(motion, centres) - centres + draws.normal(0, scatter_px, centres.shape)
    y, x = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1]
    values = 0.4 * np.exp(-((x - peaks[:, 0, None, None]) ** 2 + (y - peaks[:, 1, None, None]) ** 2) / 8)
    return Surfaces(values.astype(np.float32), centres, SIZE)


@pytest.mark.parametrize("motion", list(MOTIONS))
def test_names_what_was_done(motion):
    """The motion that moved the blocks is called for: no poorer one, and no richer one."""
    seen = surfaces(MOTIONS[motion], scatter_px=0.3)
    start_px = (through(MOTIONS[motion], seen.centres_N2) - seen.centres_N2).mean(0)
    assert called_for(seen, LADDER, start_px) == motion


@pytest.mark.parametrize("seed", range(5))
def test_scatter_calls_for_nothing(seed):
    """Blocks that lie off at random are no motion, though every richer fit follows them a little."""
    assert called_for(surfaces(np.eye(3), scatter_px=1.5, seed=seed), LADDER, STILL) == "none"


def test_a_shift_too_small_to_matter_is_none():
    """A fifth of a pixel is surely there on clean blocks, and explains next to nothing."""
    assert called_for(surfaces(np.array([[1, 0, 0.2], [0, 1, 0], [0, 0, 1]]), scatter_px=0.0), LADDER, STILL) == "none"


def test_is_asked_about_what_it_was_not_shown():
    """One tile that moved alone is not foretold from the others, by any motion."""
    still, away = surfaces(np.eye(3), 0.0), surfaces(MOTIONS["shift"], 0.0)
    alone_N = np.all(still.centres_N2 < (213, 160), axis=1)
    mixed = Surfaces(np.where(alone_N[:, None, None], away.values_NSS, still.values_NSS), still.centres_N2, SIZE)
    for motion in ("none", "shift", "affine"):
        assert foretold(mixed, motion, STILL)[alone_N].max() < 0.2 < foretold(still, motion, STILL)[alone_N].min()


def test_blocks_of_one_tile_are_taken_where_they_are():
    """With nothing elsewhere to learn from, no motion is better than none."""
    few = surfaces(MOTIONS["shift"], 0.0)
    corner = few.part(np.all(few.centres_N2 < (213, 160), axis=1))
    assert called_for(corner, LADDER, STILL) == "none"
