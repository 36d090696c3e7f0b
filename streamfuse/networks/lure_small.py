"""LURE made small: the same network at half resolution and below, behind the dials, and a full-resolution residual to a classical fusion.

infrared, visible --> front (dials) --+--------- a classical fusion, in the visible camera's colours -----------+
                                      |                                                                          + --> fused
                                      +- 2x2 pixels as channels -> LURE at 1/2 1/4 1/8 1/16 -> 2x2 pixels -------+

The classical half keeps full-resolution detail whatever the network has learned; the learned half starts small. Words reach it twice: as
dials, which act on both pictures and lean on every word, and as the words that pixels attend to.
"""

import torch
from torch import nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from streamfuse.colour import luma_of
from streamfuse.networks.blend import Blend
from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.film import dial_layer
from streamfuse.networks.front import Front
from streamfuse.networks.lure import Lure, Plan
from streamfuse.networks.network import TOKENS, Embeddings, State

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


class LureSmall(DialledNetwork, Lure):
    """About two million parameters and 14 GMAC at 640x480. What it decodes is added to the picture of the latents."""

    def __init__(self, text_dim: int) -> None:
        super().__init__(text_dim, SMALL, "small")
        self.front = Front(text_dim)
        self.blend = Blend()
        self.lean = dial_layer(SMALL.text_width)

    def with_dials(self, dials_PN: torch.Tensor, words: Embeddings | None = None) -> State:
        """`dials`, and what `Lure.encode_text` gives. Where nothing was said, all words are what the dials say."""
        lean_PT = self.lean(self.front.luma(dials_PN))
        if words is None:
            silent_PLT = lean_PT[:, None].expand(-1, TOKENS, -1)
            return {"dials": dials_PN, **self.said(silent_PLT, lean_PT, torch.ones_like(silent_PLT[..., 0]))}
        words_PLT, sentence_PT = self.reading(words.pooled_PD, words.tokens_PLD)
        return {"dials": dials_PN, **self.said(words_PLT + lean_PT[:, None], sentence_PT + lean_PT, words.mask_PL)}

    def temper(self, state: State, strength_P: torch.Tensor) -> State:
        """Dials shrink towards 0."""
        return {**super().temper(state, strength_P), "dials": state["dials"] * strength_P[:, None].to(state["dials"])}

    def prepared(self, infrared_B1HW: torch.Tensor, visible_B3HW: torch.Tensor, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        """Both under the dials, which leave colour differences as they are."""
        luma_B1HW = luma_of(visible_B3HW)
        infrared_B1HW, lit_B1HW = self.front(infrared_B1HW, luma_B1HW, state)
        return infrared_B1HW, visible_B3HW + (lit_B1HW - luma_B1HW)

    def ground(self, infrared_B3HW: torch.Tensor, visible_B3HW: torch.Tensor) -> torch.Tensor:
        """The classical fusion of luma, at full resolution, in the visible camera's colours."""
        luma_B1HW = luma_of(visible_B3HW)
        blended_B1HW: torch.Tensor = self.blend.of_pictures(infrared_B3HW[:, :1], luma_B1HW)
        return visible_B3HW + (blended_B1HW - luma_B1HW)

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
