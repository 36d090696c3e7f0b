"""Flow, warping, and where flow can be trusted."""

import numpy as np
import pytest

from streamfuse.errors import ConfigError
from streamfuse.evaluate.motion import consistent, flow, inside, unoccluded, warped
from tests.evaluate.conftest import picture


def moving(x: float, y: float, height: int = 48, width: int = 56) -> np.ndarray:
    return np.full((height, width, 2), (x, y), np.float32)


def test_flow_finds_a_shift():
    """A picture that moved three pixels to the right and one down is found so, away from the borders."""
    big = picture(1, 120, 140)
    there = flow("dis-medium")(big[10:100, 10:120].copy(), big[9:99, 7:117].copy())
    assert np.median(there[10:-10, 10:-10], axis=(0, 1)) == pytest.approx([3, 1], abs=0.3)


def test_an_unknown_flow():
    """The name of a flow is checked, with the nearest one."""
    with pytest.raises(ConfigError, match="did you mean 'dis-medium'"):
        flow("dis-mediun")


def test_warping_fetches():
    """A flow of (2, 1) fetches what lies two to the right and one below; half a pixel is a mean."""
    x = picture(1).astype(np.float32)
    assert (warped(x, moving(2, 1))[:-1, :-2] == x[1:, 2:]).all()
    assert warped(x, moving(0.5, 0))[:, :-1] == pytest.approx((x[:, :-1] + x[:, 1:]) / 2, abs=0.5)


def test_outside_is_known():
    """Places beyond the border are told."""
    assert inside(moving(2, 0))[:, :-2].all()
    assert not inside(moving(2, 0))[:, -2:].any()


def test_there_and_back():
    """Flow that returns is consistent, but not where it leaves the picture; flow that does not return is not."""
    assert consistent(moving(2, 0), moving(-2, 0))[:, :-2].all()
    assert not consistent(moving(2, 0), moving(-2, 0))[:, -2:].any()
    assert not consistent(moving(2, 0), moving(-0.5, 0)).any()


def test_borders_of_motion_are_not_trusted():
    """Where one half moves and the other stands, the line between is left out, and so is what never returns."""
    there = moving(0, 0)
    there[:, 28:] = (6, 0)
    back = -there
    trusted = unoccluded(there, back)
    assert trusted[:, :26].all()
    assert not trusted[:, 27:29].any()
    assert not unoccluded(moving(5, 0), moving(5, 0)).any()
