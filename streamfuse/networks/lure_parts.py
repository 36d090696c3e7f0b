"""What LURE is made of beside Restormer's blocks: text-guided attention, inner residuals, and where the two cameras meet.

Legend: B batch, P prompts, L words of a prompt, T width of the reading, C channels, S sources, N = H * W pixels.
"""

import math
from typing import Literal, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.network import State
from streamfuse.networks.restormer import GDFN, LAYER_NORM_EPS, MDTA, TransformerBlock, channel_attention, pointwise

Camera: TypeAlias = Literal["infrared", "visible"]
CAMERAS: tuple[Camera, ...] = ("infrared", "visible")
MASKED = -1e4
"""Score of a word that is not there: nothing is left of it after the softmax, and it is finite in fp16 too."""


def standardised(x_BCHW: torch.Tensor) -> torch.Tensor:
    """Each pixel with mean 0 and variance 1 over its channels."""
    variance, mean = torch.var_mean(x_BCHW, dim=1, keepdim=True, unbiased=False)
    return (x_BCHW - mean) * torch.rsqrt(variance + LAYER_NORM_EPS)


class Reading(nn.Module):
    """Embeddings of any encoder and scale -> words and sentence of one width, which all levels share."""

    def __init__(self, text_dim: int, width: int) -> None:
        super().__init__()
        self.words = nn.Linear(text_dim, width)
        self.sentence = nn.Linear(text_dim, width)

    def forward(self, pooled_PD: torch.Tensor, tokens_PLD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Words (P, L, T) and sentence (P, T)."""
        return F.gelu(self.words(_unit_scale(tokens_PLD))), F.gelu(self.sentence(_unit_scale(pooled_PD)))


def _unit_scale(embedding: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(embedding, embedding.shape[-1:])


class TextGuidedAttention(nn.Module):
    """TGA: each pixel asks the words, and adds what the words it attends to have to say.

        scores = K Wq norm(x) + bias,   x + gate * Wo V softmax(scores)

    `K Wq` and `gate * Wo V` depend on the prompt alone, so a frame costs two 1x1 convolutions. Beside the words there is a learned
    "nothing" with value 0: a pixel that no word concerns stays as it is. With several `sources` each asks in its own way (`stance`,
    which ends in the bias) and has its own gate, so that a prompt about one camera can leave the other alone.
    """

    def __init__(self, place: str, channels: int, width: int, sources: int = 1) -> None:
        super().__init__()
        self.place = place
        self.query = nn.Linear(channels, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)  # a bias on all words is one on "nothing", the other way round
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, channels, bias=False)
        self.gate = nn.Linear(width, sources * channels)
        self.stance = nn.Parameter(torch.randn(sources, width))
        self.nothing = nn.Parameter(torch.randn(width))

    def encode_text(self, words_PLT: torch.Tensor, sentence_PT: torch.Tensor, mask_PL: torch.Tensor) -> State:
        """Keys (P, L + 1, C), bias (P, S, L + 1) and values (P, S, C, L + 1), under the name of this place; the last word is "nothing"."""
        prompts, _, width = words_PLT.shape
        nothing_P1T = self.nothing.expand(prompts, 1, width)
        keys_PLT = torch.cat((self.key(words_PLT), nothing_P1T), dim=1) / math.sqrt(width)
        absent_PL = F.pad((1.0 - mask_PL.to(keys_PLT.dtype)) * MASKED, (0, 1))
        said_PCL = F.pad(self.out(self.value(words_PLT)).transpose(1, 2), (0, 1))
        gate_PSC = self.gate(sentence_PT).sigmoid().unflatten(1, (len(self.stance), -1))
        return {
            f"{self.place}_keys": keys_PLT @ self.query.weight,
            f"{self.place}_bias": self.stance @ keys_PLT.transpose(1, 2) + absent_PL[:, None],
            f"{self.place}_values": gate_PSC[..., None] * said_PCL[:, None],
        }

    def forward(self, x_BCHW: torch.Tensor, state: State, source: int = 0) -> torch.Tensor:
        """`x` under the prompts of `state`, asked by `source`."""
        keys_BLC = state[f"{self.place}_keys"]
        bias_BL, values_BCL = (state[f"{self.place}_{part}"][:, source] for part in ("bias", "values"))
        scores_BLN = keys_BLC @ standardised(x_BCHW).flatten(2) + bias_BL[..., None]
        said_BCN = values_BCL @ scores_BLN.softmax(dim=1)
        return x_BCHW + said_BCN.view_as(x_BCHW)


class InnerMDTA(MDTA):
    """MDTA whose values also bypass their depthwise convolution: v + local(v)."""

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Attention of `x` to itself."""
        qkv_BCHW = self.to_qkv(x_BCHW)
        q, k, v = self.local(qkv_BCHW).chunk(3, dim=1)
        v = v + qkv_BCHW.chunk(3, dim=1)[2]
        projected: torch.Tensor = self.project(channel_attention(q, k, v, self.temperature))
        return projected


class InnerGDFN(GDFN):
    """GDFN with a linear way around its gate."""

    def __init__(self, channels: int, expansion: float) -> None:
        super().__init__(channels, expansion)
        self.bypass = pointwise(channels, channels)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Gated and bypassed, summed."""
        summed: torch.Tensor = super().forward(x_BCHW) + self.bypass(x_BCHW)
        return summed


class InnerBlock(TransformerBlock):
    """A transformer block with residuals inside its two halves as well as around them."""

    def __init__(self, channels: int, heads: int, expansion: float) -> None:
        super().__init__(channels, heads, expansion)
        self.attention = InnerMDTA(channels, heads)
        self.feed = InnerGDFN(channels, expansion)


def inner_stage(count: int, channels: int, heads: int, expansion: float) -> nn.Sequential:
    """`count` inner blocks, one after another."""
    return nn.Sequential(*(InnerBlock(channels, heads, expansion) for _ in range(count)))


class Join(nn.Module):
    """Two maps of C channels side by side, mixed to `after` channels; left as they are where that is 2C."""

    def __init__(self, channels: int, after: int) -> None:
        super().__init__()
        self.mix = nn.Identity() if after == 2 * channels else pointwise(2 * channels, after)

    def forward(self, a_BCHW: torch.Tensor, b_BCHW: torch.Tensor) -> torch.Tensor:
        """(B, after, H, W)."""
        mixed: torch.Tensor = self.mix(torch.cat((a_BCHW, b_BCHW), dim=1))
        return mixed


class Meeting(nn.Module):
    """Fusion inside the latent space, at one level: both cameras' latents joined, then blocks."""

    def __init__(self, count: int, channels: int, heads: int, expansion: float) -> None:
        super().__init__()
        self.join = Join(channels, channels)
        self.blocks = inner_stage(count, channels, heads, expansion)

    def forward(self, infrared_BCHW: torch.Tensor, visible_BCHW: torch.Tensor) -> torch.Tensor:
        """Two latents -> one of the same shape."""
        met: torch.Tensor = self.blocks(self.join(infrared_BCHW, visible_BCHW))
        return met


class Rise(nn.Sequential):
    """(B, C, H, W) -> (B, C/2, 2H, 2W): Restormer's up-sampling, whose convolution may also be 1x1, at a ninth of the cost."""

    def __init__(self, channels: int, kernel_px: int) -> None:
        super().__init__(nn.Conv2d(channels, 2 * channels, kernel_px, padding=kernel_px // 2, bias=False), nn.PixelShuffle(2))
