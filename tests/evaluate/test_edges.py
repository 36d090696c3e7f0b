"""Qabf and Nabf: kept edges, lost edges, and edges that nobody saw."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from streamfuse.evaluate.edges import edge_preservation, fusion_artefacts
from tests.evaluate.conftest import Grey, picture, tensors

Array = NDArray[np.float64]


def sobel(image: Grey, mode: Any) -> tuple[Array, Array]:
    x = np.pad(image.astype(float), 1, mode=mode)
    gx, gy = np.zeros((x.shape[0] - 2, x.shape[1] - 2)), np.zeros((x.shape[0] - 2, x.shape[1] - 2))
    for i, weight in enumerate((1, 2, 1)):
        gx += weight * (x[i : x.shape[0] - 2 + i, 2:] - x[i : x.shape[0] - 2 + i, :-2])
        gy += weight * (x[:-2, i : x.shape[1] - 2 + i] - x[2:, i : x.shape[1] - 2 + i])
    return gx, gy


def kept(source: Grey, fused: Grey) -> tuple[Array, Array]:
    """Q of Xydeas and Petrovic at each pixel, and the source's edge strength; pixel by pixel."""
    sx, sy = sobel(source, "constant")
    fx, fy = sobel(fused, "constant")
    q, weight = np.zeros(sx.shape), np.hypot(sx, sy)
    for at in np.ndindex(sx.shape):
        g, h = float(weight[at]), math.hypot(fx[at], fy[at])
        strength = h if g == h else min(g, h) / max(g, h)
        angle = [math.pi / 2 if x == 0 else math.atan(y / x) for x, y in ((sx[at], sy[at]), (fx[at], fy[at]))]
        turned = 1 - abs(angle[0] - angle[1]) / (math.pi / 2)
        q[at] = 0.9994 / (1 + math.exp(-15 * (strength - 0.5))) * 0.9879 / (1 + math.exp(-22 * (turned - 0.8)))
    return q, weight


def test_preservation_is_the_formula(trio):
    """Strength and direction of Sobel edges through both sigmoids, weighted by the sources' edges."""
    a, b, fused = trio
    (qa, wa), (qb, wb) = kept(a, fused), kept(b, fused)
    want = (qa * wa + qb * wb).sum() / (wa + wb).sum()
    assert float(edge_preservation(*tensors(*trio))) == pytest.approx(want)


def test_a_copy_keeps_its_edges():
    """Nearly all of them, by the sigmoids' upper ends; a flat picture keeps only the border against the zeros around it."""
    a = picture(1)
    assert float(edge_preservation(*tensors(a, a, a))) > 0.97
    assert float(edge_preservation(*tensors(a, a, np.full_like(a, 100)))) < 0.3


def test_no_edges_no_numbers_to_divide_by():
    """Three black pictures give 0 for both, not NaN."""
    flat = tensors(np.zeros((12, 12), np.uint8))[0]
    assert float(edge_preservation(flat, flat, flat)) == 0
    assert float(fusion_artefacts(flat, flat, flat)) == 0


def test_a_choice_between_cameras_has_no_artefacts():
    """What is copied from one camera is stronger than neither: nothing was made up."""
    a, b = picture(1), picture(2)
    assert float(fusion_artefacts(*tensors(a, b, a))) == 0


def test_noise_is_an_artefact():
    """Edges that no camera saw count, and the more the stronger they are."""
    a, b = picture(1) // 2, picture(2) // 2
    clean = np.maximum(a, b)
    draw = np.random.default_rng(1)
    found = []
    for sigma in (0, 10, 30):
        noisy = (clean + draw.normal(0, sigma, clean.shape)).clip(0, 255).astype(np.uint8)
        found.append(float(fusion_artefacts(*tensors(a, b, noisy))))
    assert found == sorted(found)
    assert found[2] > 0.05


def test_weak_edges_weigh_little_or_nothing():
    """With `zoo`, edges below two grey levels have no weight: noise on nearly flat pictures is then no artefact."""
    flat = np.full((16, 16), 100, np.uint8)
    a = flat + (np.indices((16, 16)).sum(0) % 2).astype(np.uint8)
    noisy = picture(3, 16, 16)
    assert float(fusion_artefacts(*tensors(a, a, noisy))) > 0
    assert float(fusion_artefacts(*tensors(a, a, noisy), floor="zoo")) == 0
