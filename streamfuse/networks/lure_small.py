"""LURE made small: the same network at half resolution and below, and a full-resolution residual to a classical fusion.

infrared x3 --+------- brighter of the two, in the visible camera's colours -------+
visible ------+                                                                    + --> fused
              +- 2x2 pixels as channels -> LURE at 1/2 1/4 1/8 1/16 -> 2x2 pixels -+

The classical half keeps full-resolution detail whatever the network has learned; the learned half starts small.
"""

import torch
from torch import nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from streamfuse.networks.lure import Lure, Plan

SMALL = Plan(
    widths=(24, 48, 96, 192),
    heads=(1, 2, 4, 8),
    encoder_blocks=(1, 1, 2, 1),
    meeting_blocks=(1, 1, 1, 1),
    decoder_blocks=(1, 1, 1),
    top_width=24,
    refinement_blocks=1,
    expansion=2.0,
    rise_kernel_px=1,
    text_width=64,
    multiple_px=16,
)
STEM_PX = 2
LUMA_BT601 = (0.299, 0.587, 0.114)  # ITU-R BT.601-7, 2.5.1


def brighter(infrared_B3HW: torch.Tensor, visible_B3HW: torch.Tensor) -> torch.Tensor:
    """The larger luma of the two with the visible camera's chroma, as RGB: the same step on all three channels."""
    weights_311 = visible_B3HW.new_tensor(LUMA_BT601)[:, None, None]
    lead_B1HW = ((infrared_B3HW - visible_B3HW) * weights_311).sum(dim=1, keepdim=True)
    return visible_B3HW + lead_B1HW.relu()


class LureSmall(Lure):
    """About two million parameters and 14 GMAC at 640x480. What it decodes is added to the picture of the latents."""

    def __init__(self, text_dim: int) -> None:
        super().__init__(text_dim, SMALL, "small")

    def ground(self, infrared_B3HW: torch.Tensor, visible_B3HW: torch.Tensor) -> torch.Tensor:
        """The classical fusion, at full resolution."""
        return brighter(infrared_B3HW, visible_B3HW)

    def enter(self, picture_B3HW: torch.Tensor) -> torch.Tensor:
        """Padded picture -> features at half its resolution."""
        features: torch.Tensor = self.embed(pixel_unshuffle(picture_B3HW, STEM_PX))
        return features

    def leave(self, x_BCHW: torch.Tensor, ground_B3HW: torch.Tensor) -> torch.Tensor:
        """`ground`, and the decoded residual on it."""
        height, width = ground_B3HW.shape[-2:]
        residual_B3HW = pixel_shuffle(self.exit(x_BCHW), STEM_PX)
        return ground_B3HW + residual_B3HW[..., :height, :width]

    def _doors(self) -> tuple[nn.Conv2d, nn.Conv2d]:
        stem, finest = 3 * STEM_PX**2, self.plan.widths[0]
        return nn.Conv2d(stem, finest, 3, padding=1, bias=False), nn.Conv2d(finest, stem, 3, padding=1, bias=False)
