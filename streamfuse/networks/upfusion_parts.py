"""What UP-Fusion is made of beside Restormer's blocks, in its guided form: everything soft, everything in index order.

So few hidden units rank the channels that ReLU could silence them all; the guided form has GELU there.
SCPM weighs the channels of the joint features, GAM restores each camera's statistics, TCPM joins the cameras under a text.
The published form, which sorts channels instead, is in `upfusion_published`; both share what is here.

Legend: B batch, P prompts, D width of the embedding, C channels, H W pixels. `a` is the visible camera, `b` the infrared one.
"""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.network import State
from streamfuse.networks.restormer import GDFN, GDFN_EXPANSION, LayerNorm2d, channel_attention, depthwise, pointwise, stage
from streamfuse.networks.semantic import FEATURES, SemanticPrior

TEXT_HIDDEN = 512
ATTENTION_SCALE = 0.2  # start of the learned scalar on the cross attention
IMAGENET_MEAN, IMAGENET_STD = 0.449, 0.226  # over the three channels


def squeeze_excite(channels: int, activation: nn.Module, *, bias: bool) -> nn.Sequential:
    """(B, C) channel means -> (B, C) scores, through an eighth of the channels."""
    return nn.Sequential(nn.Linear(channels, channels // 8, bias=bias), activation, nn.Linear(channels // 8, channels, bias=bias))


def text_head(text_dim: int, channels: int) -> nn.Sequential:
    """(P, D) -> (P, channels)."""
    return nn.Sequential(nn.Linear(text_dim, TEXT_HIDDEN), nn.ReLU(), nn.Linear(TEXT_HIDDEN, channels))


def about_one(scores: torch.Tensor) -> torch.Tensor:
    """A gate in (0, 2) that is 1 where the score is 0, so that a fresh network passes everything on."""
    return 2.0 * torch.sigmoid(scores)


def on_map(gate_BC: torch.Tensor) -> torch.Tensor:
    """(B, C) -> (B, C, 1, 1)."""
    return gate_BC[:, :, None, None]


class GAM(nn.Module):
    """Global affine modulation: x * (1 + gamma) + beta, both from the mean of one camera's own embedding."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(channels, channels), nn.ReLU(), nn.Linear(channels, 2 * channels))

    def affine(self, mean_BC: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Channel means of the embedding -> scale and shift, each (B, C)."""
        gamma_BC, beta_BC = self.mlp(mean_BC).chunk(2, dim=1)
        return 1.0 + gamma_BC, beta_BC

    def forward(self, x_BCHW: torch.Tensor, embedding_BCHW: torch.Tensor) -> torch.Tensor:
        """`x` modulated by the statistics of `embedding`."""
        scale_BC, shift_BC = self.affine(embedding_BCHW.mean((2, 3)))
        return x_BCHW * on_map(scale_BC) + on_map(shift_BC)


class GuidedSCPM(nn.Module):
    """Semantic channel gate: x * gate(means of x, semantic features), then a 1x1 convolution."""

    def __init__(self, channels: int, semantic_width: int | None) -> None:
        super().__init__()
        self.scores = squeeze_excite(channels, nn.GELU(), bias=True)
        self.semantic_scores = (
            None if semantic_width is None else nn.Sequential(nn.LayerNorm(semantic_width), nn.Linear(semantic_width, channels))
        )
        self.project = pointwise(channels, channels)

    def gate(self, mean_BC: torch.Tensor, features_BD: torch.Tensor | None) -> torch.Tensor:
        """(B, C) in (0, 2). `features_BD`: the semantic prior's, None without one."""
        scores_BC: torch.Tensor = self.scores(mean_BC)
        if self.semantic_scores is not None:
            scores_BC = scores_BC + self.semantic_scores(features_BD)
        return about_one(scores_BC)

    def picture(self, a_BKHW: torch.Tensor, b_BKHW: torch.Tensor, joint_BCHW: torch.Tensor) -> torch.Tensor:
        """What the semantic prior looks at, (B, 3, H, W): the cameras' mean in grey, standardised as priors are trained."""
        grey_B1HW = ((a_BKHW + b_BKHW) / 2).mean(1, keepdim=True)
        return ((grey_B1HW - IMAGENET_MEAN) / IMAGENET_STD).expand(-1, 3, -1, -1)

    def forward(self, x_BCHW: torch.Tensor, features_BD: torch.Tensor | None) -> torch.Tensor:
        """All channels, weighed."""
        weighed: torch.Tensor = self.project(x_BCHW * on_map(self.gate(x_BCHW.mean((2, 3)), features_BD)))
        return weighed


class CrossAttention(nn.Module):
    """One set of channels asks, another answers; what comes out is the answer alone, with no bypass, then a feed-forward step."""

    def __init__(self, channels: int, heads: int, *, keep: int | None = None, expansion: float = GDFN_EXPANSION) -> None:
        super().__init__()
        self.keep = keep
        self.query_norm = LayerNorm2d(channels)
        self.key_norm = LayerNorm2d(channels)
        self.to_query = pointwise(channels, channels)
        self.query_local = depthwise(channels)
        self.to_key_value = pointwise(channels, 2 * channels)
        self.key_value_local = depthwise(2 * channels)
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.scale = nn.Parameter(torch.tensor(ATTENTION_SCALE))
        self.project = pointwise(channels, channels)
        self.feed_norm = LayerNorm2d(channels)
        self.feed = GDFN(channels, expansion)

    def forward(self, asking_BCHW: torch.Tensor, answering_BCHW: torch.Tensor) -> torch.Tensor:
        """Attention, then o + GDFN(norm(o))."""
        q = self.query_local(self.to_query(self.query_norm(asking_BCHW)))
        k, v = self.key_value_local(self.to_key_value(self.key_norm(answering_BCHW))).chunk(2, dim=1)
        answer_BCHW = self.project(self.scale * channel_attention(q, k, v, self.temperature, self.keep))
        fed: torch.Tensor = answer_BCHW + self.feed(self.feed_norm(answer_BCHW))
        return fed


class GuidedTCPM(nn.Module):
    """Text-guided channel gates on both cameras' features z = (a, b), then cross attention.

    Answers come from z * text, questions from z * text * attention: words change what is passed on, not only how it is mixed.
    """

    def __init__(self, channels: int, heads: int, text_dim: int, expansion: float = GDFN_EXPANSION) -> None:
        super().__init__()
        self.text = text_head(text_dim, 2 * channels)
        self.scores = squeeze_excite(2 * channels, nn.GELU(), bias=False)
        self.reduce = pointwise(2 * channels, channels, bias=True)
        self.attend = CrossAttention(channels, heads, expansion=expansion)

    def text_gate(self, pooled_PD: torch.Tensor) -> torch.Tensor:
        """What the text adds to a gate of 1: (P, 2C) in (-1, 1). The embedding's length does not matter, only its direction."""
        direction_PD = F.layer_norm(pooled_PD, pooled_PD.shape[-1:])
        return about_one(self.text(direction_PD)) - 1.0

    def forward(self, a_BCHW: torch.Tensor, b_BCHW: torch.Tensor, text_gate_BC: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) twice -> once. `text_gate_BC`: (B or 1, 2C), 0 for no text."""
        z_BCHW = torch.cat((a_BCHW, b_BCHW), dim=1)
        gate_BC = about_one(self.scores(z_BCHW.mean((2, 3))))
        told_BCHW = z_BCHW * on_map(1.0 + text_gate_BC)
        fused: torch.Tensor = self.attend(self.reduce(told_BCHW * on_map(gate_BC)), self.reduce(told_BCHW))
        return fused


class Entrance(nn.Module):
    """Pictures -> level 1 of both encoders: embed each camera, average, SCPM, split, GAM.

    `scpm` is a `GuidedSCPM` or a `PublishedSCPM`.
    """

    def __init__(self, channels: int, scpm: nn.Module, prior: SemanticPrior | None, channels_in: int = 1) -> None:
        super().__init__()
        self.embed_a = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.embed_b = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.prior = prior
        self.scpm: Any = scpm
        self.split = pointwise(channels, 2 * channels, bias=True)
        self.gam_a = GAM(channels)
        self.gam_b = GAM(channels)

    def forward(self, a_B1HW: torch.Tensor, b_B1HW: torch.Tensor, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, channels_in, H, W) twice -> (B, C, H, W) twice."""
        embedded_a, embedded_b = self.embed_a(a_B1HW), self.embed_b(b_B1HW)
        joint_BCHW = (embedded_a + embedded_b) / 2
        features_BD = state.get(FEATURES)
        if self.prior is not None and features_BD is None:
            features_BD = self.prior(self.scpm.picture(a_B1HW, b_B1HW, joint_BCHW))
        a_BCHW, b_BCHW = self.split(self.scpm(joint_BCHW, features_BD)).chunk(2, dim=1)
        return self.gam_a(a_BCHW, embedded_a), self.gam_b(b_BCHW, embedded_b)


class Encoder(nn.Module):
    """The transformer blocks of one camera, finest level first."""

    def __init__(self, channels: int, blocks: tuple[int, ...], heads: tuple[int, ...], expansion: float = GDFN_EXPANSION) -> None:
        super().__init__()
        self.levels = nn.ModuleList(stage(count, channels << i, heads[i], expansion) for i, count in enumerate(blocks))

    def forward(self, x_BCHW: torch.Tensor, downs: nn.ModuleList) -> list[torch.Tensor]:
        """(B, C, H, W) -> one map per level, each half as large as the one before. `downs` belong to both cameras."""
        maps = [self.levels[0](x_BCHW)]
        for down, level in zip(downs, list(self.levels)[1:], strict=True):
            maps.append(level(down(maps[-1])))
        return maps


def tempered(state: State, strength_P: torch.Tensor) -> State:
    """Gates and strengths times `strength_P`; orders and given features stay as they are."""
    return {
        name: tensor * strength_P[:, None].to(tensor) if name.startswith(("gate", "strength")) else tensor for name, tensor in state.items()
    }
