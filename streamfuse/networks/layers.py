"""Pictures in cells of 4x4 pixels, each divided into what its cells are in the mean and what its pixels have over that.

Convolutions run fastest on cells, at a quarter of the size, and full resolution is kept: a cell's sixteen pixels are sixteen channels.
Between the centres of cells the mean goes linearly, so that a ramp has no detail, and no cell shows.
Legend: B batch, H W pixels, h w cells.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  its usual name

EDGE = 4
"""Pixels along a cell."""
CELL = EDGE * EDGE
NEAR = (1.0, 2.0, 1.0)
"""How far around a cell it is told what goes on there, along a line."""


class Layers(NamedTuple):
    """One camera in cells. Its picture is `risen(base) + detail`."""

    base: torch.Tensor
    """(B, 1, h, w) mean of each cell."""
    detail: torch.Tensor
    """(B, 16, h, w), a channel for each pixel of a cell."""

    def kept(self, gain_B16hw: torch.Tensor) -> "Layers":
        """With the detail turned down or up: -1 is none, 0 as it was."""
        return Layers(self.base, self.detail * (1 + gain_B16hw.to(self.detail.dtype)))

    def toned(self, gain_B111: torch.Tensor, offset_B111: torch.Tensor) -> "Layers":
        """With the base brighter by a factor of 1 + gain, and by an offset."""
        return Layers(self.base * (1 + gain_B111) + offset_B111, self.detail)

    def picture(self, between: torch.Tensor) -> torch.Tensor:
        """(B, 16, h, w). `between`: see `between_cells`."""
        return risen(self.base, between) + self.detail


def divided(picture_B1HW: torch.Tensor, between: torch.Tensor) -> Layers:
    """In whole cells. `between`: see `between_cells`."""
    cells_B16hw = F.pixel_unshuffle(picture_B1HW, EDGE)
    base_B1hw = cells_B16hw.mean(1, keepdim=True)
    return Layers(base_B1hw, cells_B16hw - risen(base_B1hw, between))


def risen(cells_B1hw: torch.Tensor, between: torch.Tensor) -> torch.Tensor:
    """A number for each cell -> one for each pixel, (B, 16, h, w)."""
    return convolved(cells_B1hw, between)


def convolved(cells_B1hw: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """By a square kernel (C, 1, K, K); the border is repeated."""
    reach = kernel.shape[2] // 2
    return F.conv2d(F.pad(cells_B1hw, (reach,) * 4, mode="replicate"), kernel.to(cells_B1hw))


def square(line: tuple[float, ...]) -> torch.Tensor:
    """(1, 1, K, K) of sum 1, from weights along a line."""
    weights = torch.tensor(line) / sum(line)
    return torch.outer(weights, weights)[None, None]


def between_cells() -> torch.Tensor:
    """(16, 1, 3, 3): linear between the centres of cells, as a convolution of cells."""
    line = torch.zeros(EDGE, 3)
    for pixel in range(EDGE):
        place = (pixel + 0.5) / EDGE + 0.5  # counted from the centre of the cell before
        line[pixel, int(place)], line[pixel, int(place) + 1] = 1 - place % 1, place % 1
    return torch.einsum("yi,xj->yxij", line, line).reshape(CELL, 1, 3, 3)


def whole_cells(x_B1HW: torch.Tensor) -> torch.Tensor:
    """Padded at the right and at the bottom by copies of the edge, to whole cells."""
    below, right = -x_B1HW.shape[2] % EDGE, -x_B1HW.shape[3] % EDGE
    return F.pad(x_B1HW, (0, right, 0, below), mode="replicate") if below or right else x_B1HW
