"""Pictures in cells of 4x4 pixels, each divided into what a small blur keeps (base) and what it takes away (detail).

Convolutions run fastest on cells, at a quarter of the size, and full resolution is kept: a cell's sixteen pixels are sixteen channels.
Legend: B batch, H W pixels, h w cells.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

EDGE = 4
"""Pixels along a cell."""
CELL = EDGE * EDGE
BLUR = (1.0, 4.0, 6.0, 4.0, 1.0)
"""What divides base from detail, along a line: binomial, as in Burt and Adelson's pyramid (1983)."""
FAINT = 5e-5
"""Squared detail below which both cameras count alike: the square of two grey levels."""
FRESH_MIX = 0.75
"""Share of the brighter base in a fresh network; with 0.25 of the darker one that is half maximum, half average."""


class Layers(NamedTuple):
    """One camera in cells, its sixteen pixels as channels, (B, 16, h, w) each."""

    base: torch.Tensor
    detail: torch.Tensor

    def kept(self, gain_B16hw: torch.Tensor) -> "Layers":
        """With the detail turned down or up: -1 is none, 0 as it was."""
        return Layers(self.base, self.detail * (1 + gain_B16hw.to(self.detail.dtype)))


class Blend(nn.Module):
    """The classical fusion that a network adds to: the bases mixed, one share for all places, and the stronger detail."""

    blur: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Parameter(torch.tensor(FRESH_MIX))
        self.register_buffer("blur", blur_of_pixels(), persistent=False)

    def forward(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor) -> torch.Tensor:
        """Luma (B, 1, H, W), all three."""
        base_a, base_b = (blurred(picture, self.blur) for picture in (infrared_B1HW, visible_B1HW))
        return mixed(base_a, base_b, self.mix.to(base_a)) + stronger(infrared_B1HW - base_a, visible_B1HW - base_b)


def mixed(a: torch.Tensor, b: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """`share` of the brighter, the rest of the darker."""
    darker = torch.minimum(a, b)
    return darker + share * (torch.maximum(a, b) - darker)


def stronger(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Each weighted by its square: near the stronger one where they differ, their mean where they do not, and smooth in between."""
    weight_a, weight_b = a * a + FAINT, b * b + FAINT
    return (weight_a * a + weight_b * b) / (weight_a + weight_b)


def divided(picture_B1HW: torch.Tensor, blur: torch.Tensor) -> Layers:
    """In cells, by `blur_of_pixels` or `blur_of_cells`. Base and detail add up to the picture; the border is repeated."""
    cells_B16hw = F.pixel_unshuffle(picture_B1HW, EDGE)
    if len(blur) == 1:
        base_B16hw = F.pixel_unshuffle(blurred(picture_B1HW, blur), EDGE)
    else:
        base_B16hw = F.conv2d(F.pad(cells_B16hw, (1, 1, 1, 1), mode="replicate"), blur.to(cells_B16hw))
    return Layers(base_B16hw, cells_B16hw - base_B16hw)


def blurred(picture_B1HW: torch.Tensor, blur_1155: torch.Tensor) -> torch.Tensor:
    """By `blur_of_pixels`; the border is repeated."""
    reach = len(BLUR) // 2
    return F.conv2d(F.pad(picture_B1HW, (reach, reach, reach, reach), mode="replicate"), blur_1155.to(picture_B1HW))


def blur_of_pixels() -> torch.Tensor:
    """(1, 1, 5, 5): the least arithmetic."""
    line = torch.tensor(BLUR) / sum(BLUR)
    return torch.outer(line, line)[None, None]


def blur_of_cells() -> torch.Tensor:
    """(16, 16, 3, 3): a blur of pixels as a convolution of cells, the least time: it runs with the layers around it."""
    line = torch.zeros(EDGE, 3 * EDGE)
    for pixel in range(EDGE):
        first = EDGE + pixel - len(BLUR) // 2
        line[pixel, first : first + len(BLUR)] = torch.tensor(BLUR) / sum(BLUR)
    along = line.reshape(EDGE, 3, EDGE)
    return torch.einsum("ryp,cxq->rcpqyx", along, along).reshape(CELL, CELL, 3, 3)


def whole_cells(x_B1HW: torch.Tensor) -> torch.Tensor:
    """Padded at the right and at the bottom by copies of the edge, to whole cells."""
    below, right = -x_B1HW.shape[2] % EDGE, -x_B1HW.shape[3] % EDGE
    return F.pad(x_B1HW, (0, right, 0, below), mode="replicate") if below or right else x_B1HW
