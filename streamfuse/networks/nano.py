"""nano: ours, for real time on a CPU and thousands of pictures a second on a GPU.

All convolutions run on cells of 4x4 pixels, a quarter of the size; the pictures themselves reach the result at full resolution,
through gains and residuals that have one value for each pixel. Words act through dials, see `dials`. Untrained it is close to a blend of
maximum and average.

Legend: B batch, P prompts, N dials, C width, K layers under dials, H W pixels, h w cells, 16 pixels of a cell.
"""

from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.errors import ConfigError
from streamfuse.networks.dials import LUMA_DIALS, DialHead
from streamfuse.networks.network import FusionNetwork, State

EDGE = 4
"""Pixels along a cell."""
CELL = EDGE * EDGE
WIDTH, DEPTH = 32, 4
"""Channels, and convolutions between the first and the last. Chosen from the table of `tools/bench/nano_designs.py`."""
STRIPE_REACH = 9
"""Columns seen on the way to one stripe, per convolution: stripes are narrow, things are not."""
FRESH_MIX = 0.75
"""Share of the brighter camera in a fresh network; with 0.25 of the darker one that is half maximum, half average."""
FRESH_MAPS = 0.1
"""Scale of the last convolution of a fresh network, so that it starts near its blend."""
FRESH_DIALS = 0.1
"""Spread of what dials do in a fresh network."""
TONES = 5
"""Whole-picture numbers: gain of infrared, gain of visible, offset of infrared, offset of visible, share of the brighter."""


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
    text: Literal["guided", "published"] = "guided"
    colour: Literal["luma", "rgb"] = "luma"

    def __init__(self, size: Literal["base", "small"], text_dim: int, width: int = WIDTH, depth: int = DEPTH) -> None:
        super().__init__()
        self.size, self.text_dim, self.width = size, text_dim, width
        self.dial_head = DialHead(text_dim)
        self.destripe = Destripe(width)
        self.stem = nn.Conv2d(2 * CELL, width, 3, padding=1)
        self.context = Context(width)
        self.body = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
        self.maps = nn.Conv2d(width, 3 * CELL, 3, padding=1)
        self.layers = depth + 3  # destripe, stem, context, body
        self.film = nn.Linear(len(LUMA_DIALS), 2 * self.layers * width + TONES, bias=False)
        nn.init.normal_(self.film.weight, std=FRESH_DIALS)
        with torch.no_grad():
            self.maps.weight.mul_(FRESH_MAPS)
            nn.init.zeros_(self.maps.bias)  # type: ignore[arg-type]  # it has one

    def encode_text(self, pooled_PD: torch.Tensor, tokens_PLD: torch.Tensor, mask_PL: torch.Tensor) -> State:
        """Only the pooled vector is read: dials have no place for single words."""
        return self.with_dials(self.dial_head(pooled_PD))

    def with_dials(self, dials_PN: torch.Tensor) -> State:
        """The state of dials that were set by hand, by words, or by both. Linear: twice the dials, twice the state."""
        scale, shift, tones = self.film(dials_PN[:, LUMA_DIALS]).split([self.layers * self.width] * 2 + [TONES], 1)
        shape = (-1, self.layers, self.width)
        return {"dials": dials_PN, "scale": scale.reshape(shape), "shift": shift.reshape(shape), "tones": tones}

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
        infrared_B16hw, visible_B16hw = F.pixel_unshuffle(infrared, EDGE), F.pixel_unshuffle(visible, EDGE)
        x = torch.cat([infrared_B16hw, visible_B16hw], 1).to(dtype)
        x = F.relu(film(self.stem(x), scale[1], shift[1]))
        global_scale, global_shift, tones = self.context(x, scale[2], shift[2])
        for index, layer in enumerate(self.body):
            x = film(layer(x), scale[3 + index], shift[3 + index])
            x = F.relu(film(x, global_scale, global_shift) if index == 0 else x)
        fused = compose(infrared_B16hw, visible_B16hw, self.maps(x), tones + state["tones"].to(dtype))
        return F.pixel_shuffle(fused, EDGE)[..., :height, :width]


def compose(infrared_B16hw: torch.Tensor, visible_B16hw: torch.Tensor, maps_B48hw: torch.Tensor, tones_B5: torch.Tensor) -> torch.Tensor:
    """Each camera by its gain and offset; the brighter and the darker of both, mixed; and a residual. In the precision of the pictures."""
    gain_a, gain_b, residual = maps_B48hw.to(infrared_B16hw.dtype).chunk(3, 1)
    tones_B511 = tones_B5.to(infrared_B16hw.dtype)[:, :, None, None]
    tone_a, tone_b, offset_a, offset_b, mix = (tones_B511[:, i : i + 1] for i in range(TONES))
    a = infrared_B16hw * (1 + tone_a + gain_a) + offset_a
    b = visible_B16hw * (1 + tone_b + gain_b) + offset_b
    darker = torch.minimum(a, b)
    return darker + mix * (torch.maximum(a, b) - darker) + residual


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
