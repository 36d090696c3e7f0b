"""nano with one prompt folded into its kernels; the same pictures to 1e-4, without a trace of words per frame.

Dials scale and shift what comes out of a layer, before its ReLU: y = (1 + s) (W x + b) + t is the layer with W' = (1 + s) W and
b' = (1 + s) b + t. The fold goes backward, so the zeros around the picture stay zeros and nothing is approximated at the edges. The
tones of the prompt go into the bias of the context. What the picture itself says (`Context`) changes with every frame and is not folded.
"""

from copy import deepcopy
from typing import TypeVar

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.dials import LUMA_DIALS
from streamfuse.networks.folding import one_prompt
from streamfuse.networks.nano import EDGE, MAPS, TONES, Nano, compose, divided, exposed, film, whole_cells
from streamfuse.networks.network import State

Layer = TypeVar("Layer", nn.Conv2d, nn.Linear)


class FastNano(nn.Module):
    """One prompt, any pictures. Not differentiable."""

    def __init__(self, network: Nano, prompt: State) -> None:
        super().__init__()
        scale, shift = prompt["scale"], prompt["shift"]
        self.blur = network.blur.clone()
        self.stripes_in = _folded(network.destripe.enter, scale[0], shift[0])
        self.stripes_out = deepcopy(network.destripe.leave)
        self.exposure = deepcopy(network.exposure)
        self.exposure.leave = _dialled(network.exposure.leave, prompt["dials"][LUMA_DIALS])
        self.stem = _folded(network.stem, scale[1], shift[1])
        self.context_in = _folded(network.context.enter, scale[2], shift[2])
        self.context_out = deepcopy(network.context.leave)
        self.context_out.bias.data[-TONES:] += prompt["tones"]
        self.body = nn.ModuleList(_folded(layer, s, t) for layer, s, t in zip(_convs(network.body), scale[3:], shift[3:], strict=True))
        self.maps = _folded(network.maps, prompt["maps_scale"], prompt["maps_shift"])
        self.requires_grad_(requires_grad=False).to(memory_format=torch.channels_last)

    def forward(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W) both and fused. Weights in bf16 or fp16 with pictures in fp32 are welcome, as in `Nano`."""
        height, width = infrared_B1HW.shape[2:]
        dtype, channels = self.stem.weight.dtype, self.stem.out_channels
        infrared, visible = whole_cells(infrared_B1HW), whole_cells(visible_B1HW)
        columns_B11W = infrared.mean(2, keepdim=True).to(dtype)
        infrared = infrared - self.stripes_out(self.stripes_in(columns_B11W).relu_()).to(infrared.dtype)
        a, b = divided(infrared, self.blur), divided(visible, self.blur)
        a, b = exposed(a, b, self.exposure.leave(self.exposure.seen(a, b)))
        x = torch.cat([a.base + a.detail, b.base + b.detail], 1).to(dtype=dtype, memory_format=torch.channels_last)
        x = self.stem(x).relu_()
        said_BK = self.context_out(self.context_in(x.mean((2, 3))).relu_())
        scale_BC, shift_BC, tones_B5 = said_BK.split([channels, channels, TONES], 1)
        for index, layer in enumerate(self.body):
            x = layer(x)
            x = (film(x, scale_BC, shift_BC) if index == 0 else x).relu_()
        keep_a, keep_b, residual = self.maps(x).chunk(MAPS, 1)
        fused = compose(a.kept(keep_a), b.kept(keep_b), tones_B5) + residual.to(a.base.dtype)
        return F.pixel_shuffle(fused, EDGE)[..., :height, :width]


def fold(network: Nano, state: State) -> FastNano:
    """`network` under the one prompt of `state`; shares nothing with it."""
    return FastNano(network, one_prompt(state))


def _folded(layer: Layer, scale_C: torch.Tensor, shift_C: torch.Tensor) -> Layer:
    folded = deepcopy(layer)
    gain_C = 1 + scale_C.to(layer.weight)
    assert layer.bias is not None  # every layer under dials has one
    folded.weight.data = layer.weight.detach() * gain_C.reshape(-1, *[1] * (layer.weight.ndim - 1))
    assert folded.bias is not None
    folded.bias.data = layer.bias.detach() * gain_C + shift_C.to(layer.bias)
    return folded


def _dialled(layer: nn.Conv2d, dials_N: torch.Tensor) -> nn.Conv2d:
    """What gives numbers for each dial, as what gives their sum under these dials."""
    dials = dials_N.to(layer.weight)
    summed = nn.Conv2d(layer.in_channels, layer.out_channels // len(dials), 3, padding=1)
    summed.weight.data = (layer.weight.detach().reshape(-1, len(dials), *layer.weight.shape[1:]) * dials[None, :, None, None, None]).sum(1)
    assert layer.bias is not None  # it has one
    assert summed.bias is not None
    summed.bias.data = (layer.bias.detach().view(-1, len(dials)) * dials).sum(1)
    return summed


def _convs(layers: nn.ModuleList) -> list[nn.Conv2d]:
    return [layer for layer in layers if isinstance(layer, nn.Conv2d)]
