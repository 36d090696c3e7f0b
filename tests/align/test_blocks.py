"""Correlation surfaces of blocks."""

import numpy as np
import pytest

from streamfuse.align.blocks import Scale, Surfaces, block_surfaces, brought
from streamfuse.align.search import scaling

SCALE = Scale(longer_px=320, block_px=64, reach_px=6)


def parabola(x: float, y: float, reach: int = 5) -> Surfaces:
    """One surface with its peak at (x, y)."""
    rows, columns = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    values = 1 - 0.01 * ((columns - x) ** 2 + (rows - y) ** 2)
    return Surfaces(values[None], np.zeros((1, 2)), (100, 100))


@pytest.mark.parametrize(("x", "y"), [(0, 0), (0.3, -1.4), (2.5, 2.5), (-3.2, 0.5)])
def test_slopes_lead_to_the_peak(x, y):
    """One Newton step from nearby lands on the top, between pixels too: no locking at whole ones."""
    surfaces = parabola(x, y)
    start = np.array([[x + 0.4, y - 0.3]])
    heights = surfaces.at(start)
    step = np.linalg.solve(heights.downward()[0], heights.gradient_N2[0])
    assert start[0] + step == pytest.approx((x, y), abs=1e-3)


def test_beyond_reach_counts_as_the_border():
    """A far shift is answered, with the value of the nearest place that was measured."""
    surfaces = parabola(0, 0)
    far, edge = surfaces.at(np.array([[40.0, 0.0]])), surfaces.at(np.array([[4.0, 0.0]]))
    assert far.value_N == pytest.approx(edge.value_N)


def test_a_ridge_leads_up_everywhere():
    """Curvature that bends up or not at all is made flat, so that a step never leads down."""
    ridge = Surfaces(np.tile(np.linspace(0, 1, 11, dtype=np.float32), (11, 1))[None], np.zeros((1, 2)), (9, 9))
    assert np.linalg.eigvalsh(ridge.at(np.zeros((1, 2))).downward()).min() > 0


def test_true_homography_puts_peaks_in_the_middle(two_cameras):
    """Under the truth most blocks fit best where they are."""
    infrared, visible, truth = two_cameras()
    surfaces = block_surfaces([infrared], [visible], truth, SCALE)
    assert len(surfaces.values_NSS) > 8
    best = surfaces.values_NSS.reshape(len(surfaces.values_NSS), -1).argmax(1)
    middle = surfaces.values_NSS.shape[1] ** 2 // 2
    assert np.mean(best == middle) > 0.8


def test_a_shift_shows_with_its_sign(two_cameras):
    """Where the homography is off by three infrared pixels, surfaces peak three pixels away, the way back."""
    infrared, visible, truth = two_cameras()
    off = truth @ np.array([[1, 0, 3], [0, 1, 0], [0, 0, 1]])
    surfaces = block_surfaces([infrared], [visible], off, SCALE)
    y, x = np.unravel_index(surfaces.values_NSS.sum(0).argmax(), surfaces.values_NSS.shape[1:])
    assert (x - surfaces.reach, y - surfaces.reach) == (-3, 0)


def test_small_pictures_have_smaller_blocks(two_cameras):
    """A block takes at most a third of the shorter side, so that there are always some."""
    infrared, visible, truth = two_cameras()
    surfaces = block_surfaces([infrared], [visible], truth, Scale(longer_px=320, block_px=500, reach_px=2))
    assert len(surfaces.values_NSS) >= 9


def test_brought_says_where_it_knows():
    """What lies beyond the picture, or at its very edge, is not known."""
    picture = np.full((40, 60), 9, np.uint8)
    warped, known = brought(picture, np.array([[1, 0, -10], [0, 1, 0], [0, 0, 1.0]]), (40, 80))
    assert warped.shape == known.shape == (40, 80)
    assert known[20, 40] == 1
    assert known[20, 5] == known[20, 75] == known[0, 40] == 0


def test_brought_does_not_alias():
    """A fine chequer seen from afar is grey."""
    chequer = (np.indices((240, 320)).sum(0) % 2 * 255).astype(np.uint8)
    warped, _ = brought(chequer, scaling(4, 4), (60, 80))
    assert np.ptp(warped[5:-5, 5:-5].astype(int)) < 20
