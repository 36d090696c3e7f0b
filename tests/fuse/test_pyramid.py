"""The pyramid: its low pass, and that OpenCV and tensors build the same one."""

import pytest
import torch

from streamfuse.fuse.pyramid import BINOMIAL, Pyramid, expanded, reduced


def test_taps_are_a_mean():
    """The low pass keeps flat pictures flat: its taps add up to one and are symmetric."""
    assert sum(BINOMIAL) == 1
    assert BINOMIAL[::-1] == BINOMIAL
    assert reduced(torch.full((1, 2, 9, 6), 0.3)) == pytest.approx(torch.full((1, 2, 5, 3), 0.3), abs=1e-6)


@pytest.mark.parametrize("size", [(8, 8), (9, 8), (7, 5), (4, 4)])
def test_reduced_sizes_are_rounded_up_and_come_back(size):
    """Half the size, rounded up, and back to the size that it was."""
    picture = torch.rand(1, 1, *size)
    small = reduced(picture)
    assert small.shape[2:] == (-(-size[0] // 2), -(-size[1] // 2))
    assert expanded(small, picture).shape == picture.shape


def test_no_level_is_shifted():
    """A ramp stays in its place when it is reduced and expanded: the pyramid has no half-pixel in it."""
    ramp = (torch.arange(64.0) / 64).expand(1, 1, 64, 64)
    back = expanded(reduced(ramp), ramp)
    assert torch.allclose(back[..., 4:-4], ramp[..., 4:-4], atol=1e-6)


@pytest.mark.parametrize("levels", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(64, 64), (67, 45), (5, 4), (1, 9), (200, 3), (48, 100)])
def test_both_ways_build_the_same_pyramid(levels, size):
    """OpenCV on a CPU and tensors on a GPU give the same picture to a millionth, borders and odd sizes included."""
    a, b = random_pair(size, levels)
    pyramid = Pyramid(levels=levels)
    torch.testing.assert_close(pyramid.fused(a, b), pyramid.on_device(a, b), atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(48, 64), (33, 41), (4, 5), (1, 5)])
def test_both_ways_choose_by_the_same_window(size):
    """Also where a window decides and the base is partly a sum; choices that tie may fall either way."""
    a, b = random_pair(size, 0)
    pyramid = Pyramid(window_px=5, of_sum=0.3)
    assert ((pyramid.fused(a, b) - pyramid.on_device(a, b)).abs() > 1e-5).float().mean() < 0.01


def random_pair(size: tuple[int, int], seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(2, 1, *size, generator=draw), torch.rand(2, 1, *size, generator=draw)
