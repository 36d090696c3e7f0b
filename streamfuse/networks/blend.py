"""The classical fusion that the networks add to: the reference formula R of `fuse/salience`, on cells and with weights that go smoothly.

Like R it keeps, at each scale, the detail of the camera that is busier thereabouts, and adds up what both are like at large; like R it
has some of the plain maximum. Its scales are those of `layers`: the detail, and `coarse`, what a base has over its blur. It learns nothing.

Legend: B batch, H W pixels, h w cells, 16 pixels of a cell.
"""

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.layers import EDGE, NEAR, Layers, between_cells, convolved, divided, risen, square, whole_cells

OF_MAXIMUM = 0.3
OF_SUM = 0.3
"""Both as in R: docs/measured.md has the neighbours."""
SHARPNESS = 8.0
"""A camera twice as busy as the other has 256 times its weight."""
FAINT = 0.002
"""Added to how busy both are, half a grey level: where nothing is, both count alike."""
LARGE = (1.0, 4.0, 6.0, 4.0, 1.0)
"""The blur of a base, along a line: binomial, as in Burt and Adelson's pyramid (1983)."""


class Blend(nn.Module):
    """See the file's docstring."""

    near: torch.Tensor
    large: torch.Tensor
    between: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("near", square(NEAR), persistent=False)
        self.register_buffer("large", square(LARGE), persistent=False)
        self.register_buffer("between", between_cells(), persistent=False)

    def forward(self, a: Layers, b: Layers, of_sum: torch.Tensor | float = OF_SUM) -> torch.Tensor:
        """Both cameras in cells -> fused, (B, 16, h, w). `of_sum`: how much of the darker one, over the mean of the darker picture."""
        large_a, large_b = convolved(a.base, self.large), convolved(b.base, self.large)
        level_B111 = torch.minimum(large_a.mean((2, 3), keepdim=True), large_b.mean((2, 3), keepdim=True))
        large = torch.maximum(large_a, large_b) + of_sum * (torch.minimum(large_a, large_b) - level_B111)
        coarse_a, coarse_b = a.base - large_a, b.base - large_b
        base = large + coarse_b + self._share(coarse_a, coarse_b) * (coarse_a - coarse_b)
        share_B16hw = risen(self._share(a.detail, b.detail), self.between)
        pyramid = risen(base, self.between) + b.detail + share_B16hw * (a.detail - b.detail)
        return OF_MAXIMUM * torch.maximum(a.picture(self.between), b.picture(self.between)) + (1 - OF_MAXIMUM) * pyramid

    def of_pictures(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor) -> torch.Tensor:
        """Luma (B, 1, H, W), all three."""
        height, width = infrared_B1HW.shape[2:]
        a, b = (divided(whole_cells(picture), self.between) for picture in (infrared_B1HW, visible_B1HW))
        return F.pixel_shuffle(self(a, b), EDGE)[..., :height, :width]

    def _share(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Of the first, (B, 1, h, w): 1 where it is the busier one in the mean around a cell, a half where both are alike."""
        busy_a, busy_b = (convolved(part.abs().mean(1, keepdim=True), self.near).squeeze(1) + FAINT for part in (a, b))
        return torch.sigmoid(SHARPNESS * (busy_a.log() - busy_b.log())).unsqueeze(1)
