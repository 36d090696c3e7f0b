"""CC, SCD and PSNR, against NumPy."""

import math

import numpy as np
import pytest

from streamfuse.evaluate.correlation import correlation, peak_signal_to_noise, pearson, sum_of_correlations_of_differences
from tests.evaluate.conftest import picture, tensors


def r(x, y) -> float:
    return float(np.corrcoef(x.ravel().astype(float), y.ravel().astype(float))[0, 1])


def test_correlation(trio):
    """The mean of Pearson's r with both cameras."""
    a, b, fused = trio
    assert float(correlation(*tensors(*trio))) == pytest.approx((r(a, fused) + r(b, fused)) / 2)


def test_correlations_of_differences(trio):
    """What is there beyond one camera, against the other."""
    a, b, fused = (x.astype(float) for x in trio)
    assert float(sum_of_correlations_of_differences(*tensors(*trio))) == pytest.approx(r(fused - b, a) + r(fused - a, b))


def test_the_sum_of_both_cameras_is_perfect():
    """F = A + B leaves exactly the other camera in each difference: SCD is 2."""
    a, b = picture(1) // 3, picture(2) // 3
    assert float(sum_of_correlations_of_differences(*tensors(a, b, a + b))) == pytest.approx(2)


def test_flat_pictures_correlate_with_nothing():
    """They count 0, not NaN."""
    flat, other = tensors(np.full((48, 56), 5, np.uint8), picture(1))
    assert float(pearson(flat, other)) == 0
    assert float(sum_of_correlations_of_differences(flat, flat, flat)) == 0


def test_peak_signal_to_noise():
    """Ten grey levels off in one camera and none in the other: the mean of 100 and 0 against a peak of 255."""
    a = picture(1) // 2
    x = tensors(a, a + 10, a)
    assert float(peak_signal_to_noise(*x)) == pytest.approx(10 * math.log10(255**2 / 50))
    assert float(peak_signal_to_noise(*x, peak="maximum")) == pytest.approx(10 * math.log10(int(a.max()) ** 2 / 50))
    assert float(peak_signal_to_noise(*x, peak="zoo")) == pytest.approx(10 * math.log10(255**2 / 50) + 48.1308, abs=1e-4)


def test_no_error_is_infinite():
    """Three equal pictures have no noise at all."""
    x = tensors(picture(1))[0]
    assert float(peak_signal_to_noise(x, x, x)) == math.inf
