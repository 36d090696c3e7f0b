"""UP-Fusion (arXiv 2511.12432): a U-shape of transformer blocks, one encoder per camera, joined at every level under a text.

    infrared --3x3--+--GAM--> L1 -> L2 -> L3 -> L4        L1..L4: 48, 96, 192, 384 channels at 1, 1/2, 1/4, 1/8
                   mean           |     |     |     |
                  SCPM           TCPM  TCPM  TCPM  TCPM <-- text
                    |             |     |     |     |
    visible ---3x3--+--GAM--> L1 -> L2 -> L3 -> L4     |
                                  |     |     |     |
    fused <-3x3-- refinement <-- D1 <- D2 <- D3 <------+

The published form pairs `visible` and `infrared` as (a, b); the two encoders share their down-sampling convolutions only.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from streamfuse.errors import ConfigError
from streamfuse.networks.network import FusionNetwork, State
from streamfuse.networks.restormer import Downsample, Upsample, padded, pointwise, stage
from streamfuse.networks.semantic import SemanticPrior, make_prior
from streamfuse.networks.upfusion_parts import Encoder, Entrance, GuidedSCPM, GuidedTCPM, tempered
from streamfuse.networks.upfusion_published import PublishedSCPM, PublishedTCPM
from streamfuse.networks.upfusion_small import UpFusionSmall

MULTIPLE_PX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Widths and depths, finest level first."""

    channels: int
    """Of level 1; each level below has twice as many."""
    heads: tuple[int, int, int, int]
    encoder_blocks: tuple[int, int, int, int]
    decoder_blocks: tuple[int, int, int]
    refinement_blocks: int


PUBLISHED = Plan(channels=48, heads=(1, 2, 4, 8), encoder_blocks=(4, 6, 6, 8), decoder_blocks=(4, 6, 6), refinement_blocks=4)


class UpFusion(FusionNetwork):
    """UP-Fusion at the size of its paper. Level 1 of the decoder keeps both halves: 2C channels at full resolution."""

    name = "upfusion"
    size = "base"
    colour = "luma"

    def __init__(
        self, text: Literal["guided", "published"], text_dim: int, semantic: str | SemanticPrior = "none", plan: Plan = PUBLISHED
    ) -> None:
        super().__init__()
        self.text, self.text_dim = text, text_dim
        prior = make_prior(semantic)
        width = None if prior is None else prior.width
        scpm = PublishedSCPM if text == "published" else GuidedSCPM
        tcpm = PublishedTCPM if text == "published" else GuidedTCPM
        levels = [plan.channels << i for i in range(4)]
        self.entrance = Entrance(levels[0], scpm(levels[0], width), prior)
        self.encoder_a = Encoder(levels[0], plan.encoder_blocks, plan.heads)
        self.encoder_b = Encoder(levels[0], plan.encoder_blocks, plan.heads)
        self.downs = nn.ModuleList(Downsample(channels) for channels in levels[:3])
        self.tcpms = nn.ModuleList(tcpm(channels, heads, text_dim) for channels, heads in zip(levels, plan.heads, strict=True))
        self.ups = nn.ModuleList(Upsample(channels) for channels in levels[1:])
        self.reduces = nn.ModuleList((nn.Identity(), *(pointwise(2 * channels, channels) for channels in levels[1:3])))
        decoder = zip(plan.decoder_blocks, (levels[1], *levels[1:3]), plan.heads[:3], strict=True)
        self.decoder = nn.ModuleList(stage(count, channels, heads) for count, channels, heads in decoder)
        self.refinement = stage(plan.refinement_blocks, levels[1], plan.heads[0])
        self.exit = nn.Conv2d(levels[1], 1, 3, padding=1, bias=False)

    def encode_text(self, pooled_PD: torch.Tensor, tokens_PLD: torch.Tensor, mask_PL: torch.Tensor) -> State:
        """Per level (1 to 4) what the text adds to the channel gates, `gate_i`; published: permutations `order_i` and their `strength`."""
        if self.text == "guided":
            return {f"gate_{i}": tcpm.text_gate(pooled_PD) for i, tcpm in enumerate(list[Any](self.tcpms), 1)}
        orders = {f"order_{i}": tcpm.text_order(pooled_PD) for i, tcpm in enumerate(list[Any](self.tcpms), 1)}
        return orders | {"strength": torch.ones_like(pooled_PD[:, :1])}

    def temper(self, state: State, strength_P: torch.Tensor) -> State:
        """Gates shrink towards 1; published, the permuted channels fade into those in the order as it was."""
        return tempered(state, strength_P)

    def forward(self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, state: State) -> torch.Tensor:
        """Luma in, luma out. `state["features"]`, if there, stands in for the semantic prior."""
        height, width = visible_BCHW.shape[-2:]
        a_BCHW, b_BCHW = self.entrance(padded(visible_BCHW, MULTIPLE_PX), padded(infrared_B1HW, MULTIPLE_PX), state)
        maps_a, maps_b = self.encoder_a(a_BCHW, self.downs), self.encoder_b(b_BCHW, self.downs)
        x_BCHW = self._join(3, maps_a, maps_b, state)
        for i in (2, 1, 0):
            joined_BCHW = self._join(i, maps_a, maps_b, state)
            x_BCHW = self.decoder[i](self.reduces[i](torch.cat((self.ups[i](x_BCHW), joined_BCHW), dim=1)))
        fused: torch.Tensor = self.exit(self.refinement(x_BCHW))
        return fused[..., :height, :width]

    def _join(self, i: int, maps_a: list[torch.Tensor], maps_b: list[torch.Tensor], state: State) -> torch.Tensor:
        """TCPM of level i + 1."""
        if self.text == "guided":
            joined: torch.Tensor = self.tcpms[i](maps_a[i], maps_b[i], state[f"gate_{i + 1}"])
        else:
            joined = self.tcpms[i](maps_a[i], maps_b[i], state[f"order_{i + 1}"], state["strength"])
        return joined


def make(
    size: Literal["base", "small"] = "base",
    text: Literal["guided", "published"] = "guided",
    text_dim: int = 384,
    semantic: str | SemanticPrior = "none",
) -> FusionNetwork:
    """UP-Fusion with random weights. `semantic`: a name from `semantic.py`, or a prior."""
    if size == "base":
        return UpFusion(text, text_dim, semantic)
    if text == "published":
        raise ConfigError("upfusion small has no published form: its channels are not sorted; set text: guided, or size: base")
    return UpFusionSmall(text_dim, semantic)
