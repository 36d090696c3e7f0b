"""Weighted windows over pictures: what SSIM and VIF look through. Legend: B batch, H W pixels."""

import math

import torch

Taps = tuple[float, ...]


def gaussian(size: int, sigma: float) -> Taps:
    """One axis of a Gaussian window of `size` samples that adds up to 1."""
    weights = [math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma**2)) for i in range(size)]
    return tuple(weight / sum(weights) for weight in weights)


def uniform(size: int) -> Taps:
    """One axis of a box window."""
    return (1 / size,) * size


def windowed(x_BHW: torch.Tensor, taps: Taps) -> torch.Tensor:
    """Weighted mean round each pixel whose window lies inside: (B, H, W) -> (B, H - n + 1, W - n + 1)."""
    # Shifted copies: torch's convolution of one channel in float64 takes twenty times as long on a CPU. One by one they stay in its cache.
    return torch.stack([_along(_along(picture, taps, 0), taps, 1) for picture in x_BHW])


def _along(x_HW: torch.Tensor, taps: Taps, axis: int) -> torch.Tensor:
    length = x_HW.shape[axis] - len(taps) + 1
    total = x_HW.narrow(axis, 0, length) * taps[0]
    for i, tap in enumerate(taps[1:], 1):
        total.add_(x_HW.narrow(axis, i, length), alpha=tap)
    return total
