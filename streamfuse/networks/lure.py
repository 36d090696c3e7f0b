"""LURE (arXiv 2503.07033): both cameras go through one encoder into one latent space, are restored and fused there, and come out as RGB.

    infrared x3 --embed + camera--> [TGA L1] -> [TGA L2] -> [TGA L3] -> [TGA L4]     one encoder, run once per camera;
                                        |           |           |           |        TGA: text-guided attention
                                       meet        meet        meet        meet
                                        |           |           |           |
    visible ----embed + camera----> [TGA L1] -> [TGA L2] -> [TGA L3] -> [TGA L4]
                                        |           |           |           |
    fused <- 3x3 <- refinement <--- [TGA D1] <- [TGA D2] <- [TGA D3] <---- TGA

The two cameras touch only where they meet, so the latents of a slow camera can be kept and used again.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import nn

from streamfuse.errors import ConfigError
from streamfuse.networks.lure_parts import CAMERAS, Camera, Join, Meeting, Reading, Rise, TextGuidedAttention, inner_stage
from streamfuse.networks.network import FusionNetwork, State
from streamfuse.networks.restormer import GDFN_EXPANSION, Downsample, padded

CAMERA_SCALE = 0.2  # start of the cameras' embeddings, about the strength of a grey picture's features: black is not amplified noise

EXIT_START = 0.2  # scale of the exit's random weights: a fresh network paints near grey, or adds little to what is there
GREY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The numbers of a U-shape with four levels; tuples go from fine to coarse."""

    widths: tuple[int, ...]
    heads: tuple[int, ...]
    encoder_blocks: tuple[int, ...]
    meeting_blocks: tuple[int, ...]
    decoder_blocks: tuple[int, ...]
    """One fewer: the coarsest level is decoded by its meeting."""
    top_width: int
    """Channels of the finest decoder level: the width of its skip, or twice that, which keeps both halves."""
    refinement_blocks: int
    expansion: float
    rise_kernel_px: int
    """Of the convolutions that up-sample."""
    text_width: int
    multiple_px: int
    """Pictures are padded to a multiple of this."""


BASE = Plan(
    widths=(48, 96, 192, 384),
    heads=(1, 2, 4, 8),
    encoder_blocks=(2, 2, 2, 2),
    meeting_blocks=(2, 2, 2, 2),
    decoder_blocks=(2, 2, 2),
    top_width=96,
    refinement_blocks=4,
    expansion=GDFN_EXPANSION,
    rise_kernel_px=3,
    text_width=256,
    multiple_px=8,
)


class Latents(NamedTuple):
    """One camera's picture in the latent space. Keep it for as long as the picture is shown."""

    picture_B3HW: torch.Tensor
    """As it came in."""
    levels: tuple[torch.Tensor, ...]
    """(B, C, h, w) from fine to coarse."""


class Lure(FusionNetwork):
    """LURE by a plan. RGB in and out; infrared is taken as grey RGB."""

    name = "lure"
    text = "guided"
    colour = "rgb"

    def __init__(self, text_dim: int, plan: Plan = BASE, size: Literal["base", "small"] = "base") -> None:
        super().__init__()
        self.text_dim, self.plan, self.size = text_dim, plan, size
        widths, heads, expansion = plan.widths, plan.heads, plan.expansion
        outer = (plan.top_width, *widths[1:-1])
        self.reading = Reading(text_dim, plan.text_width)
        self.camera = nn.Parameter(CAMERA_SCALE * torch.randn(len(CAMERAS), widths[0], 1, 1))
        self.embed, self.exit = self._doors()
        self.encoder_tgas = self._tgas("encoder", widths, len(CAMERAS))
        self.encoder = nn.ModuleList(inner_stage(n, c, h, expansion) for n, c, h in zip(plan.encoder_blocks, widths, heads, strict=True))
        self.downs = nn.ModuleList(Downsample(channels) for channels in widths[:-1])
        self.meetings = nn.ModuleList(Meeting(n, c, h, expansion) for n, c, h in zip(plan.meeting_blocks, widths, heads, strict=True))
        self.ups = nn.ModuleList(Rise(channels, plan.rise_kernel_px) for channels in widths[1:])
        self.joins = nn.ModuleList(Join(skip, after) for skip, after in zip(widths, outer, strict=False))
        self.decoder_tgas = self._tgas("decoder", (*outer, widths[-1]), 1)
        self.decoder = nn.ModuleList(inner_stage(n, c, h, expansion) for n, c, h in zip(plan.decoder_blocks, outer, heads, strict=False))
        self.refinement = inner_stage(plan.refinement_blocks, plan.top_width, heads[0], expansion)
        with torch.no_grad():
            self.exit.weight.mul_(EXIT_START)

    def encode_text(self, pooled_PD: torch.Tensor, tokens_PLD: torch.Tensor, mask_PL: torch.Tensor) -> State:
        """For each TGA `encoder1..4` (S = 2: infrared, visible) and `decoder1..4` (S = 1): `_keys`, `_bias`, `_values`, see there."""
        words_PLT, sentence_PT = self.reading(pooled_PD, tokens_PLD)
        return self.said(words_PLT, sentence_PT, mask_PL)

    def said(self, words_PLT: torch.Tensor, sentence_PT: torch.Tensor, mask_PL: torch.Tensor) -> State:
        """What words say in all places."""
        state: State = {}
        for tga in (*self.encoder_tgas, *self.decoder_tgas):
            state |= tga.encode_text(words_PLT, sentence_PT, mask_PL)
        return state

    def temper(self, state: State, strength_P: torch.Tensor) -> State:
        """Scales what the words say; where they are listened to stays."""
        strength_P111 = strength_P.view(-1, 1, 1, 1)
        return {name: tensor * strength_P111 if name.endswith("_values") else tensor for name, tensor in state.items()}

    def forward(self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, state: State) -> torch.Tensor:
        """Infrared (B, 1, H, W), visible and fused (B, 3, H, W)."""
        infrared_B1HW, visible_BCHW = self.prepared(infrared_B1HW, visible_BCHW, state)
        infrared = self.encode(infrared_B1HW.expand(-1, 3, -1, -1), "infrared", state)
        return self.fuse_latents(infrared, self.encode(visible_BCHW, "visible", state), state)

    def prepared(self, infrared_B1HW: torch.Tensor, visible_B3HW: torch.Tensor, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        """What is done to both pictures before either is encoded: in this size nothing."""
        return infrared_B1HW, visible_B3HW

    def encode(self, image_B3HW: torch.Tensor, spectrum: Camera, state: State) -> Latents:
        """One camera's picture into the latent space, with what the prompt says about that camera."""
        source = CAMERAS.index(spectrum)
        x_BCHW = self.enter(padded(image_B3HW, self.plan.multiple_px)) + self.camera[source]
        levels = []
        for i, (tga, blocks) in enumerate(zip(self.encoder_tgas, self.encoder, strict=True)):
            x_BCHW = self.downs[i - 1](x_BCHW) if i > 0 else x_BCHW
            x_BCHW = blocks(tga(x_BCHW, state, source))
            levels.append(x_BCHW)
        return Latents(image_B3HW, tuple(levels))

    def fuse_latents(self, infrared: Latents, visible: Latents, state: State) -> torch.Tensor:
        """Two cameras' latents -> the fused picture. They may be of different instants, but of one size."""
        pairs = zip(self.meetings, infrared.levels, visible.levels, strict=True)
        levels = tuple(meeting(a_BCHW, b_BCHW) for meeting, a_BCHW, b_BCHW in pairs)
        return self.decode(Latents(self.ground(infrared.picture_B3HW, visible.picture_B3HW), levels), state)

    def decode(self, latents: Latents, state: State) -> torch.Tensor:
        """Latents, fused or of one camera alone (which restores that camera), -> a picture (B, 3, H, W)."""
        *skips, x_BCHW = latents.levels
        x_BCHW = self.decoder_tgas[-1](x_BCHW, state)
        for i in reversed(range(len(skips))):
            x_BCHW = self.joins[i](self.ups[i](x_BCHW), skips[i])
            x_BCHW = self.decoder[i](self.decoder_tgas[i](x_BCHW, state))
        return self.leave(self.refinement(x_BCHW), latents.picture_B3HW)

    def ground(self, infrared_B3HW: torch.Tensor, visible_B3HW: torch.Tensor) -> torch.Tensor:
        """What the fused latents have for a picture. This size paints all of it anew and takes only its size."""
        return visible_B3HW

    def enter(self, picture_B3HW: torch.Tensor) -> torch.Tensor:
        """Padded picture -> features of the finest level."""
        features: torch.Tensor = self.embed(picture_B3HW)
        return features

    def leave(self, x_BCHW: torch.Tensor, ground_B3HW: torch.Tensor) -> torch.Tensor:
        """Features of the finest level -> a picture of the size of `ground`."""
        height, width = ground_B3HW.shape[-2:]
        painted: torch.Tensor = self.exit(x_BCHW)
        return GREY + painted[..., :height, :width]

    def _doors(self) -> tuple[nn.Conv2d, nn.Conv2d]:
        """The convolutions into and out of the U-shape."""
        finest, top = self.plan.widths[0], self.plan.top_width
        return nn.Conv2d(3, finest, 3, padding=1, bias=False), nn.Conv2d(top, 3, 3, padding=1, bias=False)

    def _tgas(self, side: str, widths: tuple[int, ...], sources: int) -> nn.ModuleList:
        return nn.ModuleList(TextGuidedAttention(f"{side}{i}", c, self.plan.text_width, sources) for i, c in enumerate(widths, 1))


def make(size: Literal["base", "small"] = "base", text: Literal["guided", "published"] = "guided", text_dim: int = 384) -> FusionNetwork:
    """LURE with random weights."""
    from streamfuse.networks.lure_small import LureSmall  # noqa: PLC0415  it derives from what is here

    if text == "published":
        raise ConfigError("lure has no published form: its authors' code was never found; set text: guided")
    return Lure(text_dim) if size == "base" else LureSmall(text_dim)
