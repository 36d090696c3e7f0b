"""nano: ours, for real time on a CPU and thousands of pictures a second on a GPU.

All convolutions run on cells of 4x4 pixels, a quarter of the size; the pictures themselves reach the result at full resolution, each
divided into what a small blur keeps (base) and what it takes away (detail), which has a gain of its own for each pixel: so that grain
can go where an edge stays. Words act through dials, see `dials`. Untrained it blends the bases and takes the stronger detail.

Legend: B batch, P prompts, N dials, C width, K layers under dials, H W pixels, h w cells, 16 pixels of a cell.
"""

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.errors import ConfigError
from streamfuse.networks.dials import LUMA_DIALS, DialHead
from streamfuse.networks.network import FusionNetwork, State

EDGE = 4
"""Pixels along a cell."""
CELL = EDGE * EDGE
WIDTH, DEPTH = 32, 3
"""Channels, and convolutions between the first and the last. Chosen from the table of `tools/bench/nano_designs.py`."""
STRIPE_REACH = 9
"""Columns seen on the way to one stripe, per convolution: stripes are narrow, things are not."""
MAPS = 3
"""Numbers for each pixel: gain of either detail, residual."""
BLUR = (1.0, 4.0, 6.0, 4.0, 1.0)
"""What divides base from detail, along a line: binomial, as in Burt and Adelson's pyramid (1983)."""
FAINT = 5e-5
"""Squared detail below which both cameras count alike: the square of two grey levels."""
FRESH_MIX = 0.75
"""Share of the brighter base in a fresh network; with 0.25 of the darker one that is half maximum, half average."""
FRESH_MAPS = 0.1
"""Scale of the last convolution of a fresh network, so that it starts near its blend."""
FRESH_DIALS = 0.1
"""Spread of what dials do in a fresh network."""
COARSE = 2
"""A picture's exposure is told from means over so many cells along an edge, 8 pixels."""
STATS = 7
DARK = 0.01
"""Keeps logarithms of black finite: two and a half grey levels."""
LOG_GAIN = (-2.0, 3.0)
"""Of a whole picture, at most: 1/7 to 20 times."""
TONES = 5
"""Whole-picture numbers: gain of infrared, gain of visible, offset of infrared, offset of visible, share of the brighter."""


class Layers(NamedTuple):
    """One camera in cells, its sixteen pixels as channels, (B, 16, h, w) each."""

    base: torch.Tensor
    detail: torch.Tensor

    def kept(self, gain_B16hw: torch.Tensor) -> "Layers":
        """With the detail turned down or up: -1 is none, 0 as it was."""
        return Layers(self.base, self.detail * (1 + gain_B16hw.to(self.detail.dtype)))


class Destripe(nn.Module):
    """The fixed pattern of an infrared camera's columns, from the mean of each column. (B, 1, H, W) -> (B, 1, 1, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(1, width, (1, STRIPE_REACH), padding=(0, STRIPE_REACH // 2))
        self.leave = nn.Conv2d(width, 1, (1, STRIPE_REACH), padding=(0, STRIPE_REACH // 2))
        with torch.no_grad():
            self.leave.weight.mul_(FRESH_MAPS)
            nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]  # it has one

    def forward(self, infrared_B1HW: torch.Tensor, scale_BC: torch.Tensor, shift_BC: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W) -> the same shape without its stripes."""
        column_B11W = infrared_B1HW.mean(2, keepdim=True).to(self.enter.weight.dtype)
        hidden = F.relu(film(self.enter(column_B11W), scale_BC, shift_BC))
        stripes_B11W: torch.Tensor = self.leave(hidden)
        return stripes_B11W.to(infrared_B1HW.dtype)


class Exposure(nn.Module):
    """Each place made brighter, darker or fuller in contrast, by its wider surroundings and the dials; without a dial, not at all.

    y = exp(gain) (x + offset), where gain and offset are linear in the dials with what the surroundings make of them: one set per
    16x16 pixels, interpolated between. Haze, glare, low light and low contrast are undone here, as far as they are smooth.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.whole = nn.Linear(2 * STATS, width)
        self.enter = nn.Conv2d(4, width, 3, padding=1, stride=2)
        self.middle = nn.Conv2d(width, width, 3, padding=1)
        self.leave = nn.Conv2d(width, 4 * len(LUMA_DIALS), 3, padding=1)
        nn.init.normal_(self.leave.weight, std=FRESH_DIALS / (3 * width**0.5))
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]  # it has one

    def forward(self, a: Layers, b: Layers, dials_BN: torch.Tensor) -> torch.Tensor:
        """(B, 4, a sixteenth of H, of W): log gain of infrared and visible, offset of infrared and visible."""
        said_B4Nyx = self.leave(self.seen(a, b)).unflatten(1, (4, len(LUMA_DIALS)))
        said_B4yx: torch.Tensor = (said_B4Nyx * dials_BN[:, None, :, None, None]).sum(2)
        return said_B4yx

    def seen(self, a: Layers, b: Layers) -> torch.Tensor:
        """What the surroundings are like, before any dial: (B, C, a sixteenth of H, of W)."""
        surroundings_B4yx = coarse(a, b)
        whole_BC = self.whole(exposure_stats(surroundings_B4yx[:, :2]).to(self.whole.weight.dtype))
        hidden = F.relu(self.enter(surroundings_B4yx.to(self.enter.weight.dtype)) + whole_BC[:, :, None, None])
        return F.relu(self.middle(hidden))


class Context(nn.Module):
    """What the whole picture says to each place in it: exposure, haze, spread. (B, C, h, w) -> scale, shift (B, C), tones (B, 5)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width, width)
        self.leave = nn.Linear(width, 2 * width + TONES)
        nn.init.normal_(self.leave.weight, std=FRESH_DIALS / width**0.5)
        nn.init.zeros_(self.leave.bias)
        with torch.no_grad():
            self.leave.bias[-1] = FRESH_MIX

    def forward(
        self, x_BChw: torch.Tensor, scale_BC: torch.Tensor, shift_BC: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What the whole picture says: scale (B, C) and shift (B, C) of the body's first layer, and tones."""
        width = x_BChw.shape[1]
        hidden_BC = F.relu(self.enter(x_BChw.mean((2, 3))) * (1 + scale_BC) + shift_BC)
        scale, shift, tones = self.leave(hidden_BC).split([width, width, TONES], 1)
        return scale, shift, tones


class Nano(FusionNetwork):
    """See the file's docstring. `film` has no bias, and everything it gives is linear: dials at 0 are the network without words."""

    name = "nano"
    blur: torch.Tensor
    luma_dials: torch.Tensor
    text: Literal["guided", "published"] = "guided"
    colour: Literal["luma", "rgb"] = "luma"

    def __init__(self, size: Literal["base", "small"], text_dim: int, width: int = WIDTH, depth: int = DEPTH) -> None:
        super().__init__()
        self.size, self.text_dim, self.width = size, text_dim, width
        self.dial_head = DialHead(text_dim)
        self.register_buffer("blur", blur_of_cells(), persistent=False)
        self.register_buffer("luma_dials", torch.tensor(LUMA_DIALS), persistent=False)  # a list would be sent to the device each time
        self.destripe = Destripe(width)
        self.exposure = Exposure(width)
        self.stem = nn.Conv2d(2 * CELL, width, 3, padding=1)
        self.context = Context(width)
        self.body = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
        self.maps = nn.Conv2d(width, MAPS * CELL, 3, padding=1)
        self.layers = depth + 3  # destripe, stem, context, body
        self.film = nn.Linear(len(LUMA_DIALS), 2 * self.layers * width + 2 * MAPS * CELL + TONES, bias=False)
        nn.init.normal_(self.film.weight, std=FRESH_DIALS)
        with torch.no_grad():
            self.maps.weight.mul_(FRESH_MAPS)
            nn.init.zeros_(self.maps.bias)  # type: ignore[arg-type]  # it has one

    def encode_text(self, pooled_PD: torch.Tensor, tokens_PLD: torch.Tensor, mask_PL: torch.Tensor) -> State:
        """Only the pooled vector is read: dials have no place for single words."""
        return self.with_dials(self.dial_head(pooled_PD))

    def with_dials(self, dials_PN: torch.Tensor) -> State:
        """The state of dials that were set by hand, by words, or by both. Linear: twice the dials, twice the state."""
        parts = [self.layers * self.width] * 2 + [MAPS * CELL] * 2 + [TONES]
        scale, shift, maps_scale, maps_shift, tones = self.film(self._read(dials_PN)).split(parts, 1)
        shape = (-1, self.layers, self.width)
        return {
            "dials": dials_PN,
            "scale": scale.reshape(shape),
            "shift": shift.reshape(shape),
            "maps_scale": maps_scale,
            "maps_shift": maps_shift,
            "tones": tones,
        }

    def temper(self, state: State, strength_P: torch.Tensor) -> State:
        """The state of the dials turned down."""
        return {name: tensor * strength_P.to(tensor).reshape(-1, *[1] * (tensor.ndim - 1)) for name, tensor in state.items()}

    def forward(self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, state: State) -> torch.Tensor:
        """Weights in bf16 or fp16 with pictures in fp32 are welcome: the pictures then reach the result in full precision."""
        height, width = infrared_B1HW.shape[2:]
        dtype = self.stem.weight.dtype
        scale, shift = state["scale"].to(dtype).unbind(1), state["shift"].to(dtype).unbind(1)
        infrared, visible = whole_cells(infrared_B1HW), whole_cells(visible_BCHW)
        infrared = infrared - self.destripe(infrared, scale[0], shift[0])
        a, b = divided(infrared, self.blur), divided(visible, self.blur)
        a, b = exposed(a, b, self.exposure(a, b, self._read(state["dials"]).to(dtype)))
        x = torch.cat([a.base + a.detail, b.base + b.detail], 1).to(dtype)
        x = F.relu(film(self.stem(x), scale[1], shift[1]))
        global_scale, global_shift, tones = self.context(x, scale[2], shift[2])
        for index, layer in enumerate(self.body):
            x = film(layer(x), scale[3 + index], shift[3 + index])
            x = F.relu(film(x, global_scale, global_shift) if index == 0 else x)
        keep_a, keep_b, residual = self._maps(x, state["maps_scale"].to(dtype), state["maps_shift"].to(dtype))
        fused = compose(a.kept(keep_a), b.kept(keep_b), tones + state["tones"].to(dtype)) + residual.to(a.base.dtype)
        return F.pixel_shuffle(fused, EDGE)[..., :height, :width]

    def _read(self, dials_PN: torch.Tensor) -> torch.Tensor:
        """Without those for colour."""
        return dials_PN.index_select(1, self.luma_dials)

    def _maps(self, x_BChw: torch.Tensor, scale_BC: torch.Tensor, shift_BC: torch.Tensor) -> list[torch.Tensor]:
        """Each by a convolution of its own: to cut one large result apart would cost as much as a layer."""
        assert self.maps.bias is not None
        parts = zip(
            *(part.chunk(MAPS, dim) for part, dim in ((self.maps.weight, 0), (self.maps.bias, 0), (scale_BC, 1), (shift_BC, 1))),
            strict=True,
        )
        return [film(F.conv2d(x_BChw, weight, bias, padding=1), scale, shift) for weight, bias, scale, shift in parts]


def compose(a: Layers, b: Layers, tones_B5: torch.Tensor) -> torch.Tensor:
    """The brighter and the darker base, mixed, and the stronger detail. In the precision of the pictures, (B, 16, h, w)."""
    tones_B511 = tones_B5.to(a.base.dtype)[:, :, None, None]
    gain_a, gain_b, offset_a, offset_b, mix = (tones_B511[:, i : i + 1] for i in range(TONES))
    base_a, base_b = a.base * (1 + gain_a) + offset_a, b.base * (1 + gain_b) + offset_b
    darker = torch.minimum(base_a, base_b)
    return darker + mix * (torch.maximum(base_a, base_b) - darker) + stronger(a.detail, b.detail)


def stronger(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Each weighted by its square: near the stronger one where they differ, their mean where they do not, and smooth in between."""
    weight_a, weight_b = a * a + FAINT, b * b + FAINT
    return (weight_a * a + weight_b * b) / (weight_a + weight_b)


def divided(picture_B1HW: torch.Tensor, blur_OI33: torch.Tensor) -> Layers:
    """In cells, by `blur_of_cells`. Base and detail add up to the picture; cells at the border are repeated."""
    cells_B16hw = F.pixel_unshuffle(picture_B1HW, EDGE)
    base_B16hw = F.conv2d(F.pad(cells_B16hw, (1, 1, 1, 1), mode="replicate"), blur_OI33.to(cells_B16hw))
    return Layers(base_B16hw, cells_B16hw - base_B16hw)


def blur_of_cells() -> torch.Tensor:
    """(16, 16, 3, 3): a blur of pixels as a convolution of cells, which is how the layers run fastest."""
    line = torch.zeros(EDGE, 3 * EDGE)
    for pixel in range(EDGE):
        first = EDGE + pixel - len(BLUR) // 2
        line[pixel, first : first + len(BLUR)] = torch.tensor(BLUR) / sum(BLUR)
    along = line.reshape(EDGE, 3, EDGE)
    return torch.einsum("ryp,cxq->rcpqyx", along, along).reshape(CELL, CELL, 3, 3)


def coarse(a: Layers, b: Layers) -> torch.Tensor:
    """(B, 4, an eighth of H, of W): mean of both bases, and of how large their details are."""
    means_B4hw = torch.cat([part.mean(1, keepdim=True) for part in (a.base, b.base, a.detail.abs(), b.detail.abs())], 1)
    return F.avg_pool2d(means_B4hw, COARSE, ceil_mode=True, count_include_pad=False)


def exposure_stats(coarse_B2yx: torch.Tensor) -> torch.Tensor:
    """(B, 14) of both: mean, deviation, least, most; and the logarithms of mean, deviation and range, as gains are told from these."""
    coarse_B2K = coarse_B2yx.flatten(2)
    mean_B2, low_B2, high_B2 = coarse_B2K.mean(2), coarse_B2K.amin(2), coarse_B2K.amax(2)
    spread_B2 = ((coarse_B2K - mean_B2[..., None]).square().mean(2) + DARK**2).sqrt()
    logs = [(mean_B2.clamp_min(0) + DARK).log(), spread_B2.log(), (high_B2 - low_B2 + DARK).log()]
    return torch.cat([mean_B2, spread_B2, low_B2, high_B2, *logs], 1)


def exposed(a: Layers, b: Layers, said_B4yx: torch.Tensor) -> tuple[Layers, Layers]:
    """Both under the gains and offsets of `Exposure`."""
    said_B4hw = F.interpolate(said_B4yx.to(a.base.dtype), size=a.base.shape[2:], mode="bilinear")
    gain_a, gain_b = said_B4hw[:, :2].clamp(*LOG_GAIN).exp().chunk(2, 1)
    offset_a, offset_b = said_B4hw[:, 2:].chunk(2, 1)
    return Layers((a.base + offset_a) * gain_a, a.detail * gain_a), Layers((b.base + offset_b) * gain_b, b.detail * gain_b)


def film(x_BChw: torch.Tensor, scale_BC: torch.Tensor, shift_BC: torch.Tensor) -> torch.Tensor:
    """Each channel scaled by 1 + scale, and shifted."""
    return x_BChw * (1 + scale_BC[:, :, None, None]) + shift_BC[:, :, None, None]


def whole_cells(x_B1HW: torch.Tensor) -> torch.Tensor:
    """Padded at the right and at the bottom by copies of the edge, to whole cells."""
    below, right = -x_B1HW.shape[2] % EDGE, -x_B1HW.shape[3] % EDGE
    return F.pad(x_B1HW, (0, right, 0, below), mode="replicate") if below or right else x_B1HW


def make(size: Literal["base", "small"] = "base", text: Literal["guided", "published"] = "guided", text_dim: int = 384) -> Nano:
    """A fresh network. It has one size, the small one, which also answers to `base`."""
    del size
    if text != "guided":
        raise ConfigError(f"nano is ours and has no published form: want text 'guided', got {text!r}")
    return Nano("small", text_dim)
