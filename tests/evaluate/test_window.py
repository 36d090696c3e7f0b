"""Windows over pictures."""

import numpy as np
import pytest
import torch

from streamfuse.evaluate.window import gaussian, uniform, windowed


@pytest.mark.parametrize("taps", [gaussian(11, 1.5), gaussian(4, 1.0), uniform(7)])
def test_windows_add_up_to_one(taps):
    """A window is a mean: its weights add up to 1 and are symmetric."""
    assert sum(taps) == pytest.approx(1)
    assert taps == pytest.approx(taps[::-1])


def test_gaussian_falls_by_its_sigma():
    """One sigma from the middle the weight is exp(-1/2) of the largest."""
    taps = gaussian(11, 2.0)
    assert taps[7] / taps[5] == pytest.approx(np.exp(-0.5))


def test_windows_lie_inside():
    """Each result is the weighted sum of its own window, and only whole windows count."""
    x = torch.rand(2, 9, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    taps = gaussian(5, 1.2)
    weights = torch.tensor(taps, dtype=torch.float64)
    out = windowed(x, taps)
    assert out.shape == (2, 5, 8)
    assert float(out[1, 2, 3]) == pytest.approx(float((weights[:, None] * weights * x[1, 2:7, 3:8]).sum()))
