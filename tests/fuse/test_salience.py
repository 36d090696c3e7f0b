"""The reference formula: its terms, and its choice by neighbourhood."""

import numpy as np
import pytest
import torch

from streamfuse.fuse.salience import salience


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.7), (0.7, 0.2), (0.4, 0.4), (0.0, 1.0)])
def test_flat_pictures_give_the_brighter(a, b):
    """Without anything to see, the level is the brighter camera's."""
    fused = salience(torch.full((1, 1, 24, 24), a), torch.full((1, 1, 24, 24), b))
    torch.testing.assert_close(fused, torch.full_like(fused, max(a, b)))


def test_detail_is_taken_from_the_busier_neighbourhood():
    """Faint grain of one camera is not woven into the strong pattern of the other, as it is where each pixel chooses for itself."""
    board = torch.from_numpy(np.kron(np.indices((24, 24)).sum(0) % 2, np.ones((4, 4))).astype(np.float32))[None, None]
    strong, grain = 0.2 + 0.4 * board, 0.4 + 0.02 * random(1, 1, 96, 96)
    plain = salience(grain.mean().expand_as(grain).contiguous(), strong)
    torch.testing.assert_close(salience(grain, strong), plain, atol=0.02, rtol=0)


def test_what_either_camera_has_is_added():
    """Where both are brighter than elsewhere, the result is brighter than either: the sum keeps what maximum drops."""
    a, b = torch.full((1, 1, 64, 64), 0.3), torch.full((1, 1, 64, 64), 0.3)
    a[..., 16:48, 16:48], b[..., 16:48, 16:48] = 0.6, 0.6
    assert float(salience(a, b)[0, 0, 32, 32]) > 0.62


def test_stays_in_range_and_lets_no_gradient_through():
    """Networks are held against it; it is never trained through."""
    fused = salience(random(1, 1, 32, 32), random(1, 1, 32, 32, seed=1).requires_grad_())
    assert 0 <= float(fused.min()) <= float(fused.max()) <= 1
    assert not fused.requires_grad


@pytest.mark.needs_cuda
def test_same_on_a_gpu():
    """A GPU gives the CPU's picture, but for ties."""
    a, b = random(3, 1, 49, 63), random(3, 1, 49, 63, seed=1)
    assert ((salience(a.cuda(), b.cuda()).cpu() - salience(a, b)).abs() > 1e-5).float().mean() < 0.01
