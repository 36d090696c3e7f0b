"""What all fusion networks have in common: text goes in once per prompt, pixels once per frame."""

from abc import ABC, abstractmethod
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import nn

TOKENS = 32
"""Length that token sequences are padded or cut to, so that every state has one shape."""

State: TypeAlias = dict[str, torch.Tensor]
"""All of a network that depends on text alone, by name. Leading axis: P prompts, or B items once gathered, or 1 for all items."""


class Embeddings(NamedTuple):
    """Of P prompts, of L tokens and D numbers."""

    pooled_PD: torch.Tensor
    tokens_PLD: torch.Tensor
    mask_PL: torch.Tensor
    """1 for real tokens."""


class FusionNetwork(nn.Module, ABC):
    """Legend: B batch, P prompts, L tokens, D width of the embedding, C channels of the picture, H W pixels."""

    name: str
    size: Literal["base", "small"]
    text: Literal["guided", "published"]
    text_dim: int
    colour: Literal["luma", "rgb"]
    """What `visible` is and what comes out: (B, 1, H, W) BT.601 luma, or (B, 3, H, W) RGB; in [0, 1]."""

    @abstractmethod
    def encode_text(self, pooled_PD: torch.Tensor, tokens_PLD: torch.Tensor, mask_PL: torch.Tensor) -> State:
        """Embeddings -> state, differentiable. `mask_PL` is 1 for real tokens."""

    @abstractmethod
    def temper(self, state: State, strength_P: torch.Tensor) -> State:
        """The state with its effect scaled: strength 0 is the network without words, 1 the whole effect; monotone in between."""

    @abstractmethod
    def forward(self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, state: State) -> torch.Tensor:
        """Pictures in [0, 1], any size from 64x64 on -> the fused picture, same size, not clamped."""


def gathered(state: State, index_B: torch.Tensor) -> State:
    """The states of a batch: item i gets prompt `index_B[i]`."""
    return {name: tensor[index_B] for name, tensor in state.items()}
