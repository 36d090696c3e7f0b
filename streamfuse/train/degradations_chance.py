"""Drawn numbers, clouds, grain and lines: what the models of faults are made of.

Everything is drawn on the device of the generator. Legend: N items with a fault, C channels, H W pixels, K edge of a kernel.
"""

import math

import torch
from torch.nn.functional import conv2d, interpolate, pad

OCTAVES = 3
REACH = 7
"""Half an edge of a kernel in pixels: holds a motion of 13 pixels, or a Gaussian of 2.7."""


def uniform(low: float, high: float, count: int, draw: torch.Generator) -> torch.Tensor:
    """(N, 1, 1, 1) between `low` and `high`."""
    return low + (high - low) * torch.rand(count, 1, 1, 1, generator=draw, device=draw.device)


def normal(count: int, channels: int, size: tuple[int, int], draw: torch.Generator) -> torch.Tensor:
    """(N, C, *size) of mean 0 and deviation 1."""
    return torch.randn(count, channels, *size, generator=draw, device=draw.device)


def cloud(count: int, size: tuple[int, int], draw: torch.Generator, octaves: int = OCTAVES) -> torch.Tensor:
    """(N, 1, H, W) smooth and patchy, between 0 and 1, about 0.5 in the mean: octaves of noise, each twice as fine and 0.6 as strong."""
    heap = torch.zeros(count, 1, *size, device=draw.device)
    for octave in range(octaves):
        cells = (3 * 2**octave + 1,) * 2
        heap += 0.6**octave * interpolate(normal(count, 1, cells, draw), size=size, mode="bicubic", align_corners=True)
    return heap.sigmoid()


def grain(count: int, channels: int, size: tuple[int, int], draw: torch.Generator) -> torch.Tensor:
    """(N, C, H, W) of mean 0 and deviation 1; from item to item more or less correlated along rows, as sensors and codecs make it."""
    fine = normal(count, channels, size, draw)
    share = uniform(0.0, 0.7, count, draw)
    return torch.addcmul(fine, share, fine.roll(1, dims=3)) / (1 + share**2).sqrt()


def line(angle_N111: torch.Tensor, length_N111: torch.Tensor) -> torch.Tensor:
    """(N, 1, K, K) kernels of sum 1: a line one pixel wide, `length` pixels long, at `angle` radians from the vertical, soft ends."""
    down, across = _offsets(angle_N111)
    along = across * angle_N111.sin() + down * angle_N111.cos()
    aside = across * angle_N111.cos() - down * angle_N111.sin()
    weights = (1 - aside.abs()).clamp_min(0) * (length_N111 / 2 + 0.5 - along.abs()).clamp(0, 1)
    return weights / weights.sum((2, 3), keepdim=True)


def disc(sigma_N111: torch.Tensor) -> torch.Tensor:
    """(N, 1, K, K) Gaussian kernels of sum 1."""
    down, across = _offsets(sigma_N111)
    weights = (-(down**2 + across**2) / (2 * sigma_N111**2)).exp()
    return weights / weights.sum((2, 3), keepdim=True)


def convolved(picture_NCHW: torch.Tensor, kernel_N1KK: torch.Tensor) -> torch.Tensor:
    """Each item with its own kernel; borders are mirrored."""
    count, channels, height, width = picture_NCHW.shape
    wide = pad(picture_NCHW, (REACH,) * 4, mode="reflect").reshape(1, count * channels, height + 2 * REACH, width + 2 * REACH)
    kernels = kernel_N1KK.repeat_interleave(channels, 0)
    return conv2d(wide, kernels, groups=count * channels).view(count, channels, height, width)


def turn(count: int, draw: torch.Generator) -> torch.Tensor:
    """(N, 1, 1, 1) any direction of a line, in radians."""
    return uniform(-math.pi / 2, math.pi / 2, count, draw)


def _offsets(like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    steps = torch.arange(-REACH, REACH + 1, dtype=like.dtype, device=like.device)
    return steps.view(1, 1, -1, 1), steps.view(1, 1, 1, -1)
