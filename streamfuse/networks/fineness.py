"""How much of a camera's detail is kept: grain goes where nothing else is, and blur is sharpened where there is no grain.

A Wiener filter on cells whose noise is read off the picture: log of the noise, and how far to sharpen, from how many cells are how busy.
In a picture without noise its calmest cells are calm, and nothing is taken away, whatever the words say.

Legend: B batch, L levels, h w cells.
"""

import torch
from torch import nn

from streamfuse.networks.layers import NEAR, Layers, convolved, square

LEVELS = (0.003, 0.006, 0.012, 0.025, 0.05, 0.1)
"""Deviations of a cell's detail, from the rounding to 8 bits to the worst noise: below each lies a share of the cells."""
TINY = 1e-6
"""Added to the variance of a cell: a quarter of a grey level, squared."""
HIDDEN = 16


class Fineness(nn.Module):
    """See the file's docstring."""

    near: torch.Tensor
    levels_L: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.Sequential(nn.Linear(len(LEVELS), HIDDEN), nn.GELU(), nn.Linear(HIDDEN, 2))
        self.steepness = nn.Parameter(torch.tensor(2.0))
        self.register_buffer("near", square(NEAR), persistent=False)
        self.register_buffer("levels_L", torch.tensor(LEVELS).square().log(), persistent=False)
        with torch.no_grad():
            last = self.read[2]
            last.weight.mul_(0.1)  # type: ignore[operator]  # a tensor
            last.bias.copy_(torch.tensor([2 * torch.tensor(0.01).log(), 0.0]))  # type: ignore[operator]

    def forward(self, layers: Layers, grain_B: torch.Tensor, blur_B: torch.Tensor) -> Layers:
        """Linear in both dials: without them everything stays as it was."""
        busy_Bhw = (convolved(layers.detail.square().mean(1, keepdim=True), self.near).squeeze(1) + TINY).log()
        below_BL = torch.sigmoid(self.levels_L[:, None, None].to(busy_Bhw) - busy_Bhw[:, None]).mean((2, 3))
        noise_B, sharper_B = self.read(below_BL.to(self.steepness.dtype)).to(busy_Bhw).unbind(1)
        grain_Bhw = torch.sigmoid(self.steepness.to(busy_Bhw) * (noise_B[:, None, None] - busy_Bhw))
        sharper_B11 = (blur_B.to(busy_Bhw) * sharper_B)[:, None, None]
        gain_Bhw = sharper_B11 * (1 - grain_Bhw) - grain_B.to(busy_Bhw)[:, None, None] * grain_Bhw
        return layers.kept(gain_Bhw[:, None])
