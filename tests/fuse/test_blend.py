"""The reference formula: each of its three terms, its level, and that it works on pictures of any batch."""

import pytest
import torch

from streamfuse.fuse.blend import OF_LAPLACIAN, OF_MAXIMUM, OF_SUM, blend
from streamfuse.fuse.laplacian import Laplacian, LaplacianSettings


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_weights_add_up_to_one():
    """The terms share the picture: nothing is brightened as a whole."""
    assert pytest.approx(1) == OF_MAXIMUM + OF_LAPLACIAN + OF_SUM


@pytest.mark.parametrize("size", [(48, 64), (33, 41), (1, 5)])
def test_is_the_stated_formula(size):
    """The result is the weighted sum of maximum, pyramid and sum less the smaller mean, clamped."""
    a, b = random(1, 1, *size), random(1, 1, *size, seed=1)
    pyramid = Laplacian(LaplacianSettings()).rule(a, b)
    want = 0.55 * torch.maximum(a, b) + 0.25 * pyramid + 0.2 * (a + b - min(a.mean(), b.mean()))
    assert torch.allclose(blend(a, b), want.clamp(0, 1), atol=1e-6)


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.7), (0.7, 0.2), (0.4, 0.4), (0.0, 1.0)])
def test_flat_pictures_give_the_brighter(a, b):
    """Without anything to see, the level is the brighter camera's."""
    fused = blend(torch.full((1, 1, 24, 24), a), torch.full((1, 1, 24, 24), b))
    assert torch.allclose(fused, torch.full_like(fused, max(a, b)), atol=1e-6)


def test_equal_pictures_gain_contrast():
    """Two equal pictures come out with 1.2 times their contrast about their mean."""
    picture = 0.4 + 0.2 * random(1, 1, 32, 32)
    want = picture.mean() + 1.2 * (picture - picture.mean())
    assert torch.allclose(blend(picture, picture), want, atol=1e-6)


def test_what_either_camera_has_is_added():
    """Where both are brighter than elsewhere, the result is brighter than either: the sum keeps what maximum drops."""
    a, b = torch.full((1, 1, 64, 64), 0.3), torch.full((1, 1, 64, 64), 0.3)
    a[..., 16:48, 16:48], b[..., 16:48, 16:48] = 0.6, 0.6
    assert float(blend(a, b)[0, 0, 32, 32]) > 0.62


def test_no_gradient_flows():
    """Training holds networks against it; it is never trained through."""
    fused = blend(random(1, 1, 16, 16).requires_grad_(), random(1, 1, 16, 16, seed=1))
    assert not fused.requires_grad


@pytest.mark.needs_cuda
def test_same_on_a_gpu():
    """A GPU gives the CPU's picture."""
    a, b = random(3, 1, 49, 63), random(3, 1, 49, 63, seed=1)
    assert torch.allclose(blend(a.cuda(), b.cuda()).cpu(), blend(a, b), atol=1e-5)
