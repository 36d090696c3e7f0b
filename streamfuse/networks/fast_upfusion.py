"""UP-Fusion folded for inference under one prompt: exact to float32 rounding against `upfusion` and `upfusion_small`.

* Everything before level 1 of the encoders (two embeddings, their mean, SCPM, two 1x1 convolutions, GAM) is linear in the pictures once its
  channel statistics are known, and those are linear in nine shifted sums of each picture: it becomes one 3x3 convolution per camera, whose
  weights are made anew for each frame.
* TCPM's gates, or its ranking and the text's permutation, become columns of one matrix; the text's share of it is computed here, once.

    fast = fold(network, state)      # state of one prompt
    fused = fast(infrared, visible)
"""

import copy
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.errors import ConfigError
from streamfuse.networks.fast_blocks import (
    FastFeed,
    FoldedAttention,
    LocalConvs,
    Rows,
    Values,
    add_product,
    fast_stage,
    nchw,
    nhwc,
    shape_of,
    square_sums,
    sum_of,
)
from streamfuse.networks.fast_conv import FastConv
from streamfuse.networks.fast_front import FastFront
from streamfuse.networks.folding import one_prompt
from streamfuse.networks.network import State
from streamfuse.networks.restormer import padded
from streamfuse.networks.semantic import FEATURES
from streamfuse.networks.upfusion import MULTIPLE_PX, UpFusion
from streamfuse.networks.upfusion_parts import CrossAttention, Entrance, GuidedTCPM, about_one
from streamfuse.networks.upfusion_published import PublishedSCPM, PublishedTCPM
from streamfuse.networks.upfusion_small import STEM_PX, UpFusionSmall


def fold(network: nn.Module, state: State) -> "FastUpFusion":
    """`network` under the one prompt of `state`. Fold in float32, then cast: `fold(network, state).to(torch.bfloat16)`."""
    if not isinstance(network, UpFusion | UpFusionSmall):
        raise ConfigError(f"fold: wanted upfusion, got {type(network).__name__}; every network has its own fold, in fast_NAME.py")
    with torch.no_grad():
        return FastUpFusion(network, {name: tensor[None] for name, tensor in one_prompt(state).items()}).eval()


class FastEntrance(nn.Module):
    """Pictures -> level 1 of both encoders, by one 3x3 convolution each."""

    embeds_2Ck33: torch.Tensor
    mixed_2CK: torch.Tensor
    split_bias_2C: torch.Tensor

    def __init__(self, entrance: Entrance) -> None:
        super().__init__()
        self.prior = copy.deepcopy(entrance.prior)
        self.scpm: Any = copy.deepcopy(entrance.scpm)
        self.gams: Any = nn.ModuleList(copy.deepcopy(gam) for gam in (entrance.gam_a, entrance.gam_b))
        self.register_buffer("embeds_2Ck33", torch.stack((entrance.embed_a.weight, entrance.embed_b.weight)).detach())
        self.register_buffer("mixed_2CK", (entrance.split.weight.flatten(1) @ self.scpm.project.weight.flatten(1)).detach())
        self.register_buffer("split_bias_2C", bias_of(entrance.split).clone())

    def forward(self, a_BkHW: torch.Tensor, b_BkHW: torch.Tensor, features_BD: torch.Tensor | None) -> list[torch.Tensor]:
        """(B, k, H, W) twice -> [(B, H, W, C), (B, H, W, C)]."""
        means = [torch.einsum("ckyx,bkyx->bc", e, shifted_means(m)) for e, m in zip(self.embeds_2Ck33, (a_BkHW, b_BkHW), strict=True)]
        joint_C2k33 = self.embeds_2Ck33.transpose(0, 1).flatten(1, 2) / 2
        pictures = torch.cat((a_BkHW, b_BkHW), dim=1).contiguous(memory_format=torch.channels_last)
        if self.prior is not None and features_BD is None:
            features_BD = self.prior(self.picture(a_BkHW, b_BkHW, pictures, joint_C2k33))
        matrices_B2CC = self.matrices((means[0] + means[1]) / 2, features_BD).chunk(2, dim=1)
        outputs = []
        for gam, mean_BC, matrix_BCC, bias_C in zip(self.gams, means, matrices_B2CC, self.split_bias_2C.chunk(2), strict=True):
            scale_BC, shift_BC = gam.affine(mean_BC)
            kernels = scale_BC[..., None] * (matrix_BCC @ joint_C2k33.flatten(1))
            kernels_BC2k33 = kernels.view(-1, *joint_C2k33.shape)
            outputs.append(conv_each(pictures, kernels_BC2k33, scale_BC * bias_C + shift_BC))
        return outputs

    def picture(self, a_BkHW: torch.Tensor, b_BkHW: torch.Tensor, pictures: torch.Tensor, joint_C2k33: torch.Tensor) -> torch.Tensor:
        """What the semantic prior looks at, without the features that it is a mixture of."""
        if isinstance(self.scpm, PublishedSCPM):
            return F.conv2d(pictures, torch.einsum("pc,ckyx->pkyx", self.scpm.to_picture.weight.flatten(1), joint_C2k33), padding=1)
        picture_B3HW: torch.Tensor = self.scpm.picture(a_BkHW, b_BkHW, pictures)
        return picture_B3HW

    def matrices(self, mean_BC: torch.Tensor, features_BD: torch.Tensor | None) -> torch.Tensor:
        """SCPM, its projection and the split as one matrix per picture, (B, 2C, C)."""
        if isinstance(self.scpm, PublishedSCPM):
            return placed_columns(self.mixed_2CK[None], self.scpm.order(mean_BC, features_BD), mean_BC.shape[1])
        gate_BC: torch.Tensor = self.scpm.gate(mean_BC, features_BD)
        return self.mixed_2CK * gate_BC[:, None]


class FastTCPM(nn.Module):
    """TCPM under one prompt. Questions and answers are matrix products of both cameras' rows, made where they are used."""

    answer_12CC: torch.Tensor
    answer_bias_C: torch.Tensor
    question_1KC: torch.Tensor
    question_bias_C: torch.Tensor

    def __init__(self, tcpm: GuidedTCPM | PublishedTCPM, level: int, state: State) -> None:
        super().__init__()
        reduce_C2C, bias_C = tcpm.reduce.weight.flatten(1), bias_of(tcpm.reduce)
        answer, question, question_bias = reduce_C2C, reduce_C2C, bias_C
        self.ranked = isinstance(tcpm, PublishedTCPM)
        if isinstance(tcpm, PublishedTCPM):
            affine_2CC = torch.cat((tcpm.widen.weight.flatten(1), bias_of(tcpm.widen)[:, None]), dim=1)
            told = reduce_C2C @ torch.lerp(affine_2CC, affine_2CC[state[f"order_{level}"][0]], state["strength"][0])
            question, question_bias = told[:, :-1], told[:, -1] + bias_C
        else:
            answer = question = reduce_C2C * (1.0 + state[f"gate_{level}"])
        self.scores = copy.deepcopy(tcpm.scores)
        for name, tensor in (("answer_12CC", answer.t()[None]), ("question_1KC", question.t()[None])):
            self.register_buffer(name, tensor.detach().contiguous())
        self.register_buffer("answer_bias_C", bias_C.clone())
        self.register_buffer("question_bias_C", question_bias.detach().clone())
        self.attend = FastCross(tcpm.attend)

    def forward(self, a_BHWC: torch.Tensor, b_BHWC: torch.Tensor) -> torch.Tensor:
        """(B, H, W, C) twice -> once."""
        scores_BC = self.scores(torch.cat((a_BHWC.mean((1, 2)), b_BHWC.mean((1, 2))), dim=1))
        if self.ranked:
            order = scores_BC.topk(a_BHWC.shape[-1], dim=1).indices  # sigmoid would not change it
            question_B2CC = placed_columns(self.question_1KC.mT, order, scores_BC.shape[1]).mT
        else:
            question_B2CC = self.question_1KC * about_one(scores_BC)[..., None]
        asking = mixture(a_BHWC, b_BHWC, question_B2CC, self.question_bias_C)
        answering = mixture(a_BHWC, b_BHWC, self.answer_12CC, self.answer_bias_C)
        fused: torch.Tensor = self.attend(asking, answering, a_BHWC)
        return fused


class FastCross(nn.Module):
    """Cross attention, then o += GDFN(norm(o))."""

    def __init__(self, attend: CrossAttention) -> None:
        super().__init__()
        self.query = LocalConvs(attend.query_norm, [attend.to_query.weight.flatten(1)], [attend.query_local.weight])
        self.key_value = LocalConvs(attend.key_norm, [attend.to_key_value.weight.flatten(1)], [attend.key_value_local.weight])
        self.folded = FoldedAttention(attend.temperature, attend.scale * attend.project.weight.flatten(1), attend.keep)
        self.feed = FastFeed(attend.feed_norm, attend.feed)

    def forward(self, asking: Rows, answering: Rows, like_BHWC: torch.Tensor) -> torch.Tensor:
        """Rows of both sides, made when asked for -> (B, H, W, C)."""
        values, products, squares = Values(like_BHWC), [], []
        shape_BHW, rows = shape_of(like_BHWC), self.key_value.strip_rows(like_BHWC)
        strips = self.query.strips(asking, shape_BHW, rows), self.key_value.strips(answering, shape_BHW, rows)
        for (top, bottom, (q,)), (_, _, (key_value,)) in zip(*strips, strict=True):
            k, v = key_value.chunk(2, dim=-1)
            products.append(self.folded.product(q, k))
            squares.append(torch.cat((square_sums(q), square_sums(k)), dim=1))
            values.keep(top, bottom, v)
        squares_q, squares_k = sum_of(squares).chunk(2, dim=1)
        matrix_BCC = self.folded.matrix(sum_of(products), squares_q, squares_k)
        answer_BHWC = add_product(torch.zeros_like(like_BHWC), values.map_BHWC, matrix_BCC)
        fed: torch.Tensor = self.feed(answer_BHWC)
        return fed


class FastUpFusion(nn.Module):
    """Either size: (B, 1, H, W) pictures in [0, 1] -> fused luma, not clamped."""

    features_BD: torch.Tensor | None

    def __init__(self, network: UpFusion | UpFusionSmall, state: State) -> None:
        super().__init__()
        small = network if isinstance(network, UpFusionSmall) else None
        self.stem_px = 1 if small is None else STEM_PX
        self.front: Any = None if small is None else FastFront(small.front, state["dials"][0])
        self.blend: Any = None if small is None else copy.deepcopy(small.blend)
        self.entrance = FastEntrance(network.entrance)
        encoders = parts(network.encoder_a.levels), parts(network.encoder_b.levels)
        self.encoders: Any = nn.ModuleList(nn.ModuleList(fast_stage(level) for level in levels) for levels in encoders)
        self.downs: Any = nn.ModuleList(FastConv(conv, resample) for conv, resample in parts(network.downs))
        self.ups: Any = nn.ModuleList(FastConv(conv, resample) for conv, resample in parts(network.ups))
        self.tcpms: Any = nn.ModuleList(FastTCPM(tcpm, i, state) for i, tcpm in enumerate(parts(network.tcpms), 1))
        self.reduces: Any = nn.ModuleList(FastReduce(reduce) for reduce in parts(network.reduces))
        self.decoder: Any = nn.ModuleList(fast_stage(level) for level in parts(network.decoder))
        self.refinement = fast_stage(network.refinement) if isinstance(network, UpFusion) else nn.Identity()
        self.exit = FastConv(network.exit)
        self.register_buffer("features_BD", state.get(FEATURES))

    @torch.no_grad()
    def forward(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor, features_BD: torch.Tensor | None = None) -> torch.Tensor:
        """`features_BD`: given to stand in for the semantic prior; else those of the folded state; else the prior runs."""
        batch = len(infrared_B1HW)
        features_BD = self.features_BD if features_BD is None else features_BD
        if infrared_B1HW.device.type != "cpu" or batch == 1:
            return self.fused(infrared_B1HW, visible_B1HW, features_BD)
        features = [None] * batch if features_BD is None else features_BD.expand(batch, -1).chunk(batch)
        items = zip(infrared_B1HW.chunk(batch), visible_B1HW.chunk(batch), features, strict=True)
        return torch.cat([self.fused(*item) for item in items])  # one at a time stays in the cache

    def fused(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor, features_BD: torch.Tensor | None) -> torch.Tensor:
        """One picture on a CPU, any batch on an accelerator."""
        height, width = visible_B1HW.shape[-2:]
        if self.front is not None:
            infrared_B1HW, visible_B1HW = self.front(infrared_B1HW, visible_B1HW, {})
        a, b = (F.pixel_unshuffle(padded(picture, MULTIPLE_PX), self.stem_px) for picture in (visible_B1HW, infrared_B1HW))
        level = self.entrance(a, b, features_BD)
        joined = []
        for i, tcpm in enumerate(self.tcpms):
            level = [encoder[i](x if i == 0 else self.downs[i - 1](x)) for encoder, x in zip(self.encoders, level, strict=True)]
            joined.append(tcpm(*level))
        x_BHWC = joined.pop()
        for up, reduce, decode in reversed(list(zip(self.ups, self.reduces, self.decoder, strict=True))):
            x_BHWC = decode(reduce(up(x_BHWC), joined.pop()))
        exit_BKHW = nchw(self.exit(self.refinement(x_BHWC)))
        if self.blend is None:
            return exit_BKHW[..., :height, :width]
        fused: torch.Tensor = (
            self.blend.of_pictures(infrared_B1HW, visible_B1HW) + F.pixel_shuffle(exit_BKHW, self.stem_px)[..., :height, :width]
        )
        return fused


class FastReduce(nn.Module):
    """Two maps side by side, or their mixture by a 1x1 convolution without their ever being side by side."""

    weight_KC: torch.Tensor | None

    def __init__(self, reduce: nn.Module) -> None:
        super().__init__()
        weight = reduce.weight.flatten(1).t().contiguous().detach() if isinstance(reduce, nn.Conv2d) else None
        self.register_buffer("weight_KC", weight)

    def forward(self, x_BHWC: torch.Tensor, y_BHWC: torch.Tensor) -> torch.Tensor:
        """(B, H, W, C) twice -> (B, H, W, 2C), or as many as the convolution makes."""
        if self.weight_KC is None:
            return torch.cat((x_BHWC, y_BHWC), dim=-1)
        mixed = mixture(x_BHWC, y_BHWC, self.weight_KC[None], self.weight_KC.new_zeros(self.weight_KC.shape[1]))
        return mixed(0, x_BHWC.shape[1])


def bias_of(conv: nn.Conv2d) -> torch.Tensor:
    """The bias of a convolution that has one."""
    assert conv.bias is not None
    return conv.bias.detach()


def parts(modules: Any) -> list[Any]:
    """The modules of a list, whatever they are."""
    return list(modules)


def mixture(a_BHWC: torch.Tensor, b_BHWC: torch.Tensor, matrix_B2CK: torch.Tensor, bias_K: torch.Tensor) -> Rows:
    """Rows of (a, b) @ matrix + bias, made when asked for. `matrix`: one per picture, or one for all."""
    of_a, of_b = matrix_B2CK.chunk(2, dim=1)

    def read(top: int, bottom: int) -> torch.Tensor:
        rows = bias_K.expand(a_BHWC.shape[0], bottom - top, a_BHWC.shape[2], -1).contiguous()
        add_product(rows, a_BHWC[:, top:bottom], of_a)
        return add_product(rows, b_BHWC[:, top:bottom], of_b)

    return read


def placed_columns(matrix_1RK: torch.Tensor, index_BK: torch.Tensor, width: int) -> torch.Tensor:
    """A matrix per picture that is zero but for column `index[k]`, which is column k of `matrix`: (B, R, width)."""
    batch, rows = len(index_BK), matrix_1RK.shape[1]
    empty_BRW = matrix_1RK.new_zeros(batch, rows, width)
    return empty_BRW.scatter(2, index_BK[:, None].expand(-1, rows, -1), matrix_1RK.expand(batch, -1, -1))


def shifted_means(picture_BkHW: torch.Tensor) -> torch.Tensor:
    """Mean over the picture of what each tap of a zero-padded 3x3 convolution sees: (B, k, 3, 3)."""
    height, width = picture_BkHW.shape[-2:]
    edged = F.pad(picture_BkHW, (1, 1, 1, 1))
    rows = [torch.stack([edged[..., y : y + height, x : x + width].mean((2, 3)) for x in range(3)], dim=-1) for y in range(3)]
    return torch.stack(rows, dim=-2)


def conv_each(pictures: torch.Tensor, kernels_BCk33: torch.Tensor, bias_BC: torch.Tensor) -> torch.Tensor:
    """A 3x3 convolution with a kernel and a bias of its own for each picture: (B, k, H, W) -> (B, H, W, C)."""
    each = zip(pictures.chunk(len(pictures)), kernels_BCk33, bias_BC, strict=True)
    maps = [F.conv2d(picture, kernel.contiguous(memory_format=torch.channels_last), bias, padding=1) for picture, kernel, bias in each]
    return nhwc(torch.cat(maps) if len(maps) > 1 else maps[0])
