"""How much of a camera's detail is kept: grain goes where nothing else is, and blur is sharpened where there is no grain.

A Wiener filter on the 4x4 cosine transform (DCT-II) of each cell's detail, as an edge is in few of its sixteen numbers and grain in all
of them. The noise of each is read off the picture, from how many cells are how busy at each frequency along rows: sensors and codecs make
grain that is more or less alike along them. In a picture without noise its calmest cells are calm, and nothing is taken away, whatever
the words say.

Legend: B batch, C coefficients of a cell, L levels, h w cells, y x frequencies along columns and rows.
"""

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.layers import CELL, EDGE, Layers

LEVELS = (0.003, 0.006, 0.012, 0.025, 0.05, 0.1)
"""Deviations of a coefficient, from the rounding to 8 bits to the worst noise: below each lies a share of the cells."""
TINY = 1e-6
"""Added to the variance of a coefficient: a quarter of a grey level, squared."""
USUAL = 0.01
"""Deviation that a fresh filter takes for noise."""
HIDDEN = 16
EVERY = 2
"""Noise is read off every second cell along both edges."""


class Fineness(nn.Module):
    """See the file's docstring."""

    cosines: torch.Tensor
    levels_L: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.Sequential(nn.Linear(EDGE * len(LEVELS), HIDDEN), nn.GELU(), nn.Linear(HIDDEN, CELL + 1))
        self.register_buffer("cosines", cosines(), persistent=False)
        self.register_buffer("levels_L", torch.tensor(LEVELS).square().log(), persistent=False)
        with torch.no_grad():
            last = self.read[2]
            last.weight.mul_(0.1)  # type: ignore[operator]  # a tensor
            last.bias.copy_(torch.tensor([USUAL] * CELL + [1.0]).square().log())  # type: ignore[operator]

    def forward(self, layers: Layers, grain_B: torch.Tensor, blur_B: torch.Tensor) -> Layers:
        """Linear in both dials: without them everything stays as it was."""
        said_BChw = F.conv2d(layers.detail, self.cosines.to(layers.detail))
        power_BChw = F.avg_pool2d(said_BChw.square(), 3, 1, 1, count_include_pad=False) + TINY
        read_B = self._noise(power_BChw).to(power_BChw)
        noise_BC11, sharper_B111 = read_B[:, :CELL], read_B[:, CELL:]
        grain_BChw = (1 + (power_BChw * (-noise_BC11).exp()).square()).reciprocal()
        of_grain_B111, of_blur_B111 = (dial_B.to(power_BChw).reshape(-1, 1, 1, 1) for dial_B in (grain_B, blur_B))
        gain_BChw = of_blur_B111 * sharper_B111 * (1 - grain_BChw) - of_grain_B111 * grain_BChw
        changed_B16hw = F.conv2d(said_BChw * gain_BChw, self.cosines.transpose(0, 1).to(said_BChw))
        return Layers(layers.base, layers.detail + changed_B16hw)

    def _noise(self, power_BChw: torch.Tensor) -> torch.Tensor:
        """(B, 17, 1, 1) what is read off the picture: the log of the noise of each coefficient, and how far to sharpen."""
        rows_Bxhw = torch.stack(power_BChw[..., ::EVERY, ::EVERY].chunk(EDGE, 1)).mean(0).log()
        below_BxL = torch.sigmoid(self.levels_L[:, None, None].to(rows_Bxhw) - rows_Bxhw[:, :, None]).mean((3, 4))
        said: torch.Tensor = self.read(below_BxL.flatten(1).to(self.levels_L.dtype))
        return said[:, :, None, None]


def cosines() -> torch.Tensor:
    """(16, 16, 1, 1): the transform of a cell as a convolution, orthonormal; coefficient 4 y + x (Ahmed, Natarajan and Rao 1974)."""
    place, frequency = torch.arange(EDGE) + 0.5, torch.arange(EDGE)[:, None]
    line = torch.cos(torch.pi * place * frequency / EDGE) * (2 / EDGE) ** 0.5
    line[0] /= 2**0.5
    return torch.kron(line, line)[:, :, None, None]
