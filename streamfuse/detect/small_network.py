"""The network of the detector `small`: one grey picture in, where things of each class have their centres out, and how large they are.

A U of residual blocks down to a 32nd of the picture and back up to a quarter. Centres as in CenterNet (Zhou et al. 2019, "Objects as
Points"), distances to the four edges as in TTFNet (Liu et al. 2020), so that one level serves all sizes.
Legend: B batch, C classes, H W pixels, h w cells.
"""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, interpolate, pad
from torch.nn.utils import fuse_conv_bn_eval

STRIDE_PX = 4
"""Edge of a cell of the output."""
DEEPEST_PX = 32
"""Pictures are filled up to a multiple of this."""
WIDTHS = (16, 32, 64, 96, 128)
"""Channels at a half, a quarter, ... of the picture."""
DEPTHS = (1, 2, 2, 2)
"""Residual blocks at a quarter, an eighth, ..."""
UP_WIDTHS = (96, 64, 32)
"""Channels on the way back up, at a 16th, an eighth, a quarter."""
HEAD_WIDTH = 48
RARE_LOGIT = -4.6
"""Of a class before any training: a hundredth, as RetinaNet begins (Lin et al. 2017, 4.1)."""
FIRST_EDGE_PX = 16.0
"""Distance to an edge before any training."""
FURTHEST_LOG = 4.0
"""Distances are at most exp(this) times the first one."""
LEAST_DEVIATION = 0.02
"""Of pixels in [0, 1]: a flat picture is not blown up further."""


NEIGHBOURHOOD_PX = 32
"""Tiles, three by three of them, to whose mean and deviation a pixel is compared."""
LEAST_LOCAL, MOST_LOCAL = 0.1, 4.0
"""Of deviations of the whole picture: grain is not blown up further; and of local ones: a lamp is as bright as that."""


class Found(NamedTuple):
    """What the network says of a batch."""

    heat_BChw: torch.Tensor
    """Logits: whether something of the class has its centre in this cell."""
    edges_B4hw: torch.Tensor
    """Distances in pixels from the middle of the cell to the left, upper, right and lower edge; above 0."""


class SmallNetwork(nn.Module):
    """0.9 M parameters; 1.9 GMAC for 640x480."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = _conv(2, WIDTHS[0], 2)
        self.down = nn.ModuleList(
            nn.Sequential(_conv(before, width, 2), *(_Block(width) for _ in range(depth)))
            for before, width, depth in zip(WIDTHS[:-1], WIDTHS[1:], DEPTHS, strict=True)
        )
        self.up = nn.ModuleList(
            _Joint(deep, skipped, width)
            for deep, skipped, width in zip((WIDTHS[-1], *UP_WIDTHS[:-1]), reversed(WIDTHS[1:-1]), UP_WIDTHS, strict=True)
        )
        self.head = _conv(UP_WIDTHS[-1], HEAD_WIDTH, 1)
        self.heat = nn.Conv2d(HEAD_WIDTH, classes, 1)
        self.edges = nn.Conv2d(HEAD_WIDTH, 4, 1)
        nn.init.normal_(self.heat.weight, std=0.01)
        nn.init.constant_(self.heat.bias, RARE_LOGIT)  # type: ignore[arg-type]
        nn.init.normal_(self.edges.weight, std=0.01)
        nn.init.zeros_(self.edges.bias)  # type: ignore[arg-type]

    def forward(self, luma_B1HW: torch.Tensor) -> Found:
        """Of pictures in [0, 1] of any size; h and w are those of the picture filled up to a multiple of 32, a quarter of it."""
        height, width = luma_B1HW.shape[2:]
        x = pad(_standardised(luma_B1HW), (0, -width % DEEPEST_PX, 0, -height % DEEPEST_PX))
        x = self.stem(torch.cat([x, _locally(x)], 1))
        levels = []
        for stage in self.down:
            x = stage(x)
            levels.append(x)
        for joint, skipped in zip(self.up, reversed(levels[:-1]), strict=True):
            x = joint(x, skipped)
        x = self.head(x)
        return Found(self.heat(x), FIRST_EDGE_PX * self.edges(x).clamp(-FURTHEST_LOG, FURTHEST_LOG).exp())


def folded(network: SmallNetwork) -> SmallNetwork:
    """The same function with each normalisation folded into the convolution before it; for inference. The given network is changed."""
    for part in list(network.modules()):
        if not isinstance(part, nn.Sequential):
            continue
        convolution, norm = part[0], part[1]
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            part[0], part[1] = fuse_conv_bn_eval(convolution.eval(), norm.eval()), nn.Identity()
    return network


class _Block(nn.Module):
    """Two convolutions through half the width, beside the identity (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(_conv(width, width // 2, 1), _conv(width // 2, width, 1))

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Same shape."""
        return x_BCHW + self.inner(x_BCHW)  # type: ignore[no-any-return]


class _Joint(nn.Module):
    """What is deeper, twice as large, and what was skipped, summed (feature pyramids, Lin et al. 2017)."""

    def __init__(self, deep: int, skipped: int, width: int) -> None:
        super().__init__()
        self.deep = nn.Conv2d(deep, width, 1)
        self.skipped = nn.Conv2d(skipped, width, 1)
        self.mixed = _conv(width, width, 1)

    def forward(self, deep_BCHW: torch.Tensor, skipped_BCHW: torch.Tensor) -> torch.Tensor:
        """Of the size of what was skipped."""
        return self.mixed(interpolate(self.deep(deep_BCHW), scale_factor=2.0) + self.skipped(skipped_BCHW))  # type: ignore[no-any-return]


def _conv(before: int, after: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))


def _standardised(luma_B1HW: torch.Tensor) -> torch.Tensor:
    """Mean 0 and deviation 1 of each picture: a dark camera and a flat one look alike."""
    mean = luma_B1HW.mean((2, 3), keepdim=True)
    deviation = (luma_B1HW - mean).square().mean((2, 3), keepdim=True).sqrt()
    return (luma_B1HW - mean) / deviation.clamp_min(LEAST_DEVIATION)


def _locally(x_B1HW: torch.Tensor) -> torch.Tensor:
    """The same compared with its surroundings: what stands out in a dark corner does so as much as in the light."""
    tiles = avg_pool2d(torch.cat([x_B1HW, x_B1HW.square()], 1), NEIGHBOURHOOD_PX)
    tiles = avg_pool2d(tiles, 3, 1, 1, count_include_pad=False)
    mean, square = interpolate(tiles, x_B1HW.shape[2:], mode="bilinear").split(1, 1)  # type: ignore[no-untyped-call]
    deviation = (square - mean.square()).clamp_min(LEAST_LOCAL**2).sqrt()
    return ((x_B1HW - mean) / deviation).clamp(-MOST_LOCAL, MOST_LOCAL)  # type: ignore[no-any-return]
