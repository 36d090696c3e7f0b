"""Text-to-Pixels with one prompt folded into its kernels; the same pictures to 1e-4, with fewer passes over memory.

* Fusion: FiLM goes into the joint 1x1 convolution, and F = J + m W_i F_ir + (1 - m) W_v F_vi = (J + W_v F_vi) + m (W_i F_ir - W_v F_vi) is
  one convolution of both cameras for the two brackets, and one row more for the mask: <look, J> is linear in them as well.
* Codebook: the convolution behind it is applied to the codes, which leaves a table with one row of C channels per code.
* Maps are channels-last throughout.
"""

from copy import deepcopy
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.fast_front import FastFront
from streamfuse.networks.folding import one_prompt
from streamfuse.networks.network import State
from streamfuse.networks.textpixels import TextPixels
from streamfuse.networks.textpixels_parts import NORM_EPS, CodePrior, TextGuidedFusion, Unit, doubled


class FastTextPixels(nn.Module):
    """One prompt, any pictures. Not differentiable."""

    def __init__(self, folded: TextPixels) -> None:
        super().__init__()
        self.folded = folded

    def forward(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor) -> torch.Tensor:
        """Luma (B, 1, H, W), all three."""
        fused: torch.Tensor = self.folded(infrared_B1HW, visible_B1HW, {})
        return fused


class FastUnit(nn.Module):
    """A residual unit that adds and clips in place."""

    def __init__(self, unit: Unit) -> None:
        super().__init__()
        self.body = unit.body

    def forward(self, x_BChw: torch.Tensor) -> torch.Tensor:
        """As before; a new map."""
        summed: torch.Tensor = self.body(x_BChw)
        return summed.add_(x_BChw).relu_()


class FoldedFusion(nn.Module):
    """Stands where `TextGuidedFusion` stood, and needs no state."""

    from_infrared_CK: torch.Tensor
    from_visible_CK: torch.Tensor
    bias_K: torch.Tensor
    lean_C: torch.Tensor

    def __init__(self, fusion: TextGuidedFusion, state: State) -> None:
        super().__init__()
        look_C, lean_C, scale_C, shift_C = (state[f"{part}_{fusion.level}"] for part in ("look", "lean", "scale", "shift"))
        joint_C2C = (1.0 + scale_C)[:, None] * fusion.joint.weight.flatten(1)
        bias = fusion.joint.bias
        assert bias is not None
        bias_C = (1.0 + scale_C) * bias + shift_C
        look_C = fusion.look + look_C
        infrared_CC, visible_CC = (take.weight.flatten(1) for take in (fusion.take_infrared, fusion.take_visible))
        none_CC = torch.zeros_like(visible_CC)
        ground = joint_C2C + torch.cat((none_CC, visible_CC), dim=1)
        lead = torch.cat((infrared_CC, -visible_CC), dim=1)
        weight_K2C = torch.cat((ground, lead, (look_C @ joint_C2C)[None]))
        for name, half in zip(("from_infrared_CK", "from_visible_CK"), weight_K2C.chunk(2, dim=1), strict=True):
            self.register_buffer(name, half.t().contiguous().detach())
        self.register_buffer("bias_K", torch.cat((bias_C, torch.zeros_like(bias_C), (look_C @ bias_C)[None])).detach())
        self.register_buffer("lean_C", (fusion.lean + lean_C).detach())

    def forward(self, infrared_BChw: torch.Tensor, visible_BChw: torch.Tensor, state: State) -> torch.Tensor:
        """As before."""
        infrared_BhwC, visible_BhwC = infrared_BChw.permute(0, 2, 3, 1), visible_BChw.permute(0, 2, 3, 1)
        channels = infrared_BhwC.shape[-1]
        both_MK = torch.addmm(self.bias_K, infrared_BhwC.flatten(0, 2), self.from_infrared_CK)
        both_MK.addmm_(visible_BhwC.flatten(0, 2), self.from_visible_CK)
        ground_MC, lead_MC, seen_M1 = both_MK.tensor_split((channels, 2 * channels), dim=1)
        mask_MC = (seen_M1 + self.lean_C).sigmoid_()
        return torch.addcmul(ground_MC, mask_MC, lead_MC).view_as(infrared_BhwC).permute(0, 3, 1, 2)


class FoldedPrior(nn.Module):
    """Stands where `CodePrior` stood."""

    keys_KD: torch.Tensor
    bias_K: torch.Tensor
    table_KC: torch.Tensor

    def __init__(self, prior: CodePrior) -> None:
        super().__init__()
        self.shrink = prior.shrink
        keys_KD, bias_K = prior.codebook.scoring()
        table_KC = F.linear(prior.codebook.codes_KD, prior.expand.weight.flatten(1), prior.expand.bias)
        for name, tensor in (("keys_KD", keys_KD), ("bias_K", bias_K), ("table_KC", table_KC)):
            self.register_buffer(name, tensor.detach())

    def vectors(self, fused_BChw: torch.Tensor) -> torch.Tensor:
        """As before."""
        z_BhwD = self.shrink(fused_BChw).permute(0, 2, 3, 1)
        return F.layer_norm(z_BhwD, z_BhwD.shape[-1:], eps=NORM_EPS).permute(0, 3, 1, 2)

    def forward(self, z_BDhw: torch.Tensor) -> torch.Tensor:
        """As before."""
        weights_BhwK = F.linear(z_BDhw.permute(0, 2, 3, 1), self.keys_KD, self.bias_K).softmax(dim=-1)
        return doubled((weights_BhwK @ self.table_KC).permute(0, 3, 1, 2))


def fold(network: TextPixels, state: State) -> FastTextPixels:
    """`network` under the one prompt of `state`; shares nothing with it."""
    prompt = one_prompt(state)
    folded = deepcopy(network).requires_grad_(requires_grad=False).to(memory_format=torch.channels_last)
    parts: Any = folded
    for i, fusion in enumerate(parts.fusions):
        parts.fusions[i] = FoldedFusion(fusion, prompt)
    for extractor in (parts.infrared, parts.visible):
        for i, unit in enumerate(extractor.units):
            extractor.units[i] = FastUnit(unit)
    parts.prior = FoldedPrior(parts.prior)
    if isinstance(network, DialledNetwork):
        parts.front = FastFront(network.front, prompt["dials"])
    return FastTextPixels(folded)
