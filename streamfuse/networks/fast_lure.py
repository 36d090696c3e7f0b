"""LURE with one prompt folded into its kernels; the same pictures to 1e-4, with less arithmetic and fewer passes over memory.

* Text-guided attention: keys, bias and gated values become two constant 1x1 convolutions, no wider than the prompt has words.
* Inner residuals: v + local(v) is one depthwise convolution; the way around the gate shares the strip that the gate works on.
* The blocks themselves: see `fast_blocks`. Maps are channels-last throughout.
"""

from copy import deepcopy
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.fast_blocks import FastAttention, FastFeed, nchw, nhwc, rows_of, shape_of
from streamfuse.networks.fast_front import FastFront
from streamfuse.networks.folding import one_prompt
from streamfuse.networks.lure import Latents, Lure
from streamfuse.networks.lure_parts import MASKED, Camera, InnerBlock, InnerGDFN
from streamfuse.networks.network import State
from streamfuse.networks.restormer import LAYER_NORM_EPS, LayerNorm2d


class FastLure(nn.Module):
    """One prompt, any pictures. Not differentiable. Latents hold a prompt too: after a swap of prompts encode both cameras anew."""

    def __init__(self, folded: Lure) -> None:
        super().__init__()
        self.folded = folded

    def forward(self, infrared_B1HW: torch.Tensor, visible_B3HW: torch.Tensor) -> torch.Tensor:
        """Infrared (B, 1, H, W), visible and fused (B, 3, H, W)."""
        fused: torch.Tensor = self.folded(infrared_B1HW, visible_B3HW, {})
        return fused

    def encode(self, image_B3HW: torch.Tensor, spectrum: Camera) -> Latents:
        """See `Lure.encode`."""
        return self.folded.encode(image_B3HW, spectrum, {})

    def fuse_latents(self, infrared: Latents, visible: Latents) -> torch.Tensor:
        """See `Lure.fuse_latents`."""
        return self.folded.fuse_latents(infrared, visible, {})


class FoldedTGA(nn.Module):
    """Stands where `TextGuidedAttention` stood, and needs no state."""

    keys_LC: torch.Tensor
    bias_SL: torch.Tensor
    values_SLC: torch.Tensor

    def __init__(self, place: str, state: State) -> None:
        super().__init__()
        bias_SL = state[f"{place}_bias"]
        real = (bias_SL > MASKED / 2).all(dim=0).nonzero().flatten()
        self.register_buffer("keys_LC", state[f"{place}_keys"][real].clone())
        self.register_buffer("bias_SL", bias_SL[:, real].clone())
        self.register_buffer("values_SLC", state[f"{place}_values"][..., real].transpose(1, 2).contiguous())

    def forward(self, x_BCHW: torch.Tensor, state: State, source: int = 0) -> torch.Tensor:
        """`x` under the prompt; a new map."""
        x_BHWC = nhwc(x_BCHW)
        normal_BHWC = F.layer_norm(x_BHWC, x_BHWC.shape[-1:], eps=LAYER_NORM_EPS)
        weights_BHWL = F.linear(normal_BHWC, self.keys_LC, self.bias_SL[source]).softmax(dim=-1)
        said_MC = torch.addmm(x_BHWC.flatten(0, 2), weights_BHWL.flatten(0, 2), self.values_SLC[source])
        return nchw(said_MC.view_as(x_BHWC))


class FastJoin(nn.Module):
    """Two maps mixed without being laid side by side first."""

    first_CK: torch.Tensor
    second_CK: torch.Tensor

    def __init__(self, mix: nn.Conv2d) -> None:
        super().__init__()
        for name, half in zip(("first_CK", "second_CK"), mix.weight.flatten(1).chunk(2, dim=1), strict=True):
            self.register_buffer(name, half.t().contiguous().detach())

    def forward(self, a_BCHW: torch.Tensor, b_BCHW: torch.Tensor) -> torch.Tensor:
        """As before; a new map."""
        a_BHWC, b_BHWC = nhwc(a_BCHW), nhwc(b_BCHW)
        mixed_MK = (a_BHWC.flatten(0, 2) @ self.first_CK).addmm_(b_BHWC.flatten(0, 2), self.second_CK)
        return nchw(mixed_MK.view(*a_BHWC.shape[:3], -1))


class FastPointwise(nn.Module):
    """A 1x1 convolution without bias that keeps maps channels-last whatever the number of threads."""

    weight_KC: torch.Tensor

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.register_buffer("weight_KC", conv.weight.flatten(1).detach().clone())

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """As before; a new map."""
        return nchw(F.linear(nhwc(x_BCHW), self.weight_KC))


class FastInnerFeed(FastFeed):
    """x += InnerGDFN(norm(x)), in place."""

    bypass_CC: torch.Tensor

    def __init__(self, norm: LayerNorm2d, feed: InnerGDFN) -> None:
        super().__init__(norm, feed)
        self.register_buffer("bypass_CC", feed.bypass.weight.flatten(1).t().contiguous().detach())

    def forward(self, x_BHWC: torch.Tensor) -> torch.Tensor:
        """Return `x`, changed."""
        for top, bottom, (a, b) in self.convs.strips(rows_of(x_BHWC), shape_of(x_BHWC)):
            rows_BHWC = x_BHWC[:, top:bottom]
            rows_MC = rows_BHWC.view(-1, x_BHWC.shape[-1])
            normal_MC = self.convs.normalised(rows_BHWC).flatten(0, 2)
            gated = torch.ops.aten.gelu_(a).mul_(b)
            rows_MC.addmm_(normal_MC, self.bypass_CC).addmm_(gated.flatten(0, 2), self.project_KC)
        return x_BHWC


class FastInnerStage(nn.Module):
    """Inner blocks, in place on (B, H, W, C) between."""

    def __init__(self, blocks: nn.Sequential) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(part for block in blocks for part in _halves(block)))

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        """`x` may be changed: nobody else reads what comes into a stage."""
        return nchw(self.blocks(nhwc(x_BCHW)))


def fold(network: Lure, state: State) -> FastLure:
    """`network` under the one prompt of `state`; shares nothing with it."""
    prompt = one_prompt(state)
    folded = deepcopy(network).requires_grad_(requires_grad=False).to(memory_format=torch.channels_last)
    parts: Any = folded
    for tgas in (parts.encoder_tgas, parts.decoder_tgas):
        for i, tga in enumerate(tgas):
            tgas[i] = FoldedTGA(tga.place, prompt)
    for stages in (parts.encoder, parts.decoder):
        for i, blocks in enumerate(stages):
            stages[i] = FastInnerStage(blocks)
    for meeting in parts.meetings:
        meeting.join, meeting.blocks = FastJoin(meeting.join.mix), FastInnerStage(meeting.blocks)
    for i, join in enumerate(parts.joins):
        parts.joins[i] = join if isinstance(join.mix, nn.Identity) else FastJoin(join.mix)
    for up in parts.ups:
        up[0] = FastPointwise(up[0]) if up[0].kernel_size == (1, 1) else up[0]
    parts.refinement = FastInnerStage(parts.refinement)
    if isinstance(network, DialledNetwork):
        parts.front = FastFront(network.front, prompt["dials"])
    return FastLure(folded)


def _halves(block: Any) -> tuple[FastAttention, FastInnerFeed]:
    """Both halves of an inner block; the bypass of its values goes into the centres of their depthwise kernels."""
    assert isinstance(block, InnerBlock)
    plain = deepcopy(block)
    values = plain.attention.local.weight.detach()[-plain.attention.project.in_channels :]
    values[:, 0, 1, 1] += 1.0
    assert isinstance(plain.feed, InnerGDFN)
    return FastAttention(plain), FastInnerFeed(plain.feed_norm, plain.feed)
