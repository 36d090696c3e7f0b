"""The blocks of Restormer (Zamir et al., CVPR 2022) in their plainest form; `fast_blocks` computes the same, faster.

Legend: B batch, C channels, H W pixels, N = H * W, h heads. Every module maps (B, C, H, W) to the same shape unless it says otherwise.
"""

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

LAYER_NORM_EPS = 1e-5
GDFN_EXPANSION = 2.66


class LayerNorm2d(nn.Module):
    """Normalise each pixel over its channels, with learned scale and shift; biased variance."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Mean 0 and variance 1 over C, then scale and shift."""
        variance, mean = torch.var_mean(x_BCHW, dim=1, keepdim=True, unbiased=False)
        normal_BCHW = (x_BCHW - mean) * torch.rsqrt(variance + LAYER_NORM_EPS)
        return normal_BCHW * self.weight[:, None, None] + self.bias[:, None, None]


def pointwise(channels_in: int, channels_out: int, *, bias: bool = False) -> nn.Conv2d:
    """A 1x1 convolution; Restormer's have no bias."""
    return nn.Conv2d(channels_in, channels_out, 1, bias=bias)


def depthwise(channels: int) -> nn.Conv2d:
    """A 3x3 convolution of each channel by itself, zeros around the picture, no bias."""
    return nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)


def channel_attention(
    q_BCHW: torch.Tensor, k_BCHW: torch.Tensor, v_BCHW: torch.Tensor, temperature_h11: torch.Tensor, keep: int | None = None
) -> torch.Tensor:
    """Softmax attention between the channels of each head: weights (C/h, C/h), so the cost is linear in pixels.

    `keep`: only the `keep` largest weights of a row take part (None: all). Every pixel of the result depends on the whole picture.
    """
    heads = temperature_h11.shape[0]
    batch, channels, height, width = v_BCHW.shape
    q, k, v = (part.reshape(batch, heads, channels // heads, height * width) for part in (q_BCHW, k_BCHW, v_BCHW))
    logits_Bhcc = F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * temperature_h11
    if keep is not None:
        kept = logits_Bhcc.topk(keep, dim=-1).indices
        logits_Bhcc = torch.full_like(logits_Bhcc, -torch.inf).scatter(-1, kept, logits_Bhcc.gather(-1, kept))
    return (logits_Bhcc.softmax(dim=-1) @ v).reshape(batch, channels, height, width)


class MDTA(nn.Module):
    """Multi-Dconv head Transposed Attention: queries, keys and values by a 1x1 and a depthwise 3x3 convolution."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.to_qkv = pointwise(channels, 3 * channels)
        self.local = depthwise(3 * channels)
        self.project = pointwise(channels, channels)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Attention of `x` to itself."""
        q, k, v = self.local(self.to_qkv(x_BCHW)).chunk(3, dim=1)
        projected: torch.Tensor = self.project(channel_attention(q, k, v, self.temperature))
        return projected


class GDFN(nn.Module):
    """Gated-Dconv Feed-forward Network: one half of the widened channels, through GELU, gates the other."""

    def __init__(self, channels: int, expansion: float = GDFN_EXPANSION) -> None:
        super().__init__()
        hidden = int(expansion * channels)
        self.widen = pointwise(channels, 2 * hidden)
        self.local = depthwise(2 * hidden)
        self.project = pointwise(hidden, channels)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """GELU(a) * b, projected back to C."""
        a, b = self.local(self.widen(x_BCHW)).chunk(2, dim=1)
        projected: torch.Tensor = self.project(F.gelu(a) * b)
        return projected


class TransformerBlock(nn.Module):
    """x + MDTA(norm(x)), then x + GDFN(norm(x))."""

    def __init__(self, channels: int, heads: int, expansion: float = GDFN_EXPANSION) -> None:
        super().__init__()
        self.attention_norm = LayerNorm2d(channels)
        self.attention = MDTA(channels, heads)
        self.feed_norm = LayerNorm2d(channels)
        self.feed = GDFN(channels, expansion)

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """Both residual steps."""
        x_BCHW = x_BCHW + self.attention(self.attention_norm(x_BCHW))
        fed: torch.Tensor = x_BCHW + self.feed(self.feed_norm(x_BCHW))
        return fed


def stage(count: int, channels: int, heads: int, expansion: float = GDFN_EXPANSION) -> nn.Sequential:
    """`count` transformer blocks, one after another."""
    return nn.Sequential(*(TransformerBlock(channels, heads, expansion) for _ in range(count)))


class Downsample(nn.Sequential):
    """(B, C, H, W) -> (B, 2C, H/2, W/2): a 3x3 convolution to C/2, then each 2x2 pixels become channels. H and W even."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.Conv2d(channels, channels // 2, 3, padding=1, bias=False), nn.PixelUnshuffle(2))


class Upsample(nn.Sequential):
    """(B, C, H, W) -> (B, C/2, 2H, 2W): a 3x3 convolution to 2C, then each 4 channels become 2x2 pixels."""

    def __init__(self, channels: int) -> None:
        super().__init__(nn.Conv2d(channels, 2 * channels, 3, padding=1, bias=False), nn.PixelShuffle(2))


def padded(picture_BCHW: torch.Tensor, multiple: int) -> torch.Tensor:
    """The picture mirrored at its right and lower edge up to the next `multiple` of pixels, as published for U-shaped networks."""
    height, width = picture_BCHW.shape[-2:]
    return F.pad(picture_BCHW, (0, -width % multiple, 0, -height % multiple), mode="reflect")
