"""FiLM: what words or pictures say, as a scale and a shift of each channel (Perez et al. 2018).

Legend: B batch, P prompts, M dials that luma reads, C channels, h w cells.
"""

from copy import deepcopy
from typing import TypeVar

import torch
from torch import nn

from streamfuse.networks.dials import LUMA_DIALS

FRESH_DIALS = 0.1
"""Spread of what dials do in a fresh network."""

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


def film(x_BChw: torch.Tensor, scale_BC: torch.Tensor, shift_BC: torch.Tensor) -> torch.Tensor:
    """Each channel scaled by 1 + scale, and shifted."""
    return x_BChw * (1 + scale_BC[:, :, None, None]) + shift_BC[:, :, None, None]


def dial_layer(width: int) -> nn.Linear:
    """Dials (P, M) -> (P, `width`), linear and without bias: at 0 nothing, at twice the dials twice as much."""
    layer = nn.Linear(len(LUMA_DIALS), width, bias=False)
    nn.init.normal_(layer.weight, std=FRESH_DIALS)
    return layer


def folded(layer: Layer, scale_C: torch.Tensor, shift_C: torch.Tensor) -> Layer:
    """A layer with the `film` after it in its weights."""
    own = deepcopy(layer)
    gain_C = 1 + scale_C.to(layer.weight)
    assert layer.bias is not None  # every layer under dials has one
    own.weight.data = layer.weight.detach() * gain_C.reshape(-1, *[1] * (layer.weight.ndim - 1))
    assert own.bias is not None
    own.bias.data = layer.bias.detach() * gain_C + shift_C.to(layer.bias)
    return own
