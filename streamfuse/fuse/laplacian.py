"""Laplacian pyramid fusion (Burt and Adelson 1983): the stronger detail at each scale, the brighter base."""

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from numpy.typing import NDArray
from pydantic import Field

from streamfuse.fuse.classical import ClassicalFuser
from streamfuse.registry import Settings

# [Two ways to the same pyramid] On a CPU OpenCV's pyrDown and pyrUp are ten times faster than convolutions of one channel in torch.
# `reduced` and `expanded` are the same operations, borders included, for tensors on a GPU; a test holds the two together.
BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
LEAST_EDGE_PX = 4  # smaller pictures are not taken apart any further

Plane = NDArray[np.float32]


class LaplacianSettings(Settings):
    """Settings of the pyramid."""

    levels: int = Field(default=4, ge=1, le=8, description="levels of the pyramid, the base included; 1 is plain maximum")


class Laplacian(ClassicalFuser):
    """Keeps the finest detail of either camera at every scale, and the brighter of the two at the coarsest."""

    name = "laplacian"

    def __init__(self, settings: LaplacianSettings) -> None:
        self._levels = settings.levels

    def rule(self, infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor) -> torch.Tensor:
        """Any size: a picture too small for all levels gets fewer."""
        if infrared_B1HW.device.type != "cpu":
            return on_device(infrared_B1HW, luma_B1HW, self._levels)
        pictures = zip(infrared_B1HW[:, 0].numpy(), luma_B1HW[:, 0].numpy(), strict=True)
        return torch.from_numpy(np.stack([on_cpu(a, b, self._levels) for a, b in pictures]))[:, None]


def on_cpu(a: Plane, b: Plane, levels: int) -> Plane:
    """Two pictures (H, W) -> one. See [Two ways to the same pyramid]."""
    details: list[Plane] = []
    while len(details) < levels - 1 and min(a.shape) >= LEAST_EDGE_PX:
        size = (a.shape[1], a.shape[0])
        coarse_a, coarse_b = cv2.pyrDown(a), cv2.pyrDown(b)
        detail_a = cv2.subtract(a, cv2.pyrUp(coarse_a, dstsize=size))
        detail = cv2.subtract(b, cv2.pyrUp(coarse_b, dstsize=size))
        cv2.copyTo(detail_a, cv2.compare(np.abs(detail_a), np.abs(detail), cv2.CMP_GE), detail)  # where a's is stronger, over b's
        details.append(np.asarray(detail, np.float32))
        a, b = np.asarray(coarse_a, np.float32), np.asarray(coarse_b, np.float32)
    fused = np.maximum(a, b)
    for detail in reversed(details):
        fused = np.asarray(cv2.pyrUp(fused, dstsize=(detail.shape[1], detail.shape[0])), np.float32) + detail
    return np.clip(fused, 0, 1, out=fused)


def on_device(infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor, levels: int) -> torch.Tensor:
    """The same for tensors (B, 1, H, W)."""
    both_B2HW = torch.cat([infrared_B1HW, luma_B1HW], 1)
    details: list[torch.Tensor] = []
    while len(details) < levels - 1 and min(both_B2HW.shape[2:]) >= LEAST_EDGE_PX:
        coarse_B2hw = reduced(both_B2HW)
        detail_B2HW = both_B2HW - expanded(coarse_B2hw, both_B2HW)
        a, b = detail_B2HW[:, :1], detail_B2HW[:, 1:]
        details.append(torch.where(a.abs() >= b.abs(), a, b))
        both_B2HW = coarse_B2hw
    fused = both_B2HW.amax(1, keepdim=True)
    for detail in reversed(details):
        fused = expanded(fused, detail) + detail
    return fused.clamp(0, 1)


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
