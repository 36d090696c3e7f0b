"""The rough search."""

import numpy as np
import pytest

from streamfuse.align.search import candidates, scaling


def test_finds_scale_and_place(two_cameras, error):
    """Among the first few answers is one within the reach of the refinement."""
    infrared, visible, truth = two_cameras()
    found = candidates([infrared], [visible], 5)
    assert len(found) == 5
    assert [c.significance for c in found] == sorted((c.significance for c in found), reverse=True)
    assert min(error(c.homography, truth, infrared, visible) for c in found) < 20


def test_answers_are_affine(two_cameras):
    """The search knows size, shape and place, no perspective."""
    infrared, visible, _ = two_cameras()
    assert candidates([infrared], [visible], 1)[0].homography[2].tolist() == [0, 0, 1]


@pytest.mark.parametrize("factor", [0.5, 2.0, 3.0])
def test_scaling_keeps_edges_on_edges(factor):
    """The outer edges of the first and the last pixel are where they were."""
    matrix = scaling(factor, factor)
    assert matrix @ (-0.5, -0.5, 1) == pytest.approx((-0.5, -0.5, 1))
    assert (matrix @ (9.5, 9.5, 1))[:2] == pytest.approx(np.array([10, 10]) * factor - 0.5)
