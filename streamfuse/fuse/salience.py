"""A pyramid that takes the details of the camera that is busier thereabouts, with some of the plain maximum: the reference formula R.

R = 0.3 max(A, B) + 0.7 P, clamped to [0, 1]. P is a Laplacian pyramid of four levels (Burt and Adelson 1983). At each scale it keeps
the detail of the camera whose mean |detail| over 5x5 is larger (the salience of Burt and Kolczynski 1993, with the mean magnitude for
their energy): chosen pixel by pixel, noise would be woven together out of both. Its base is 0.7 max(A, B) + 0.3 (A + B - m), m the
smaller mean of the two bases: the sum keeps what each camera has and the other lacks.

Weights found by search on development pairs; docs/measured.md has the neighbours.
"""

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from streamfuse.fuse.classical import ClassicalFuser
from streamfuse.fuse.laplacian import LEAST_EDGE_PX, Plane, expanded, reduced

OF_MAXIMUM, OF_SUM = 0.3, 0.3
LEVELS = 4
WINDOW_PX = 5


class Salience(ClassicalFuser):
    """See the file's docstring."""

    name = "salience"

    def rule(self, infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor) -> torch.Tensor:
        """See `salience`."""
        return salience(infrared_B1HW, luma_B1HW)


@torch.no_grad()
def salience(infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor) -> torch.Tensor:
    """R of two pictures (B, 1, H, W) in [0, 1], float32: same shape and range. Means are per picture. No gradient flows."""
    if infrared_B1HW.device.type == "cpu":  # see laplacian, [Two ways to the same pyramid]
        pictures = zip(infrared_B1HW[:, 0].numpy(), luma_B1HW[:, 0].numpy(), strict=True)
        pyramid_B1HW = torch.from_numpy(np.stack([on_cpu(a, b) for a, b in pictures]))[:, None]
    else:
        pyramid_B1HW = on_device(infrared_B1HW, luma_B1HW)
    return (OF_MAXIMUM * torch.maximum(infrared_B1HW, luma_B1HW) + (1 - OF_MAXIMUM) * pyramid_B1HW).clamp(0, 1)


def on_cpu(a: Plane, b: Plane) -> Plane:
    """P of two pictures (H, W)."""
    details: list[Plane] = []
    window = (WINDOW_PX, WINDOW_PX)
    while len(details) < LEVELS - 1 and min(a.shape) >= LEAST_EDGE_PX:
        size = (a.shape[1], a.shape[0])
        coarse_a, coarse_b = cv2.pyrDown(a), cv2.pyrDown(b)
        detail_a = cv2.subtract(a, cv2.pyrUp(coarse_a, dstsize=size))
        detail = cv2.subtract(b, cv2.pyrUp(coarse_b, dstsize=size))
        busy_a, busy_b = (cv2.blur(np.abs(d), window, borderType=cv2.BORDER_REFLECT_101) for d in (detail_a, detail))
        cv2.copyTo(detail_a, cv2.compare(busy_a, busy_b, cv2.CMP_GE), detail)  # where a is busier, over b's
        details.append(np.asarray(detail, np.float32))
        a, b = np.asarray(coarse_a, np.float32), np.asarray(coarse_b, np.float32)
    fused: Plane = (1 - OF_SUM) * np.maximum(a, b) + OF_SUM * (a + b - min(a.mean(), b.mean()))
    for detail in reversed(details):
        fused = np.asarray(cv2.pyrUp(fused, dstsize=(detail.shape[1], detail.shape[0])), np.float32) + detail
    return fused


def on_device(infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor) -> torch.Tensor:
    """The same for tensors (B, 1, H, W)."""
    both_B2HW = torch.cat([infrared_B1HW, luma_B1HW], 1)
    details: list[torch.Tensor] = []
    while len(details) < LEVELS - 1 and min(both_B2HW.shape[2:]) >= LEAST_EDGE_PX:
        coarse_B2hw = reduced(both_B2HW)
        detail_B2HW = both_B2HW - expanded(coarse_B2hw, both_B2HW)
        edge = WINDOW_PX // 2
        busy_B2HW = F.avg_pool2d(F.pad(detail_B2HW.abs(), (edge,) * 4, mode="reflect"), WINDOW_PX, 1)
        details.append(torch.where(busy_B2HW[:, :1] >= busy_B2HW[:, 1:], detail_B2HW[:, :1], detail_B2HW[:, 1:]))
        both_B2HW = coarse_B2hw
    level_B111 = both_B2HW.mean((2, 3), keepdim=True).amin(1, keepdim=True)
    fused = (1 - OF_SUM) * both_B2HW.amax(1, keepdim=True) + OF_SUM * (both_B2HW.sum(1, keepdim=True) - level_B111)
    for detail in reversed(details):
        fused = expanded(fused, detail) + detail
    return fused
