"""VIF, against a plain transcription of its formula."""

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from streamfuse.evaluate.fidelity import LEAST_EDGE_PX, visual_information_fidelity
from tests.evaluate.conftest import Grey, picture, tensors

Array = NDArray[np.float64]


def means(x: Array, size: int) -> Array:
    at = np.arange(size) - (size - 1) / 2
    taps = np.exp(-(at[:, None] ** 2 + at**2) / (2 * (size / 5) ** 2))
    return np.asarray((sliding_window_view(x, (size, size)) * taps / taps.sum()).sum((2, 3)))


def vifp(source: Grey, fused: Grey) -> float:
    x, y = source.astype(float), fused.astype(float)
    kept = there = 0.0
    for scale in range(4):
        size = 2 ** (4 - scale) + 1
        if scale:
            x, y = means(x, size)[::2, ::2], means(y, size)[::2, ::2]
        mx, my = means(x, size), means(y, size)
        sx, sy = means(x * x, size) - mx * mx, means(y * y, size) - my * my
        sxy = means(x * y, size) - mx * my
        g = np.maximum(sxy / (sx + 1e-10), 0)
        noise = np.where(sxy < 0, sy, sy - g * sxy)
        kept += np.log10(1 + g * g * sx / (noise + 2)).sum()
        there += np.log10(1 + sx / 2).sum()
    return kept / there


def test_is_the_formula(trio):
    """Four scales, a channel with gain and noise in each window."""
    a, b, fused = trio
    assert float(visual_information_fidelity(*tensors(*trio))) == pytest.approx(vifp(a, fused) + vifp(b, fused))


def test_mean_is_half_of_the_sum(trio):
    """Some papers average over the sources."""
    x = tensors(*trio)
    assert float(visual_information_fidelity(*x, over="mean")) == pytest.approx(float(visual_information_fidelity(*x)) / 2)


def test_everything_is_read_from_a_copy():
    """The picture itself keeps all, once for each source; noise loses, contrast gains."""
    a = picture(1) // 2
    draw = np.random.default_rng(1)
    noisy = (a + draw.normal(0, 20, a.shape)).clip(0, 255).astype(np.uint8)
    copy, lossy, stretched = (float(visual_information_fidelity(*tensors(a, a, f))) for f in (a, noisy, a * 2))
    assert copy == pytest.approx(2)
    assert lossy < 1
    assert stretched > 2


def test_a_source_that_shows_nothing_counts_nothing():
    """A lens cap is no division by zero."""
    a, black = picture(1), np.zeros((48, 56), np.uint8)
    assert float(visual_information_fidelity(*tensors(a, black, a))) == pytest.approx(1)
    assert float(visual_information_fidelity(*tensors(black, black, black))) == 0


def test_least_size_is_stated():
    """At the stated edge one window is left at the coarsest scale; a pixel less and there is none."""

    def coarsest(edge: int) -> int:
        for size in (9, 5, 3):
            edge = (edge - size + 2) // 2
        return edge - 2

    assert (coarsest(LEAST_EDGE_PX), coarsest(LEAST_EDGE_PX - 1)) == (1, 0)
    a = picture(1, LEAST_EDGE_PX, LEAST_EDGE_PX)
    assert float(visual_information_fidelity(*tensors(a, a, a))) == pytest.approx(2)
