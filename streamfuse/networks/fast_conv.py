"""A 3x3 convolution for maps whose channels come last."""

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.fast_blocks import nchw, nhwc


class FastConv(nn.Module):
    """A 3x3 convolution without bias on (B, H, W, C) maps, then 2x2 channels to pixels (`shuffle`), the reverse, or neither."""

    weight_KC33: torch.Tensor

    def __init__(self, conv: nn.Conv2d, resample: nn.Module | None = None) -> None:
        super().__init__()
        self.resample = resample
        self.register_buffer("weight_KC33", conv.weight.detach().clone(memory_format=torch.channels_last))

    def forward(self, x_BHWC: torch.Tensor) -> torch.Tensor:
        """(B, H, W, C) -> (B, H, W, K), or (B, 2H, 2W, K/4), or (B, H/2, W/2, 4K)."""
        y_BKHW = F.conv2d(nchw(x_BHWC), self.weight_KC33, padding=1)
        return nhwc(y_BKHW if self.resample is None else self.resample(y_BKHW))
