"""What Text-to-Pixels is made of: extractors, text-guided attention fusion, the codebook's prior, the decoder.

Legend: B batch, P prompts, L words of a prompt, D width of the embedding, T width of the text vector, C channels, h w pixels of a level.
"""

import itertools
import math

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.codebook import Codebook
from streamfuse.networks.network import State

NORM_EPS = 1e-5


def conv3x3(channels_in: int, channels_out: int, stride: int = 1) -> nn.Conv2d:
    """3x3 with bias, weights as of He et al. 2015: without normalisation, the signal keeps its scale through the ReLUs."""
    conv = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return conv


def standardised(z_BCN: torch.Tensor) -> torch.Tensor:
    """Each vector with mean 0 and variance 1 over its channels, so that distances to codes have one scale."""
    variance, mean = torch.var_mean(z_BCN, dim=1, keepdim=True, unbiased=False)
    return (z_BCN - mean) * torch.rsqrt(variance + NORM_EPS)


def doubled(x_BChw: torch.Tensor) -> torch.Tensor:
    """Twice the resolution, bilinear."""
    return F.interpolate(x_BChw, scale_factor=2.0, mode="bilinear", align_corners=False)


class TextVector(nn.Module):
    """Pooled embedding and the words that matter -> one vector. Scale of the embeddings does not count."""

    def __init__(self, text_dim: int, width: int) -> None:
        super().__init__()
        self.sentence = nn.Linear(text_dim, width)
        self.words = nn.Linear(text_dim, width, bias=False)
        self.query = nn.Parameter(torch.randn(text_dim))

    def forward(self, pooled_PD: torch.Tensor, tokens_PLD: torch.Tensor, mask_PL: torch.Tensor) -> torch.Tensor:
        """(P, T)."""
        pooled_PD, tokens_PLD = (F.layer_norm(part, part.shape[-1:]) for part in (pooled_PD, tokens_PLD))
        scores_PL = (tokens_PLD @ self.query) / math.sqrt(len(self.query))
        weights_PL = scores_PL.masked_fill(mask_PL < 1, -torch.inf).softmax(dim=1)
        return F.gelu(self.sentence(pooled_PD) + self.words((weights_PL[:, None] @ tokens_PLD)[:, 0]))


class Unit(nn.Module):
    """A residual around one or more 3x3 convolutions."""

    def __init__(self, channels: int, convolutions: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*(layer for _ in range(convolutions) for layer in (nn.ReLU(), conv3x3(channels, channels))))

    def forward(self, x_BChw: torch.Tensor) -> torch.Tensor:
        """Same shape; not negative."""
        return F.relu(x_BChw + self.body(x_BChw))


class Extractor(nn.Module):
    """One camera's picture -> features at 1, 1/2, 1/4 ... of its resolution."""

    def __init__(self, widths: tuple[int, ...], convolutions: int) -> None:
        super().__init__()
        ins = (1, *widths[:-1])
        self.entries = nn.ModuleList(conv3x3(c_in, c, 1 if i == 0 else 2) for i, (c_in, c) in enumerate(zip(ins, widths, strict=True)))
        self.units = nn.ModuleList(Unit(channels, convolutions) for channels in widths)

    def forward(self, x_B1HW: torch.Tensor) -> list[torch.Tensor]:
        """From fine to coarse."""
        levels, x_BChw = [], x_B1HW
        for entry, unit in zip(self.entries, self.units, strict=True):
            x_BChw = unit(entry(x_BChw))
            levels.append(x_BChw)
        return levels


class TextGuidedFusion(nn.Module):
    """Two cameras' features of one level -> one, weighed per pixel and channel by a mask that the text moves.

        J = (1 + scale_t) (Wj [F_ir, F_vi] + b) + shift_t
        m = sigmoid(<look + look_t, J> + lean + lean_t),   look_t = Wk^T Wq t / sqrt(T)
        F = J + m W_i F_ir + (1 - m) W_v F_vi

    `look` and `lean` without the text are the network's own taste; what has a t is the prompt's, and is 0 at strength 0.
    """

    def __init__(self, level: int, channels: int, width: int) -> None:
        super().__init__()
        self.level = level
        self.joint = nn.Conv2d(2 * channels, channels, 1)
        self.take_infrared = nn.Conv2d(channels, channels, 1, bias=False)
        self.take_visible = nn.Conv2d(channels, channels, 1, bias=False)
        self.look = nn.Parameter(torch.randn(channels) / channels)
        self.lean = nn.Parameter(torch.zeros(channels))
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(channels, width, bias=False)
        self.to_lean = nn.Linear(width, channels)
        self.film = nn.Linear(width, 2 * channels)

    def encode_text(self, text_PT: torch.Tensor) -> State:
        """`look_i`, `lean_i`, `scale_i`, `shift_i` of level i, each (P, C)."""
        scale_PC, shift_PC = self.film(text_PT).chunk(2, dim=1)
        look_PC = self.query(text_PT) @ self.key.weight / math.sqrt(text_PT.shape[1])
        parts = {"look": look_PC, "lean": self.to_lean(text_PT), "scale": scale_PC, "shift": shift_PC}
        return {f"{part}_{self.level}": tensor for part, tensor in parts.items()}

    def forward(self, infrared_BChw: torch.Tensor, visible_BChw: torch.Tensor, state: State) -> torch.Tensor:
        """Same shape as either."""
        scale, shift, lean = (state[f"{part}_{self.level}"][..., None, None] for part in ("scale", "shift", "lean"))
        look_B1C = (self.look + state[f"look_{self.level}"])[:, None]
        joint = self.joint(torch.cat((infrared_BChw, visible_BChw), dim=1)) * (1.0 + scale) + shift
        seen_B1hw = (look_B1C @ joint.flatten(2)).unflatten(2, joint.shape[2:])
        mask = torch.sigmoid(seen_B1hw + self.lean[:, None, None] + lean)
        fused: torch.Tensor = joint + mask * self.take_infrared(infrared_BChw) + (1.0 - mask) * self.take_visible(visible_BChw)
        return fused


class CodePrior(nn.Module):
    """What the codebook knows of the fused features, at half their resolution, as an addition to them."""

    def __init__(self, channels: int, codes: int, width: int) -> None:
        super().__init__()
        self.shrink = conv3x3(channels, width, stride=2)
        self.codebook = Codebook(codes, width)
        self.expand = nn.Conv2d(width, channels, 1)

    def vectors(self, fused_BChw: torch.Tensor) -> torch.Tensor:
        """(B, width, h/2, w/2), standardised."""
        return standardised(self.shrink(fused_BChw))

    def forward(self, z_BDhw: torch.Tensor) -> torch.Tensor:
        """Vectors -> what to add to the fused features."""
        coded = self.codebook(z_BDhw.flatten(2)).view_as(z_BDhw)
        return doubled(self.expand(coded))


class Decoder(nn.Module):
    """Fused features of all levels -> one channel at full resolution, linear."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(widths))
        self.narrow = nn.ModuleList(conv3x3(coarse, fine) for fine, coarse in pairs)
        self.merge = nn.ModuleList(conv3x3(2 * fine, fine) for fine, _ in pairs)
        self.exit = conv3x3(widths[0], 1)

    def forward(self, levels: list[torch.Tensor]) -> torch.Tensor:
        """`levels` from fine to coarse."""
        *skips, x_BChw = levels
        for i in reversed(range(len(skips))):
            x_BChw = doubled(F.relu(self.narrow[i](x_BChw)))
            x_BChw = F.relu(self.merge[i](torch.cat((x_BChw, skips[i]), dim=1)))
        exited: torch.Tensor = self.exit(x_BChw)
        return exited
