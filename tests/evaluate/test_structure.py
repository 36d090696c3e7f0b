"""SSIM and MS-SSIM, against a plain transcription of the formula."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from streamfuse.evaluate.structure import FORMS, LEAST_EDGE_PX, SCALE_WEIGHTS, multi_scale_similarity, structural_similarity
from streamfuse.evaluate.window import Taps
from tests.evaluate.conftest import Grey, picture, tensors


def ssim(a: Grey, b: Grey, taps: Taps, levels: float, *, sample: bool = False) -> float:
    x, y = a.astype(float), b.astype(float)
    weights = np.outer(taps, taps)

    def mean(z: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((sliding_window_view(z, weights.shape) * weights).sum((2, 3)))

    scale = weights.size / (weights.size - 1) if sample else 1
    mx, my = mean(x), mean(y)
    sx, sy, sxy = ((mean(p) - q) * scale for p, q in ((x * x, mx * mx), (y * y, my * my), (x * y, mx * my)))
    c1, c2 = (0.01 * levels) ** 2, (0.03 * levels) ** 2
    return float(((2 * mx * my + c1) * (2 * sxy + c2) / ((mx**2 + my**2 + c1) * (sx + sy + c2))).mean())


@pytest.mark.parametrize(("form", "levels", "divisor"), [("mean", 255, 2), ("sum", 255, 1), ("cddfuse", 2, 1), ("zoo", 1, 1)])
def test_is_the_formula(trio, form, levels, divisor):
    """Every published form is the one formula with its own window, range and way to join both sources."""
    a, b, fused = trio
    want = sum(ssim(x, fused, FORMS[form].taps, levels, sample=form == "cddfuse") for x in (a, b)) / divisor
    assert float(structural_similarity(*tensors(*trio), form=form)) == pytest.approx(want)


def test_matlabs_windows_reach_over_the_border():
    """With `matlab` the edge pixels go on, so that every pixel has a window."""
    a, b, fused = (np.pad(picture(seed, 20, 24), 5, mode="edge") for seed in (1, 2, 3))
    want = (ssim(a, fused, FORMS["matlab"].taps, 1) + ssim(b, fused, FORMS["matlab"].taps, 1)) / 2
    inner = tensors(*(np.ascontiguousarray(x[5:-5, 5:-5]) for x in (a, b, fused)))
    assert float(structural_similarity(*inner, form="matlab")) == pytest.approx(want)


@pytest.mark.parametrize("measure", [structural_similarity, multi_scale_similarity])
def test_a_copy_is_alike(measure):
    """Equal pictures have 1, and noise has less."""
    a = picture(1, 180, 190)
    noisy = (a + np.random.default_rng(1).normal(0, 40, a.shape)).clip(0, 255).astype(np.uint8)
    assert float(measure(*tensors(a, a, a))) == pytest.approx(1)
    assert float(measure(*tensors(a, a, noisy))) < 0.9


def test_scales_are_weighted():
    """The weights of the five scales add up to one; noise of single pixels is averaged away on the coarse ones."""
    assert sum(SCALE_WEIGHTS) == pytest.approx(1, abs=1e-3)
    a = picture(1, 176, 176)
    noisy = (a + np.random.default_rng(1).normal(0, 40, a.shape)).clip(0, 255).astype(np.uint8)
    x = tensors(a, a, noisy)
    assert float(multi_scale_similarity(*x)) > float(structural_similarity(*x))


def test_least_size_is_stated():
    """At the stated edge the window fits at the fifth scale; a pixel less and it does not."""
    a = picture(1, LEAST_EDGE_PX, LEAST_EDGE_PX)
    assert float(multi_scale_similarity(*tensors(a, a, a))) == pytest.approx(1)
    small = picture(1, LEAST_EDGE_PX - 1, LEAST_EDGE_PX)
    assert multi_scale_similarity(*tensors(small, small, small)).isnan().all()
