"""Colour on the device: luma and chroma <-> RGB, BT.601 full range, floats in [0, 1].

Sources: ITU-R BT.601-7, 2.5.1 (luma is the sum of R, G and B weighted so); JFIF 1.02 (the same at full range, chroma centred on 128).
"""

import torch
from torch.nn.functional import avg_pool2d, interpolate

RED, BLUE = 0.299, 0.114
GREEN = 1 - RED - BLUE
NEUTRAL = 128 / 255
"""Chroma of grey."""


def to_rgb(luma_B1HW: torch.Tensor, chroma_B2cc: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
    """(B, 1, H, W) and (B, 2, ceil(H/2), ceil(W/2)) -> (B, 3, *size) RGB.

    The planes are scaled before the conversion, which is linear but for the clamp, so that only pixels of the result are touched.
    """
    size = size or (luma_B1HW.shape[2], luma_B1HW.shape[3])
    luma = _scaled(luma_B1HW, size)
    blueness, redness = (_scaled(chroma_B2cc, size) - NEUTRAL).chunk(2, dim=1)
    red = luma + 2 * (1 - RED) * redness
    blue = luma + 2 * (1 - BLUE) * blueness
    green = (luma - RED * red - BLUE * blue) / GREEN
    return torch.cat([red, green, blue], dim=1).clamp_(0, 1)


def luma_of(rgb_B3HW: torch.Tensor) -> torch.Tensor:
    """(B, 3, H, W) -> (B, 1, H, W)."""
    red, green, blue = rgb_B3HW.split(1, dim=1)  # type: ignore[no-untyped-call]
    luma_B1HW: torch.Tensor = RED * red + GREEN * green + BLUE * blue
    return luma_B1HW


def from_rgb(rgb_B3HW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, 3, H, W) -> luma and chroma; each chroma sample is the mean of its up to four pixels."""
    red, green, blue = rgb_B3HW.split(1, dim=1)  # type: ignore[no-untyped-call]
    luma_B1HW = RED * red + GREEN * green + BLUE * blue
    small = avg_pool2d(torch.cat([blue, red, luma_B1HW], 1), 2, ceil_mode=True, count_include_pad=False)
    scale = rgb_B3HW.new_tensor([2 * (1 - BLUE), 2 * (1 - RED)]).view(1, 2, 1, 1)
    return luma_B1HW, ((small[:, :2] - small[:, 2:]) / scale + NEUTRAL).clamp_(0, 1)


def _scaled(planes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Bilinear, as detectors are trained; half of an odd size is taken as exact, which shifts chroma by less than a pixel."""
    return planes if tuple(planes.shape[2:]) == size else interpolate(planes, size=size, mode="bilinear", align_corners=False)
