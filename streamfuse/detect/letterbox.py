"""A picture of any size into a network's frame, keeping its shape, with grey bars; and boxes back out of it.

The geometry is that of the letterbox of ultralytics, under which its models are trained.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch.nn.functional import pad

BAR = 114 / 255  # the grey that ultralytics trains with


@dataclass(frozen=True, slots=True, kw_only=True)
class Letterbox:
    """Where a picture lies in a frame. Sizes are (height, width) in pixels."""

    picture: tuple[int, int]
    inner: tuple[int, int]
    """Size of the scaled picture."""
    outer: tuple[int, int]
    """Size of the frame."""
    top: int
    left: int

    @classmethod
    def fit(cls, picture: tuple[int, int], frame: tuple[int, int], tight_px: int | None = None) -> Self:
        """Scale `picture` into `frame`; `tight_px` cuts the bars to what makes a multiple of it, `frame` being one already."""
        gain = min(frame[0] / picture[0], frame[1] / picture[1])
        inner = (max(1, round(picture[0] * gain)), max(1, round(picture[1] * gain)))
        bars = (frame[0] - inner[0], frame[1] - inner[1])
        if tight_px is not None:
            bars = (bars[0] % tight_px, bars[1] % tight_px)
        outer = (inner[0] + bars[0], inner[1] + bars[1])
        return cls(picture=picture, inner=inner, outer=outer, top=bars[0] // 2, left=bars[1] // 2)

    def framed(self, images: torch.Tensor) -> torch.Tensor:
        """(B, C, *inner) -> (B, C, *outer)."""
        below, right = self.outer[0] - self.inner[0] - self.top, self.outer[1] - self.inner[1] - self.left
        return pad(images, (self.left, right, self.top, below), value=BAR)

    def boxes_back(self, boxes_N4: torch.Tensor) -> torch.Tensor:
        """Boxes in pixels of the frame -> pixels of the picture, cut at its edges."""
        scale = (self.picture[1] / self.inner[1], self.picture[0] / self.inner[0])
        x = ((boxes_N4[:, 0::2] - self.left) * scale[0]).clamp(0, self.picture[1])
        y = ((boxes_N4[:, 1::2] - self.top) * scale[1]).clamp(0, self.picture[0])
        return torch.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], dim=1)
