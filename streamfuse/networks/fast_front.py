"""What the dials do to both pictures, with one prompt folded into the kernels."""

from copy import deepcopy

import torch
from torch import nn

from streamfuse.networks.exposure import coarse, exposed
from streamfuse.networks.film import folded
from streamfuse.networks.front import EXPOSING, FINE, Front, pictures, refined, without
from streamfuse.networks.layers import Layers, divided, whole_cells
from streamfuse.networks.network import State


class FastFront(nn.Module):
    """Stands where `Front` stood, and needs no state. Weights in bf16 or fp16 with pictures in fp32 are welcome."""

    between: torch.Tensor
    fine_4: torch.Tensor
    exposing_1D: torch.Tensor

    def __init__(self, front: Front, dials_N: torch.Tensor) -> None:
        super().__init__()
        dials_1M = front.luma(dials_N[None])
        scale_C, shift_C = front.film(dials_1M)[0].chunk(2)
        self.register_buffer("between", front.between.clone(), persistent=False)
        self.stripes_in = folded(front.destripe.enter, scale_C, shift_C)
        self.stripes_out = deepcopy(front.destripe.leave)
        self.fineness = deepcopy(front.fineness)
        self.register_buffer("fine_4", dials_1M[0, FINE].clone(), persistent=False)
        self.register_buffer("exposing_1D", dials_1M[:, EXPOSING].clone(), persistent=False)
        self.exposure = deepcopy(front.exposure)

    def layers(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor) -> tuple[Layers, Layers]:
        """See `Front.layers`."""
        infrared, visible = whole_cells(infrared_B1HW), whole_cells(visible_B1HW)
        columns_B11W = infrared.mean(2, keepdim=True).to(self.stripes_in.weight.dtype)
        infrared = without(infrared, self.stripes_out(self.stripes_in(columns_B11W).relu_()).to(infrared.dtype))
        a, b = divided(infrared, self.between), divided(visible, self.between)
        a, b = refined(self.fineness, a, b, self.fine_4[:, None])
        return exposed(a, b, self.exposure(coarse(a, b), self.exposing_1D))

    def forward(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Front.forward`."""
        return pictures(self.layers(infrared_B1HW, visible_B1HW), self.between, infrared_B1HW)
