"""The colour of a picture whose luma was restored: chroma goes with luma, as far as the prompt restores, and turns by the dials."""

from typing import NamedTuple

import torch
from torch.nn.functional import avg_pool2d

from streamfuse.colour import NEUTRAL

GAIN_LOW, GAIN_HIGH = 0.5, 2.5
DARK = 4 / 255  # below this luma a ratio says more about noise than about light
SATURATION_SPAN, WARMTH_SPAN = 0.5, 0.05  # what a dial at 1 does: to the distance from grey, and to Cb and Cr


class Colouring(NamedTuple):
    """What a prompt does to colour, per item."""

    restoring_B: torch.Tensor
    """0 leaves chroma as it is; 1 scales it with luma, by 0.5 to 2.5: a lifted shadow gets its colour back."""
    warmth_B: torch.Tensor
    saturation_B: torch.Tensor


def recoloured(chroma_B2cc: torch.Tensor, luma_B1HW: torch.Tensor, fused_B1HW: torch.Tensor, colouring: Colouring) -> torch.Tensor:
    """Chroma of the visible picture -> chroma of the fused one, same shape. Exactly the same where all of `colouring` is 0."""
    gain_B1cc = ((_halved(fused_B1HW) + DARK) / (_halved(luma_B1HW) + DARK)).clamp(GAIN_LOW, GAIN_HIGH)
    gain_B1cc = (1 + _on_map(colouring.restoring_B) * (gain_B1cc - 1)) * (1 + SATURATION_SPAN * _on_map(colouring.saturation_B))
    warmth_B111 = _on_map(colouring.warmth_B)
    turn_B211 = torch.cat([-warmth_B111, warmth_B111], 1) * WARMTH_SPAN
    # what is added is 0 where nothing is asked for, so that the visible camera's chroma passes to the bit
    return (chroma_B2cc + (chroma_B2cc - NEUTRAL) * (gain_B1cc - 1) + turn_B211).clamp(0, 1)


def _halved(luma_B1HW: torch.Tensor) -> torch.Tensor:
    return avg_pool2d(luma_B1HW, 2, ceil_mode=True, count_include_pad=False)


def _on_map(values_B: torch.Tensor) -> torch.Tensor:
    return values_B.view(-1, 1, 1, 1)
