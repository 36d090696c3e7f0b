"""Restormer's blocks folded for inference: the arithmetic of `restormer`, with less of it, in an order that suits a processor.

* Maps are (B, H, W, C), contiguous: a 1x1 convolution is one matrix product, and a layer norm runs along memory.
* Attention is folded into its projection: out = v (W_o A)^T, so that the attended values never exist.
* On a CPU the wide maps inside a block exist for a few rows at a time, small enough for its cache; residuals are added in place.

Legend: B batch, H W pixels, N = H * W, C channels, K channels of a widened map, h heads. Nothing here is differentiable.
A strip is a range of rows; with more than one picture in a batch, or on an accelerator, it is the whole picture.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.restormer import GDFN, LAYER_NORM_EPS, LayerNorm2d, TransformerBlock

STRIP_BYTES = 2 << 20
"""Of one widened map, per thread: of 0.5 to 8 MiB the best on cores with 1 MiB of second-level cache; with 2 MiB, 4 is as good."""
LANES = 16
"""GDFN's widths are rounded up to it, with zeros: an odd one such as 127 costs more than 128."""
NORM_EPS = 1e-12  # of torch.nn.functional.normalize

Rows: TypeAlias = Callable[[int, int], torch.Tensor]
"""(top, bottom) -> those rows of a map, (B, bottom - top, W, C)."""


class Part(nn.Module):
    """A 1x1 convolution without bias and the depthwise 3x3 convolution after it."""

    weight_CK: torch.Tensor
    local_K133: torch.Tensor

    def __init__(self, weight_KC: torch.Tensor, local_K133: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("weight_CK", weight_KC.detach().t().contiguous())
        self.register_buffer("local_K133", local_K133.detach().clone())

    def widen(self, normal_BHWC: torch.Tensor, out_BHWK: torch.Tensor) -> None:
        """The 1x1 convolution, into rows of a buffer."""
        torch.mm(normal_BHWC.flatten(0, 2), self.weight_CK, out=out_BHWK.view(-1, out_BHWK.shape[-1]))

    def spread(self, wide_BHWK: torch.Tensor, padding: tuple[int, int]) -> torch.Tensor:
        """The depthwise convolution, (B, H, W, K)."""
        return nhwc(F.conv2d(nchw(wide_BHWK), self.local_K133, padding=padding, groups=len(self.local_K133)))


class LocalConvs(nn.Module):
    """norm -> 1x1 -> depthwise 3x3 for several outputs of one input, strip by strip."""

    norm_weight_C: torch.Tensor
    norm_bias_C: torch.Tensor

    def __init__(self, norm: LayerNorm2d, weights_KC: list[torch.Tensor], locals_K133: list[torch.Tensor]) -> None:
        super().__init__()
        parts = [Part(weight, local) for weight, local in zip(weights_KC, locals_K133, strict=True)]
        self.register_buffer("norm_weight_C", norm.weight.detach().clone())
        self.register_buffer("norm_bias_C", norm.bias.detach().clone())
        self.widths = [len(part.local_K133) for part in parts]
        self.parts: Any = nn.ModuleList(parts)

    def strip_rows(self, like_BHWC: torch.Tensor) -> int:
        """Rows of a strip: all of them on an accelerator and for more pictures than one."""
        if like_BHWC.device.type != "cpu" or len(like_BHWC) > 1:
            return like_BHWC.shape[1]
        return max(2, STRIP_BYTES * torch.get_num_threads() // (like_BHWC.shape[2] * max(self.widths) * like_BHWC.element_size()))

    def strips(self, read: Rows, shape_BHW: tuple[int, int, int], rows: int = 0) -> Iterator[tuple[int, int, list[torch.Tensor]]]:
        """(top, bottom, outputs of those rows), `rows` at a time (0: as many as suit).

        Rows of the input above `bottom` are not read again: the caller may overwrite them.
        """
        _, height, width = shape_BHW
        first = read(0, 1)
        rows = rows or self.strip_rows(first.expand(-1, height, -1, -1))
        if rows >= height:
            yield 0, height, self._whole(read(0, height))
            return
        wides = [first.new_empty(1, rows + 2, width, k) for k in self.widths]
        for top in range(0, height, rows):
            bottom = min(top + rows, height)
            self._fill(wides, read, (top, bottom, height), rows)
            yield top, bottom, [part.spread(wide[:, : bottom - top + 2], (0, 1)) for part, wide in zip(self.parts, wides, strict=True)]

    def normalised(self, x_BHWC: torch.Tensor) -> torch.Tensor:
        """Each pixel over its channels, with scale and shift."""
        return F.layer_norm(x_BHWC, x_BHWC.shape[-1:], self.norm_weight_C, self.norm_bias_C, LAYER_NORM_EPS)

    def _whole(self, x_BHWC: torch.Tensor) -> list[torch.Tensor]:
        normal = self.normalised(x_BHWC)
        outputs = []
        for part, k in zip(self.parts, self.widths, strict=True):
            wide = x_BHWC.new_empty(*x_BHWC.shape[:3], k)
            part.widen(normal, wide)
            outputs.append(part.spread(wide, (1, 1)))
        return outputs

    def _fill(self, wides: list[torch.Tensor], read: Rows, extent: tuple[int, int, int], rows: int) -> None:
        """Rows top - 1 to bottom of the wide maps: two kept from the strip above, the others new, zeros outside the picture."""
        top, bottom, height = extent
        begin, end = (0 if top == 0 else top + 1), min(bottom + 1, height)
        normal = self.normalised(read(begin, end)) if end > begin else None
        for part, wide in zip(self.parts, wides, strict=True):
            if top == 0:
                wide[:, 0] = 0
            else:
                wide[:, :2] = wide[:, rows : rows + 2]
            if normal is not None:
                part.widen(normal, wide[:, begin - top + 1 : end - top + 1])
            if bottom == height:
                wide[:, bottom - top + 1] = 0


class FastFeed(nn.Module):
    """x += GDFN(norm(x)), in place."""

    project_KC: torch.Tensor

    def __init__(self, norm: LayerNorm2d, feed: GDFN) -> None:
        super().__init__()
        lanes = -feed.project.in_channels % LANES
        weights_KC = [F.pad(half, (0, 0, 0, lanes)) for half in feed.widen.weight.flatten(1).chunk(2)]
        locals_K133 = [F.pad(half, (0, 0, 0, 0, 0, 0, 0, lanes)) for half in feed.local.weight.chunk(2)]
        self.convs = LocalConvs(norm, weights_KC, locals_K133)
        self.register_buffer("project_KC", F.pad(feed.project.weight.flatten(1), (0, lanes)).detach().t().contiguous())

    def forward(self, x_BHWC: torch.Tensor) -> torch.Tensor:
        """Return `x`, changed."""
        for top, bottom, (a, b) in self.convs.strips(rows_of(x_BHWC), shape_of(x_BHWC)):
            gated = torch.ops.aten.gelu_(a).mul_(b)
            add_product(x_BHWC[:, top:bottom], gated, self.project_KC[None])
        return x_BHWC


class FoldedAttention(nn.Module):
    """Gathers the products of queries and keys strip by strip, then is one matrix per picture, to be applied to the values."""

    temperature_h11: torch.Tensor
    project_hCc: torch.Tensor

    def __init__(self, temperature_h11: torch.Tensor, project_CC: torch.Tensor, keep: int | None = None) -> None:
        super().__init__()
        self.keep = keep
        heads = len(temperature_h11)
        self.register_buffer("temperature_h11", temperature_h11.detach().clone())
        self.register_buffer("project_hCc", project_CC.view(len(project_CC), heads, -1).transpose(0, 1).contiguous().detach())

    def product(self, q_BHWC: torch.Tensor, k_BHWC: torch.Tensor) -> torch.Tensor:
        """q^T k of one strip, per head: (B, h, c, c), to be summed over strips."""
        heads, (batch, _, _, channels) = len(self.temperature_h11), q_BHWC.shape
        q_BNhc, k_BNhc = (part.flatten(1, 2).view(batch, -1, heads, channels // heads) for part in (q_BHWC, k_BHWC))
        return (q_BNhc.permute(0, 2, 3, 1) @ k_BNhc.permute(0, 2, 1, 3)).to(precise(q_BHWC.dtype))

    def matrix(self, product_Bhcc: torch.Tensor, squares_q_BC: torch.Tensor, squares_k_BC: torch.Tensor) -> torch.Tensor:
        """(W_o A)^T, (B, C, C): the attended and projected values are v @ it."""
        rows, columns = (squares_BC.sqrt().clamp_min(NORM_EPS).view(product_Bhcc.shape[:3]) for squares_BC in (squares_q_BC, squares_k_BC))
        logits = product_Bhcc / rows[..., :, None] / columns[..., None, :] * self.temperature_h11
        if self.keep is not None:
            kept = logits.topk(self.keep, dim=-1).indices
            logits = torch.full_like(logits, -torch.inf).scatter(-1, kept, logits.gather(-1, kept))
        folded_BhCc: torch.Tensor = self.project_hCc @ logits.softmax(-1).to(self.project_hCc.dtype)
        return folded_BhCc.transpose(2, 3).flatten(1, 2)


class FastAttention(nn.Module):
    """x += MDTA(norm(x)), in place."""

    def __init__(self, block: TransformerBlock) -> None:
        super().__init__()
        attention = block.attention
        self.channels = attention.project.in_channels
        self.convs = LocalConvs(block.attention_norm, [attention.to_qkv.weight.flatten(1)], [attention.local.weight])
        self.folded = FoldedAttention(attention.temperature, attention.project.weight.flatten(1))

    def forward(self, x_BHWC: torch.Tensor) -> torch.Tensor:
        """Return `x`, changed: one pass over strips for the products and the values, one matrix product over the picture."""
        values, products, squares = Values(x_BHWC), [], []
        for top, bottom, (qkv,) in self.convs.strips(rows_of(x_BHWC), shape_of(x_BHWC)):
            q, k, v = qkv.chunk(3, dim=-1)
            products.append(self.folded.product(q, k))
            squares.append(square_sums(qkv[..., : 2 * self.channels]))
            values.keep(top, bottom, v)
        squares_q, squares_k = sum_of(squares).chunk(2, dim=1)
        return add_product(x_BHWC, values.map_BHWC, self.folded.matrix(sum_of(products), squares_q, squares_k))


class FastBlock(nn.Sequential):
    """A transformer block, in place: (B, H, W, C) is changed and returned."""

    def __init__(self, block: TransformerBlock) -> None:
        super().__init__(FastAttention(block), FastFeed(block.feed_norm, block.feed))


class Values:
    """Collects the strips of a map into one; a strip that is the whole map is kept as it is."""

    def __init__(self, like_BHWC: torch.Tensor) -> None:
        self._like = like_BHWC
        self.map_BHWC = like_BHWC

    def keep(self, top: int, bottom: int, rows_BHWC: torch.Tensor) -> None:
        """Store rows `top` to `bottom`."""
        if bottom - top == self._like.shape[1]:
            self.map_BHWC = rows_BHWC
            return
        if top == 0:
            self.map_BHWC = torch.empty_like(self._like)
        self.map_BHWC[:, top:bottom] = rows_BHWC


def fast_stage(blocks: nn.Sequential) -> nn.Sequential:
    """The folded form of `restormer.stage`."""
    return nn.Sequential(*(FastBlock(block) for block in blocks if isinstance(block, TransformerBlock)))


def rows_of(x_BHWC: torch.Tensor) -> Rows:
    """Read rows of a map that exists."""
    return lambda top, bottom: x_BHWC[:, top:bottom]


def sum_of(strips: list[torch.Tensor]) -> torch.Tensor:
    """The strips' contributions to one statistic, added."""
    return torch.stack(strips).sum(0)


def add_product(x_BHWC: torch.Tensor, y_BHWK: torch.Tensor, matrix_BKC: torch.Tensor) -> torch.Tensor:
    """X += y @ matrix, in place. `matrix`: one per picture, or one for all."""
    batch = max(x_BHWC.shape[0], matrix_BKC.shape[0])
    if batch == 1:  # the plain product is three times faster than a batch of one
        x_BHWC.view(-1, x_BHWC.shape[-1]).addmm_(y_BHWK.flatten(0, 2), matrix_BKC[0])
    else:
        x_BHWC.flatten(1, 2).baddbmm_(y_BHWK.flatten(1, 2), matrix_BKC.expand(batch, -1, -1))
    return x_BHWC


def shape_of(x_BHWC: torch.Tensor) -> tuple[int, int, int]:
    """Batch, height and width."""
    return x_BHWC.shape[0], x_BHWC.shape[1], x_BHWC.shape[2]


def square_sums(x_BHWC: torch.Tensor) -> torch.Tensor:
    """Sum of squares over the pixels, (B, C), in float32 at least."""
    return (x_BHWC * x_BHWC).sum((1, 2), dtype=precise(x_BHWC.dtype))


def precise(dtype: torch.dtype) -> torch.dtype:
    """What sums over a picture are kept in."""
    return torch.promote_types(dtype, torch.float32)


def nchw(x_BHWC: torch.Tensor) -> torch.Tensor:
    """The same memory as (B, C, H, W), channels last."""
    return x_BHWC.permute(0, 3, 1, 2)


def nhwc(x_BCHW: torch.Tensor) -> torch.Tensor:
    """As (B, H, W, C), contiguous; no copy where the memory is channels last already."""
    return x_BCHW.permute(0, 2, 3, 1).contiguous()
