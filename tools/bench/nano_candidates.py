"""The designs that `nano_designs.py` compares: nano as it is, as it first was, that with one thing changed at a time, and a reference."""

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.dials import DIALS
from streamfuse.networks.film import FRESH_DIALS, film
from streamfuse.networks.front import Destripe
from streamfuse.networks.nano import FRESH_MAPS, TONES, Context, make


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What may differ."""

    edge: int = 4
    """Pixels along a cell: the network runs at 1 / edge of the size."""
    width: int = 32
    depth: int = 4
    kind: Literal["dense", "separable"] = "dense"
    context: bool = True
    stripes: bool = True
    gains: bool = True
    """False: a residual alone."""
    last: Literal[1, 3] = 3
    """Kernel of the last convolution."""
    skips: bool = False
    coarse: int = 0
    """Width of a branch at half the size again; 0: none."""


CURRENT = "nano"
FIRST = Design()
FRESH_MIX = 0.75
"""Share of the brighter base: what these designs blend by."""
DESIGNS: dict[str, Design] = {
    "first": FIRST,
    "no context": replace(FIRST, context=False),
    "no stripes": replace(FIRST, stripes=False),
    "residual alone": replace(FIRST, gains=False),
    "with skips": replace(FIRST, skips=True),
    "last 1x1, depth 6": replace(FIRST, last=1, depth=6),
    "separable, 48 wide, depth 8": replace(FIRST, kind="separable", width=48, depth=8, last=1),
    "cells of 2, 16 wide": replace(FIRST, edge=2, width=16),
    "coarse branch": replace(FIRST, coarse=64, depth=2, last=1),
    "24 wide, depth 7": replace(FIRST, width=24, depth=7),
    "16 wide": replace(FIRST, width=16),
    "depth 3": replace(FIRST, depth=3),
}


class Candidate(nn.Module):
    """A network under dials. `forward(infrared, visible)` is without words; `state={"dials": (B, N)}` sets them."""

    no_dials: torch.Tensor

    def __init__(self, name: str, design: Design) -> None:
        super().__init__()
        self.name, self.design = name, design
        cell, width = design.edge**2, design.width
        self.edge = design.edge
        self.destripe = Destripe(width) if design.stripes else None
        self.stem = nn.Conv2d(2 * cell, width, 3, padding=1)
        self.context = Context(width) if design.context else None
        self.body = nn.ModuleList(_layer(width, design.kind) for _ in range(design.depth))
        self.branch = Branch(width, design.coarse) if design.coarse else None
        self.maps = nn.Conv2d(width, (3 if design.gains else 1) * cell, design.last, padding=design.last // 2)
        self.film = nn.Linear(len(DIALS), 2 * (design.depth + 3) * width + TONES, bias=False)
        nn.init.normal_(self.film.weight, std=FRESH_DIALS)
        self.tones = None if design.context else nn.Parameter(torch.tensor([0.0, 0.0, 0.0, 0.0, FRESH_MIX]))
        with torch.no_grad():
            self.maps.weight.mul_(FRESH_MAPS)
            if self.context:
                self.context.leave.bias[-1] = FRESH_MIX
        self.register_buffer("no_dials", torch.zeros(1, len(DIALS)))

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor, state: dict[str, torch.Tensor] | None = None) -> torch.Tensor:
        """Sizes in whole cells only."""
        dtype, width = self.stem.weight.dtype, self.design.width
        said = self.film((state["dials"] if state else self.no_dials).to(dtype))
        scale, shift, tones = said.split([(said.shape[1] - TONES) // 2] * 2 + [TONES], 1)
        scales, shifts = scale.reshape(len(said), -1, width).unbind(1), shift.reshape(len(said), -1, width).unbind(1)
        if self.destripe is not None:
            infrared = infrared - self.destripe(infrared, scales[0], shifts[0])
        a, b = F.pixel_unshuffle(infrared, self.edge), F.pixel_unshuffle(visible, self.edge)
        x = torch.cat([a, b], 1).to(dtype=dtype, memory_format=torch.channels_last)
        x = F.relu(film(self.stem(x), scales[1], shifts[1]))
        *whole, more = self.context(x, scales[2], shifts[2]) if self.context is not None else (self.tones,)
        for index, layer in enumerate(self.body):
            y = film(layer(x), scales[3 + index], shifts[3 + index])
            y = F.relu(film(y, *whole) if whole and index == 0 else y)
            x = x + y if self.design.skips else y
            x = x + self.branch(x) if self.branch is not None and index == 0 else x
        maps = self.maps(x)
        if not self.design.gains:
            maps = F.pad(maps, (0, 0, 0, 0, 2 * maps.shape[1], 0))
        return F.pixel_shuffle(compose(a, b, maps, tones + more), self.edge)


class Branch(nn.Module):
    """Two convolutions at half the size again: what is seen from further away."""

    def __init__(self, width: int, coarse: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(width, coarse, 3, stride=2, padding=1)
        self.middle = nn.ModuleList(nn.Conv2d(coarse, coarse, 3, padding=1) for _ in range(2))
        self.up = nn.Conv2d(coarse, 4 * width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Same size in and out."""
        y = F.relu(self.down(x))
        for layer in self.middle:
            y = F.relu(layer(y))
        return F.pixel_shuffle(self.up(y), 2)


def _layer(width: int, kind: str) -> nn.Module:
    if kind == "dense":
        return nn.Conv2d(width, width, 3, padding=1)
    return nn.Sequential(nn.Conv2d(width, width, 3, padding=1, groups=width), nn.Conv2d(width, width, 1))


class Current(nn.Module):
    """nano as it ships, in the form of a candidate."""

    no_dials: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.name, self.edge = CURRENT, 4
        self.network = make()
        self.register_buffer("no_dials", torch.zeros(1, len(DIALS)))

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor, state: dict[str, torch.Tensor] | None = None) -> torch.Tensor:
        """As `Candidate`."""
        dials = state["dials"] if state else self.no_dials
        fused: torch.Tensor = self.network(infrared, visible, self.network.with_dials(dials.to(self.network.film.weight.dtype)))
        return fused


def candidate(name: str) -> Candidate | Current:
    """Fresh, the same each time."""
    torch.manual_seed(0)
    return Current() if name == CURRENT else Candidate(name, DESIGNS[name])


def compose(a: torch.Tensor, b: torch.Tensor, maps: torch.Tensor, tones_B5: torch.Tensor) -> torch.Tensor:
    """How nano first made pixels: each camera by its gain and offset; the brighter and the darker, mixed; a residual."""
    gain_a, gain_b, residual = maps.to(a.dtype).chunk(3, 1)
    tone_a, tone_b, offset_a, offset_b, mix = tones_B5.to(a.dtype)[:, :, None, None].chunk(TONES, 1)
    a = a * (1 + tone_a + gain_a) + offset_a
    b = b * (1 + tone_b + gain_b) + offset_b
    darker = torch.minimum(a, b)
    return darker + mix * (torch.maximum(a, b) - darker) + residual


class Reference(nn.Module):
    """A stand-in for MMDRFuse by the shape its authors publish: two 3x3 convolutions at full size, 2 -> 4 -> 1, mirrored edges."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3)
        self.second = nn.Conv2d(4, 1, 3)

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W) both and fused."""
        x = F.pad(torch.cat([infrared, visible], 1), (1, 1, 1, 1), mode="reflect")
        x = F.pad(F.relu(self.first(x)), (1, 1, 1, 1), mode="reflect")
        return torch.tanh(self.second(x))
