"""SCPM and TCPM as UP-Fusion published them: channels are ranked and sorted, so no gradient reaches what ranks them.

Kept for fidelity. The text selects a permutation of channels that the rest of the network has to have been trained with: another
prompt than that of the training scrambles them. `upfusion_parts` has the form in which words act.
"""

import torch
from torch import nn

from streamfuse.networks.restormer import pointwise
from streamfuse.networks.semantic import PUBLISHED_WIDTH
from streamfuse.networks.upfusion_parts import CrossAttention, squeeze_excite, text_head

KEPT_CHANNELS = 0.7  # of SCPM's
KEPT_WEIGHTS = 0.9  # of each row of TCPM's attention


class PublishedSCPM(nn.Module):
    """The `kept` best channels, best first, back to C by a 1x1 convolution; the scores themselves are thrown away."""

    def __init__(self, channels: int, semantic_width: int | None) -> None:
        super().__init__()
        self.kept = int(KEPT_CHANNELS * channels)
        self.scores = squeeze_excite(channels, nn.ReLU(), bias=True)
        self.to_picture = pointwise(channels, 3)
        self.semantic_scores = nn.Linear(semantic_width or PUBLISHED_WIDTH, channels)
        self.alpha = nn.Parameter(torch.ones(()))
        self.project = pointwise(self.kept, channels)

    def order(self, mean_BC: torch.Tensor, features_BD: torch.Tensor | None) -> torch.Tensor:
        """Indices of the kept channels, best first: (B, kept). Without a prior its features count as zeros."""
        semantic_BC = self.semantic_scores.bias if features_BD is None else self.semantic_scores(features_BD)
        scores_BC = torch.sigmoid(self.scores(mean_BC)) + self.alpha * torch.sigmoid(semantic_BC)
        return scores_BC.topk(self.kept, dim=1).indices

    def picture(self, a_B1HW: torch.Tensor, b_B1HW: torch.Tensor, joint_BCHW: torch.Tensor) -> torch.Tensor:
        """What the semantic prior looks at: three mixtures of the features, not standardised."""
        mixtures_B3HW: torch.Tensor = self.to_picture(joint_BCHW)
        return mixtures_B3HW

    def forward(self, x_BCHW: torch.Tensor, features_BD: torch.Tensor | None) -> torch.Tensor:
        """Rank, gather, project."""
        projected: torch.Tensor = self.project(gather_channels(x_BCHW, self.order(x_BCHW.mean((2, 3)), features_BD)))
        return projected


class PublishedTCPM(nn.Module):
    """Half of the 2C channels by rank, widened again, permuted by the text; then cross attention."""

    def __init__(self, channels: int, heads: int, text_dim: int) -> None:
        super().__init__()
        self.channels = channels
        self.text = text_head(text_dim, 2 * channels)
        self.scores = squeeze_excite(2 * channels, nn.ReLU(), bias=False)
        self.widen = pointwise(channels, 2 * channels, bias=True)
        self.reduce = pointwise(2 * channels, channels, bias=True)
        self.attend = CrossAttention(channels, heads, keep=int(KEPT_WEIGHTS * channels / heads))

    def text_order(self, pooled_PD: torch.Tensor) -> torch.Tensor:
        """The permutation that a text stands for: (P, 2C) indices."""
        ranks_PC: torch.Tensor = self.text(pooled_PD)
        return ranks_PC.argsort(dim=1, descending=True)

    def order(self, mean_BC: torch.Tensor) -> torch.Tensor:
        """Indices of the C best of the 2C channels, best first: (B, C)."""
        return torch.sigmoid(self.scores(mean_BC)).topk(self.channels, dim=1).indices

    def forward(self, a_BCHW: torch.Tensor, b_BCHW: torch.Tensor, order_BC: torch.Tensor, strength_B1: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) twice -> once. `order_BC`: (B or 1, 2C) indices; strength 0 is the order as it was, 1 the text's."""
        z_BCHW = torch.cat((a_BCHW, b_BCHW), dim=1)
        wide_BCHW = self.widen(gather_channels(z_BCHW, self.order(z_BCHW.mean((2, 3)))))
        told_BCHW = torch.lerp(wide_BCHW, gather_channels(wide_BCHW, order_BC), strength_B1[:, :, None, None])
        fused: torch.Tensor = self.attend(self.reduce(told_BCHW), self.reduce(z_BCHW))
        return fused


def gather_channels(x_BCHW: torch.Tensor, index_BK: torch.Tensor) -> torch.Tensor:
    """Each item's own channels, in its own order: (B, C, H, W) and (B or 1, K) -> (B, K, H, W)."""
    batch, _, height, width = x_BCHW.shape
    return x_BCHW.gather(1, index_BK[:, :, None, None].expand(batch, -1, height, width))
