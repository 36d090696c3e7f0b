"""UP-Fusion made small: the same parts at half resolution and below, behind the dials; a full-resolution residual to a classical fusion.

infrared, visible --> front (dials) --+------------ a classical fusion -----------+
                                      |                                           + --> fused
                                      +- 2x2 pixels as channels -> U-shape at 1/2 1/4 1/8 -> 2x2 pixels -+

The classical half keeps full-resolution detail whatever the network has learned; the learned half starts small. Words reach it twice: as
dials, which act on both pictures and lean on the gates, and as the gates that a text opens.
"""

from typing import Any

import torch
from torch import nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from streamfuse.networks.blend import Blend
from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.film import dial_layer
from streamfuse.networks.front import Front
from streamfuse.networks.network import Embeddings, State
from streamfuse.networks.restormer import Downsample, Upsample, padded, pointwise, stage
from streamfuse.networks.semantic import SemanticPrior, make_prior
from streamfuse.networks.upfusion_parts import Encoder, Entrance, GuidedSCPM, GuidedTCPM, tempered

CHANNELS = (24, 48, 96)  # at 1/2, 1/4, 1/8 of the picture
HEADS = (1, 2, 4)
ENCODER_BLOCKS = (1, 2, 3)
DECODER_BLOCKS = (2, 2)
EXPANSION = 2.0
STEM_PX = 2
MULTIPLE_PX = 8
RESIDUAL_START = 0.1
"""Scale of the exit's random weights: a fresh network is near the classical fusion."""


class UpFusionSmall(DialledNetwork):
    """About two million parameters and 14 GMAC at 640x480. Guided text only."""

    name = "upfusion"
    size = "small"
    text = "guided"
    colour = "luma"

    def __init__(self, text_dim: int, semantic: str | SemanticPrior = "none") -> None:
        super().__init__()
        self.text_dim = text_dim
        prior = make_prior(semantic)
        width = None if prior is None else prior.width
        finest = CHANNELS[0]
        self.front = Front(text_dim)
        self.blend = Blend()
        self.leans = nn.ModuleList(dial_layer(2 * channels) for channels in CHANNELS)
        self.entrance = Entrance(finest, GuidedSCPM(finest, width), prior, channels_in=STEM_PX**2)
        self.encoder_a = Encoder(finest, ENCODER_BLOCKS, HEADS, EXPANSION)
        self.encoder_b = Encoder(finest, ENCODER_BLOCKS, HEADS, EXPANSION)
        self.downs = nn.ModuleList(Downsample(channels) for channels in CHANNELS[:-1])
        self.tcpms = nn.ModuleList(GuidedTCPM(channels, HEADS[i], text_dim, EXPANSION) for i, channels in enumerate(CHANNELS))
        self.ups = nn.ModuleList(Upsample(channels) for channels in CHANNELS[1:])
        self.reduces = nn.ModuleList(pointwise(2 * channels, channels) for channels in CHANNELS[:-1])
        self.decoder = nn.ModuleList(stage(count, CHANNELS[i], HEADS[i], EXPANSION) for i, count in enumerate(DECODER_BLOCKS))
        self.exit = nn.Conv2d(finest, STEM_PX**2, 3, padding=1, bias=False)
        with torch.no_grad():
            self.exit.weight.mul_(RESIDUAL_START)

    def with_dials(self, dials_PN: torch.Tensor, words: Embeddings | None = None) -> State:
        """`dials`, and per level (1 to 3) what the text and the dials add to the channel gates: `gate_i`, (P, 2C)."""
        dials_PM = self.front.luma(dials_PN)
        state = {"dials": dials_PN}
        for i, (tcpm, lean) in enumerate(zip(list[Any](self.tcpms), self.leans, strict=True), 1):
            gate_PC = lean(dials_PM)
            state[f"gate_{i}"] = gate_PC if words is None else gate_PC + tcpm.text_gate(words.pooled_PD)
        return state

    def temper(self, state: State, strength_P: torch.Tensor) -> State:
        """Gates shrink towards 1, dials towards 0."""
        return {**tempered(state, strength_P), "dials": state["dials"] * strength_P[:, None].to(state["dials"])}

    def forward(self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, state: State) -> torch.Tensor:
        """Luma in, luma out. `state["features"]`, if there, stands in for the semantic prior."""
        height, width = visible_BCHW.shape[-2:]
        infrared_B1HW, visible_BCHW = self.front(infrared_B1HW, visible_BCHW, state)
        a, b = (pixel_unshuffle(padded(picture, MULTIPLE_PX), STEM_PX) for picture in (visible_BCHW, infrared_B1HW))
        a, b = self.entrance(a, b, state)
        maps_a, maps_b = self.encoder_a(a, self.downs), self.encoder_b(b, self.downs)
        x_BCHW = self.tcpms[2](maps_a[2], maps_b[2], state["gate_3"])
        for i in (1, 0):
            joined = self.tcpms[i](maps_a[i], maps_b[i], state[f"gate_{i + 1}"])
            x_BCHW = self.decoder[i](self.reduces[i](torch.cat((self.ups[i](x_BCHW), joined), dim=1)))
        residual_B1HW = pixel_shuffle(self.exit(x_BCHW), STEM_PX)[..., :height, :width]
        fused: torch.Tensor = self.blend.of_pictures(infrared_B1HW, visible_BCHW) + residual_B1HW
        return fused
