"""A pyramid that takes the details of the camera that is busier thereabouts, with some of the plain maximum: the reference formula R.

R = 0.3 max(A, B) + 0.7 P, clamped to [0, 1]. P is a Laplacian pyramid of four levels (Burt and Adelson 1983). At each scale it keeps
the detail of the camera whose mean |detail| over 5x5 is larger (the salience of Burt and Kolczynski 1993, with the mean magnitude for
their energy): chosen pixel by pixel, noise would be woven together out of both. Its base is 0.7 max(A, B) + 0.3 (A + B - m), m the
smaller mean of the two bases: the sum keeps what each camera has and the other lacks.

Weights found by search on development pairs; docs/measured.md has the neighbours.
"""

import torch

from streamfuse.fuse.classical import ClassicalFuser
from streamfuse.fuse.pyramid import Pyramid

OF_MAXIMUM = 0.3
PYRAMID = Pyramid(levels=4, window_px=5, of_sum=0.3)
"""P."""


class Salience(ClassicalFuser):
    """See the file's docstring."""

    name = "salience"

    def rule(self, infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor) -> torch.Tensor:
        """See `salience`."""
        return salience(infrared_B1HW, luma_B1HW)


@torch.no_grad()
def salience(infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor) -> torch.Tensor:
    """R of two pictures (B, 1, H, W) in [0, 1], float32: same shape and range. Means are per picture. No gradient flows."""
    pyramid_B1HW = PYRAMID.fused(infrared_B1HW, luma_B1HW)
    return (OF_MAXIMUM * torch.maximum(infrared_B1HW, luma_B1HW) + (1 - OF_MAXIMUM) * pyramid_B1HW).clamp(0, 1)
