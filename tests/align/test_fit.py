"""Models fitted to correlation surfaces that are known by formula."""

import numpy as np
import pytest

from streamfuse.align.blocks import Surfaces
from streamfuse.align.fit import as_homography, fit, moved, spread
from streamfuse.align.grid import through

SIZE = (240, 320)
REACH = 9


def surfaces(motion: np.ndarray, noise: float = 0.0, wrong: float = 0.0) -> Surfaces:
    """Blocks all over the picture whose peaks lie where `motion` (3x3) puts them; a share of them anywhere."""
    draws = np.random.default_rng(2)
    centres = np.stack(np.meshgrid(np.arange(32.0, 300, 32), np.arange(32.0, 220, 32)), -1).reshape(-1, 2)
    peaks = through(motion, centres) - centres + draws.normal(0, noise, centres.shape)
    lost = draws.uniform(size=len(peaks)) < wrong
    peaks[lost] = draws.uniform(-REACH, REACH, (lost.sum(), 2))
    y, x = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1]
    values = np.exp(-((x - peaks[:, 0, None, None]) ** 2 + (y - peaks[:, 1, None, None]) ** 2) / 8)
    return Surfaces(values.astype(np.float32), centres, SIZE)


AFFINE = np.array([[1.012, -0.008, 2.0], [0.006, 0.99, -1.5], [0, 0, 1]])
PERSPECTIVE = np.array([[1.0, 0.004, 1.0], [-0.003, 1.0, 0.5], [4e-5, -3e-5, 1]])


def apart_px(found: np.ndarray, truth: np.ndarray) -> float:
    points = np.stack(np.meshgrid(np.arange(20.0, 300, 20), np.arange(20.0, 220, 20)), -1).reshape(-1, 2)
    return float(np.linalg.norm(through(found, points) - through(truth, points), axis=1).max())


@pytest.mark.parametrize("wrong", [0.0, 0.3])
def test_finds_an_affine(wrong):
    """Blocks that point anywhere do not matter: each surface ends a little way from its peak."""
    found = as_homography(fit(surfaces(AFFINE, wrong=wrong), "affine"), SIZE)
    assert apart_px(found, AFFINE) < 0.4


def test_finds_a_homography():
    """Perspective is followed where it is asked for, and not where it is not."""
    peaks = surfaces(PERSPECTIVE)
    followed, flat = (as_homography(fit(peaks, model), SIZE) for model in ("homography", "affine"))
    assert apart_px(followed, PERSPECTIVE) < 0.3
    assert apart_px(flat, PERSPECTIVE) > apart_px(followed, PERSPECTIVE)
    assert np.abs(flat[2, :2]).max() < 1e-9


def test_a_similarity_turns_and_grows_but_does_not_stretch():
    """It follows its own kind, and of a stretch only what is growth."""
    turned = np.array([[1.01, -0.008, 1.0], [0.008, 1.01, -1.5], [0, 0, 1]])
    found = as_homography(fit(surfaces(turned), "similarity"), SIZE)
    assert apart_px(found, turned) < 0.3
    stretched = as_homography(fit(surfaces(AFFINE), "similarity"), SIZE)
    assert stretched[0, 0] == pytest.approx(stretched[1, 1], abs=1e-6)
    assert stretched[0, 1] == pytest.approx(-stretched[1, 0], abs=1e-6)


def test_a_shift_is_followed_from_where_it_is_told_to_start():
    """Of two peaks, the lower one next to the start is climbed; no motion stays at none."""
    y, x = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1]
    two = np.exp(-((x - 4) ** 2 + y**2) / 2) + 0.7 * np.exp(-((x + 4) ** 2 + y**2) / 2)
    centres = surfaces(AFFINE).centres_N2
    both = Surfaces(np.repeat(two[None], len(centres), 0).astype(np.float32), centres, SIZE)
    assert fit(both, "shift")[:2] == pytest.approx((4, 0), abs=0.3)
    assert fit(both, "shift", np.array([-5.0, 0.0]))[:2] == pytest.approx((-4, 0), abs=0.3)
    assert not fit(both, "none", np.array([-5.0, 0.0])).any()


def test_an_edge_that_runs_along_says_nothing_along():
    """Blocks with upright edges and blocks with lying ones know the whole shift together, none of them alone."""
    y, x = np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1]
    upright, lying = np.exp(-((x - 3) ** 2) / 8), np.exp(-((y + 2) ** 2) / 8)
    centres = surfaces(AFFINE).centres_N2
    values = np.stack([upright if number % 2 else lying for number in range(len(centres))]).astype(np.float32)
    parameters = fit(Surfaces(values, centres, SIZE), "affine")
    assert moved(parameters, np.array([[160.0, 120.0]]), SIZE)[0] == pytest.approx((3, -2), abs=0.1)


def test_spread_grows_with_contradiction():
    """Blocks that agree give a sure fit; blocks that scatter by a pixel an unsure one, of the right order."""
    sure, scattered = (spread(surfaces(np.eye(3), noise=noise), "affine") for noise in (0.05, 1.0))
    assert sure < 0.1
    assert 0.2 < scattered < 2
