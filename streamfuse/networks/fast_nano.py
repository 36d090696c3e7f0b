"""nano with one prompt folded into its kernels; the same pictures to 1e-4, without a trace of words per frame.

Dials scale and shift what comes out of a layer, before its nonlinearity: y = (1 + s) (W x + b) + t is the layer with W' = (1 + s) W and
b' = (1 + s) b + t. The fold goes backward, so the zeros around the picture stay zeros and nothing is approximated at the edges. The
tones of the prompt go into the bias of the context. What the picture itself says (`Context`) changes with every frame and is not folded.
"""

from copy import deepcopy

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.fast_front import FastFront
from streamfuse.networks.film import film, folded
from streamfuse.networks.folding import one_prompt
from streamfuse.networks.layers import EDGE
from streamfuse.networks.nano import LEAK, MAPS, TONES, Nano, toned
from streamfuse.networks.network import State


class FastNano(nn.Module):
    """One prompt, any pictures. Not differentiable."""

    def __init__(self, network: Nano, prompt: State) -> None:
        super().__init__()
        scale, shift = prompt["scale"], prompt["shift"]
        self.front = FastFront(network.front, prompt["dials"])
        self.blend = deepcopy(network.blend)
        self.stem = folded(network.stem, scale[0], shift[0])
        self.context_in = folded(network.context.enter, scale[1], shift[1])
        self.context_out = deepcopy(network.context.leave)
        self.context_out.bias.data[-TONES:] += prompt["tones"]
        self.body = nn.ModuleList(folded(layer, s, t) for layer, s, t in zip(_convs(network.body), scale[2:], shift[2:], strict=True))
        self.maps = folded(network.maps, prompt["maps_scale"], prompt["maps_shift"])
        self.requires_grad_(requires_grad=False).to(memory_format=torch.channels_last)

    def forward(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W) both and fused. Weights in bf16 or fp16 with pictures in fp32 are welcome, as in `Nano`."""
        height, width = infrared_B1HW.shape[2:]
        dtype, channels = self.stem.weight.dtype, self.stem.out_channels
        a, b = self.front.layers(infrared_B1HW, visible_B1HW)
        x = torch.cat([layers.picture(self.front.between) for layers in (a, b)], 1).to(dtype=dtype, memory_format=torch.channels_last)
        x = F.leaky_relu_(self.stem(x), LEAK)
        said_BK = self.context_out(F.leaky_relu_(self.context_in(x.mean((2, 3))), LEAK))
        scale_BC, shift_BC, tones_B5 = said_BK.split([channels, channels, TONES], 1)
        for index, layer in enumerate(self.body):
            x = layer(x)
            x = F.leaky_relu_(film(x, scale_BC, shift_BC) if index == 0 else x, LEAK)
        keep_a, keep_b, residual = self.maps(x).chunk(MAPS, 1)
        fused = self.blend(*toned(a.kept(keep_a), b.kept(keep_b), tones_B5)) + residual.to(a.base.dtype)
        return F.pixel_shuffle(fused, EDGE)[..., :height, :width]


def fold(network: Nano, state: State) -> FastNano:
    """`network` under the one prompt of `state`; shares nothing with it."""
    return FastNano(network, one_prompt(state))


def _convs(layers: nn.ModuleList) -> list[nn.Conv2d]:
    return [layer for layer in layers if isinstance(layer, nn.Conv2d)]
