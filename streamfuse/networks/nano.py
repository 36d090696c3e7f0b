"""nano: ours, for real time on a CPU.

All convolutions run on cells of 4x4 pixels, a quarter of the size; the pictures themselves reach the result at full resolution, each
divided into base and detail (see `layers`), the detail with a gain of its own for each pixel: so that grain can go where an edge stays.
Words act through dials, see `dials` and `front`. Untrained it is near its `blend`.

Legend: B batch, P prompts, N dials, C width, K layers under dials, H W pixels, h w cells, 16 pixels of a cell.
"""

from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.errors import ConfigError
from streamfuse.networks.blend import OF_SUM, Blend
from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.film import FRESH_DIALS, dial_layer, film
from streamfuse.networks.front import WIDTH, Front
from streamfuse.networks.layers import CELL, EDGE, Layers
from streamfuse.networks.network import Embeddings, State

DEPTH = 3
"""Convolutions between the first and the last. Chosen, as the width, from the table of `tools/bench/nano_designs.py`."""
LEAK = 0.1
"""Slope below 0 of the layers under dials: under a plain ReLU nearly all of them died in training, and dials alone were left to act."""
MAPS = 3
"""Numbers for each pixel: gain of either detail, residual."""
FRESH_MAPS = 0.1
"""Scale of the last convolution of a fresh network, so that it starts near its blend."""
TONES = 5
"""Whole-picture numbers: gain of infrared, gain of visible, offset of infrared, offset of visible, what `blend` takes of the sum."""


class Context(nn.Module):
    """What the whole picture says to each place in it: exposure, haze, spread. (B, C, h, w) -> scale, shift (B, C), tones (B, 5)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width, width)
        self.leave = nn.Linear(width, 2 * width + TONES)
        nn.init.normal_(self.leave.weight, std=FRESH_DIALS / width**0.5)
        nn.init.zeros_(self.leave.bias)
        with torch.no_grad():
            self.leave.bias[-1] = OF_SUM

    def forward(
        self, x_BChw: torch.Tensor, scale_BC: torch.Tensor, shift_BC: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What the whole picture says: scale (B, C) and shift (B, C) of the body's first layer, and tones."""
        width = x_BChw.shape[1]
        hidden_BC = F.leaky_relu(self.enter(x_BChw.mean((2, 3))) * (1 + scale_BC) + shift_BC, LEAK)
        scale, shift, tones = self.leave(hidden_BC).split([width, width, TONES], 1)
        return scale, shift, tones


class Nano(DialledNetwork):
    """See the file's docstring. What dials do is linear in them: at 0 they are the network without words."""

    name = "nano"
    text: Literal["guided", "published"] = "guided"
    colour: Literal["luma", "rgb"] = "luma"

    def __init__(self, size: Literal["base", "small"], text_dim: int, width: int = WIDTH, depth: int = DEPTH) -> None:
        super().__init__()
        self.size, self.text_dim, self.width = size, text_dim, width
        self.front = Front(text_dim, width)
        self.blend = Blend()
        self.stem = nn.Conv2d(2 * CELL, width, 3, padding=1)
        self.context = Context(width)
        self.body = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
        self.maps = nn.Conv2d(width, MAPS * CELL, 3, padding=1)
        self.layers = depth + 2  # stem, context, body
        self.film = dial_layer(2 * self.layers * width + 2 * MAPS * CELL + TONES)
        with torch.no_grad():
            self.maps.weight.mul_(FRESH_MAPS)
            nn.init.zeros_(self.maps.bias)  # type: ignore[arg-type]  # it has one

    def with_dials(self, dials_PN: torch.Tensor, words: Embeddings | None = None) -> State:
        """Linear: twice the dials, twice the state. Of words nothing else is read: dials have no place for single ones."""
        parts = [self.layers * self.width] * 2 + [MAPS * CELL] * 2 + [TONES]
        scale, shift, maps_scale, maps_shift, tones = self.film(self.front.luma(dials_PN)).split(parts, 1)
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
        a, b = self.front.layers(infrared_B1HW, visible_BCHW, state)
        x = torch.cat([layers.picture(self.front.between) for layers in (a, b)], 1).to(dtype)
        x = F.leaky_relu(film(self.stem(x), scale[0], shift[0]), LEAK)
        global_scale, global_shift, tones = self.context(x, scale[1], shift[1])
        for index, layer in enumerate(self.body):
            x = film(layer(x), scale[2 + index], shift[2 + index])
            x = F.leaky_relu(film(x, global_scale, global_shift) if index == 0 else x, LEAK)
        keep_a, keep_b, residual = self._maps(x, state["maps_scale"].to(dtype), state["maps_shift"].to(dtype))
        fused = self.blend(*toned(a.kept(keep_a), b.kept(keep_b), tones + state["tones"].to(dtype))) + residual.to(a.base.dtype)
        return F.pixel_shuffle(fused, EDGE)[..., :height, :width]

    def _maps(self, x_BChw: torch.Tensor, scale_BC: torch.Tensor, shift_BC: torch.Tensor) -> list[torch.Tensor]:
        """Each by a convolution of its own: to cut one large result apart would cost as much as a layer."""
        assert self.maps.bias is not None
        parts = zip(
            *(part.chunk(MAPS, dim) for part, dim in ((self.maps.weight, 0), (self.maps.bias, 0), (scale_BC, 1), (shift_BC, 1))),
            strict=True,
        )
        return [film(F.conv2d(x_BChw, weight, bias, padding=1), scale, shift) for weight, bias, scale, shift in parts]


def toned(a: Layers, b: Layers, tones_B5: torch.Tensor) -> tuple[Layers, Layers, torch.Tensor]:
    """Both bases under their gains and offsets, and what to take of the sum. In the precision of the pictures."""
    tones_B511 = tones_B5.to(a.base.dtype)[:, :, None, None]
    gain_a, gain_b, offset_a, offset_b, of_sum = (tones_B511[:, i : i + 1] for i in range(TONES))
    return a.toned(gain_a, offset_a), b.toned(gain_b, offset_b), of_sum


def make(size: Literal["base", "small"] = "base", text: Literal["guided", "published"] = "guided", text_dim: int = 384) -> Nano:
    """A fresh network. It has one size, the small one, which also answers to `base`."""
    del size
    if text != "guided":
        raise ConfigError(f"nano is ours and has no published form: want text 'guided', got {text!r}")
    return Nano("small", text_dim)
