"""FMI, against joint distributions written out in full."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from streamfuse.evaluate.features import _cosines, feature_mutual_information
from tests.evaluate.conftest import Grey, picture, tensors


def entropy(p: NDArray[np.float64]) -> float:
    return -float(sum(x * math.log2(abs(x)) for x in np.ravel(p) if x != 0))


def window_information(a: Grey, f: Grey) -> float:
    """2 I / (H + H) of two windows, from the whole joint distribution."""
    pa, pf = ((x - x.min() if x.max() > x.min() else np.ones(9)) for x in (a.T.ravel().astype(float), f.T.ravel().astype(float)))
    pa, pf = pa / pa.sum(), pf / pf.sum()
    ca, cf = pa.cumsum(), pf.cumsum()
    size = math.sqrt(((pa - pa.mean()) ** 2).sum() * ((pf - pf.mean()) ** 2).sum())
    r = ((pa - pa.mean()) * (pf - pf.mean())).sum() / size if size else 0.0
    bound = np.minimum(ca[:, None], cf) if r >= 0 else np.maximum(ca[:, None] + cf - 1, 0)
    cells = np.diff(np.diff(np.pad(bound, ((1, 0), (1, 0))), axis=0), axis=1)
    places = np.arange(1, 10)
    spreads = [math.sqrt(max(0.0, (p * places**2).sum() - (p * places).sum() ** 2)) for p in (pa, pf)]
    reach = (bound - ca[:, None] * cf).sum()
    phi = r * spreads[0] * spreads[1] / reach if reach else 0.0
    joint = phi * cells + (1 - phi) * pa[:, None] * pf
    total = entropy(pa) + entropy(pf)
    return 2 * (total - entropy(joint)) / total if total else 1.0


def test_is_the_formula():
    """The sparse way to the joint entropy gives what the full distribution gives, window by window."""
    a, b, fused = (picture(seed, 10, 12) for seed in (1, 2, 3))
    found = [window_information(x[i : i + 3, j : j + 3], fused[i : i + 3, j : j + 3]) for x in (a, b) for i in range(8) for j in range(10)]
    assert float(feature_mutual_information(*tensors(a, b, fused))) == pytest.approx(np.mean(found), rel=1e-9)


@pytest.mark.parametrize("feature", ["pixel", "gradient", "dct"])
def test_a_copy_tells_all(feature):
    """Equal pictures have 1, by any feature; another picture tells less."""
    a, b = picture(1, 24, 28), picture(2, 24, 28)
    assert float(feature_mutual_information(*tensors(a, a, a), feature=feature)) == pytest.approx(1)
    assert float(feature_mutual_information(*tensors(a, a, b), feature=feature)) < 0.9


def test_flat_windows_are_no_trouble():
    """A flat window is a uniform distribution: flat pictures are the same whatever their level, and tell nothing of a picture."""
    flat, other = np.full((24, 28), 50, np.uint8), np.full((24, 28), 90, np.uint8)
    assert float(feature_mutual_information(*tensors(flat, flat, other))) == 1
    assert abs(float(feature_mutual_information(*tensors(flat, flat, picture(1, 24, 28))))) < 1e-9


def test_cosines_are_a_rotation():
    """The matrix of the transform is orthonormal, its first row a mean."""
    rows = _cosines(7)
    assert torch.allclose(rows @ rows.T, torch.eye(7, dtype=torch.float64))
    assert torch.allclose(rows[0], torch.full((7,), 7**-0.5, dtype=torch.float64))
