"""From Text to Pixels (arXiv 2401.00421): features of both cameras at three levels, fused under a text, steadied by a codebook.

    infrared --> 1 ---> 1/2 ---> 1/4      one extractor per camera, 3x3 convolutions
                 |       |        |
    text ------> F1      F2       F3 ---> 1/8 --> codebook      F: text-guided attention fusion
                 |       |        | + <-- up <-----/
    visible ---> 1 ---> 1/2 ---> 1/4
                 |       |        |
    fused <- + - o <---- o <------o       decoder, on the mean of the two pictures

Nothing looks farther than its convolutions reach: no statistic of the whole picture, so tiles fit together exactly.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch
from torch import nn

from streamfuse.errors import ConfigError
from streamfuse.networks.network import FusionNetwork, State
from streamfuse.networks.restormer import padded
from streamfuse.networks.textpixels_parts import CodePrior, Decoder, Extractor, TextGuidedFusion, TextVector

MULTIPLE_PX = 8
EXIT_START = 0.1  # scale of the exit's random weights: a fresh network is near the mean of the two pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The numbers of one size; widths go from fine to coarse."""

    widths: tuple[int, ...]
    convolutions: int
    """In each unit of the extractors."""
    codes: int
    code_width: int
    text_width: int


BASE = Plan(widths=(32, 64, 128), convolutions=2, codes=1024, code_width=256, text_width=128)


class Trace(NamedTuple):
    """A picture and what led to it, for the losses."""

    fused_B1HW: torch.Tensor
    vectors_BDhw: torch.Tensor
    """What the codebook was asked for: give it, flattened over pixels, to `Codebook.learn`."""
    infrared: list[torch.Tensor]
    """Features (B, C, h, w) from fine to coarse."""
    visible: list[torch.Tensor]


class TextPixels(FusionNetwork):
    """Luma in, luma out. The end is linear: a sigmoid reaches neither black nor the white of a hot target, and the caller clamps."""

    name = "textpixels"
    text = "guided"
    colour = "luma"

    def __init__(self, text_dim: int, plan: Plan = BASE, size: Literal["base", "small"] = "base") -> None:
        super().__init__()
        self.size, self.text_dim = size, text_dim
        self.text_vector = TextVector(text_dim, plan.text_width)
        self.infrared = Extractor(plan.widths, plan.convolutions)
        self.visible = Extractor(plan.widths, plan.convolutions)
        self.fusions = nn.ModuleList(TextGuidedFusion(i, channels, plan.text_width) for i, channels in enumerate(plan.widths, 1))
        self.prior = CodePrior(plan.widths[-1], plan.codes, plan.code_width)
        self.decoder = Decoder(plan.widths)
        with torch.no_grad():
            self.decoder.exit.weight.mul_(EXIT_START)

    def encode_text(self, pooled_PD: torch.Tensor, tokens_PLD: torch.Tensor, mask_PL: torch.Tensor) -> State:
        """For each level i (1 to 3) `look_i`, `lean_i`, `scale_i`, `shift_i`, each (P, C): see `TextGuidedFusion`."""
        return self.said(self.text_vector(pooled_PD, tokens_PLD, mask_PL))

    def said(self, text_PT: torch.Tensor) -> State:
        """What a text's vector says to all levels."""
        state: State = {}
        for fusion in list[Any](self.fusions):
            state |= fusion.encode_text(text_PT)
        return state

    def temper(self, state: State, strength_P: torch.Tensor) -> State:
        """All of the state is an offset from the network without words."""
        return {name: tensor * strength_P[:, None] for name, tensor in state.items()}

    def forward(self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, state: State) -> torch.Tensor:
        """The fused luma, (B, 1, H, W)."""
        return self.trace(infrared_B1HW, visible_BCHW, state).fused_B1HW

    def trace(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor, state: State) -> Trace:
        """`forward`, with what the losses need."""
        height, width = visible_B1HW.shape[-2:]
        infrared = self.infrared(padded(infrared_B1HW, MULTIPLE_PX))
        visible = self.visible(padded(visible_B1HW, MULTIPLE_PX))
        fused = [fusion(a, b, state) for fusion, a, b in zip(self.fusions, infrared, visible, strict=True)]
        vectors_BDhw = self.prior.vectors(fused[-1])
        fused[-1] = fused[-1] + self.prior(vectors_BDhw)
        residual_B1HW = self.decoder(fused)[..., :height, :width]
        return Trace(self.ground(infrared_B1HW, visible_B1HW) + residual_B1HW, vectors_BDhw, infrared, visible)

    def ground(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor) -> torch.Tensor:
        """What the decoder adds to: the mean of the two."""
        return (infrared_B1HW + visible_B1HW) / 2


def make(size: Literal["base", "small"] = "base", text: Literal["guided", "published"] = "guided", text_dim: int = 384) -> FusionNetwork:
    """Text-to-Pixels with random weights."""
    from streamfuse.networks.textpixels_small import TextPixelsSmall  # noqa: PLC0415  it derives from what is here

    if text == "published":
        raise ConfigError("textpixels has no published form: its authors' code was never found; set text: guided")
    return TextPixels(text_dim) if size == "base" else TextPixelsSmall(text_dim)
