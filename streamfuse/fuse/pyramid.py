"""A Laplacian pyramid of two pictures made one (Burt and Adelson 1983): at each scale the detail of the one that is busier there."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from numpy.typing import NDArray

# [Two ways to the same pyramid] On a CPU OpenCV's pyrDown and pyrUp are ten times faster than convolutions of one channel in torch.
# `reduced` and `expanded` are the same operations, borders included, for tensors on a GPU; a test holds the two together.
BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
LEAST_EDGE_PX = 4  # smaller pictures are not taken apart any further

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pyramid:
    """Which of two details is kept, and what is made of two bases."""

    levels: int = 4
    """The base included; a picture too small for all gets fewer."""
    window_px: int = 1
    """Odd edge of the window whose mean |detail| says who is busier; 1: each pixel for itself."""
    of_sum: float = 0.0
    """The base is (1 - of_sum) max(A, B) + of_sum (A + B - m), m the smaller mean of the two."""

    def fused(self, a_B1HW: torch.Tensor, b_B1HW: torch.Tensor) -> torch.Tensor:
        """Two pictures (B, 1, H, W) in [0, 1], float32 -> one, which may leave that range a little."""
        if a_B1HW.device.type != "cpu":
            return self.on_device(a_B1HW, b_B1HW)
        pictures = zip(a_B1HW[:, 0].numpy(), b_B1HW[:, 0].numpy(), strict=True)
        return torch.from_numpy(np.stack([self.on_cpu(a, b) for a, b in pictures]))[:, None]

    def on_cpu(self, a: Plane, b: Plane) -> Plane:
        """Two pictures (H, W) -> one. See [Two ways to the same pyramid]."""
        details: list[Plane] = []
        while len(details) < self.levels - 1 and min(a.shape) >= LEAST_EDGE_PX:
            size = (a.shape[1], a.shape[0])
            coarse_a, coarse_b = cv2.pyrDown(a), cv2.pyrDown(b)
            detail_a = cv2.subtract(a, cv2.pyrUp(coarse_a, dstsize=size))
            detail = cv2.subtract(b, cv2.pyrUp(coarse_b, dstsize=size))
            busy_a, busy_b = (self._busy(np.abs(each)) for each in (detail_a, detail))
            cv2.copyTo(detail_a, cv2.compare(busy_a, busy_b, cv2.CMP_GE), detail)  # where a is busier, over b's
            details.append(np.asarray(detail, np.float32))
            a, b = np.asarray(coarse_a, np.float32), np.asarray(coarse_b, np.float32)
        fused: Plane = np.maximum(a, b)
        if self.of_sum:
            fused = (1 - self.of_sum) * fused + self.of_sum * (a + b - min(a.mean(), b.mean()))
        for detail in reversed(details):
            fused = np.asarray(cv2.pyrUp(fused, dstsize=(detail.shape[1], detail.shape[0])), np.float32) + detail
        return fused

    def on_device(self, a_B1HW: torch.Tensor, b_B1HW: torch.Tensor) -> torch.Tensor:
        """The same for tensors (B, 1, H, W)."""
        both_B2HW = torch.cat([a_B1HW, b_B1HW], 1)
        details: list[torch.Tensor] = []
        while len(details) < self.levels - 1 and min(both_B2HW.shape[2:]) >= LEAST_EDGE_PX:
            coarse_B2hw = reduced(both_B2HW)
            detail_B2HW = both_B2HW - expanded(coarse_B2hw, both_B2HW)
            busy_B2HW = self._busy_on_device(detail_B2HW.abs())
            details.append(torch.where(busy_B2HW[:, :1] >= busy_B2HW[:, 1:], detail_B2HW[:, :1], detail_B2HW[:, 1:]))
            both_B2HW = coarse_B2hw
        fused = both_B2HW.amax(1, keepdim=True)
        if self.of_sum:
            level_B111 = both_B2HW.mean((2, 3), keepdim=True).amin(1, keepdim=True)
            fused = (1 - self.of_sum) * fused + self.of_sum * (both_B2HW.sum(1, keepdim=True) - level_B111)
        for detail in reversed(details):
            fused = expanded(fused, detail) + detail
        return fused

    def _busy(self, strength: Plane) -> Plane:
        if self.window_px == 1:
            return strength
        return np.asarray(cv2.blur(strength, (self.window_px, self.window_px), borderType=cv2.BORDER_REFLECT_101), np.float32)

    def _busy_on_device(self, strength_B2HW: torch.Tensor) -> torch.Tensor:
        if self.window_px == 1:
            return strength_B2HW
        edge = self.window_px // 2
        return F.avg_pool2d(F.pad(strength_B2HW, (edge,) * 4, mode="reflect"), self.window_px, 1)


def reduced(x_BCHW: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) -> (B, C, ceil(H/2), ceil(W/2)), low-passed. OpenCV's pyrDown."""
    batch, channels, height, width = x_BCHW.shape
    tap = torch.tensor(BINOMIAL, device=x_BCHW.device, dtype=x_BCHW.dtype)
    padded = F.pad(x_BCHW, (2, 2, 2, 2), mode="reflect").reshape(batch * channels, 1, height + 4, width + 4)
    small = F.conv2d(padded, (tap[:, None] * tap)[None, None], stride=2)
    return small.reshape(batch, channels, *small.shape[2:])


def expanded(x_BChw: torch.Tensor, like_BCHW: torch.Tensor) -> torch.Tensor:
    """Twice the size, low-passed, cut to the size of `like_BCHW`. OpenCV's pyrUp."""
    return _expanded_along(_expanded_along(x_BChw, 2, like_BCHW.shape[2]), 3, like_BCHW.shape[3])


def _expanded_along(x: torch.Tensor, axis: int, size: int) -> torch.Tensor:
    """Every sample becomes two: the binomial's even taps, then its odd ones. Mirrored before the first sample, repeated after the last."""
    count = x.shape[axis]
    before = torch.cat([x.narrow(axis, min(1, count - 1), 1), x.narrow(axis, 0, count - 1)], axis)
    after = torch.cat([x.narrow(axis, 1, count - 1), x.narrow(axis, count - 1, 1)], axis)
    pair = torch.stack([(before + 6 * x + after) / 8, (x + after) / 2], axis + 1)
    return pair.flatten(axis, axis + 1).narrow(axis, 0, size)
