"""Steadiness over time: where nothing moves, a fused picture leans on the one before, so that grain and flicker of the cameras calm down.

A recursive filter, pixel by pixel: y_t = x_t + w d with d = y_(t-1) - x_t and w = keep / (1 + (d / reach)^4). What moves or changes lies
far from what was there before, and takes next to nothing of it. No pixel is moved by more than 0.57 keep reach, which d / (1 + d^4) is at
most: 1.6 grey levels as it stands. Luma alone: colour is the visible camera's as it is.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from pydantic import Field

from streamfuse.clock import NS_PER_S
from streamfuse.frames import Fused, Pair
from streamfuse.registry import Settings

WHITE = 255.0
GAP_NS = NS_PER_S
"""A picture that is older is no neighbour in time."""


class SteadySettings(Settings):
    """How far a fused picture leans on the one before it."""

    enabled: bool = False
    reach: float = Field(default=4.0, gt=0, le=50)
    """Grey levels of 255: what differs by so much keeps half of `keep`, what differs by three times as much next to nothing."""
    keep: float = Field(default=0.7, ge=0, le=0.95)
    """Share of the picture before where nothing changes. At 0.7 faint grain goes down to 0.42 of what it was, and of a change of a level
    or two two thirds show after three pictures."""


class _Before(NamedTuple):
    pair: Pair
    prompt: str
    luma_11HW: torch.Tensor

    def goes_on(self, pair: Pair, prompt: str, luma_11HW: torch.Tensor) -> bool:
        """Whether the picture of `pair` is the next one of the same view, under the same words, by the same cameras."""
        return (
            self.pair.seq < pair.seq
            and self.pair.epoch == pair.epoch
            and self.pair.usable == pair.usable
            and self.prompt == prompt
            and 0 <= pair.t_cap_ns - self.pair.t_cap_ns <= GAP_NS
            and self.luma_11HW.shape == luma_11HW.shape
        )


class Steady:
    """Fused pictures in, steadier ones out, in the order of each stream, of which it remembers the last one. For one thread."""

    def __init__(self, settings: SteadySettings) -> None:
        self._settings = settings
        self.memory: Mapping[str, _Before] = {}
        """By stream. Never changed in place: who puts back what stood here has taken back all since."""

    def __call__(self, fused: Fused) -> Fused:
        """Item by item, so that a batch has no part in what comes out."""
        batch, memory = fused.batch, dict(self.memory)
        steadied = [
            self._next(memory, pair, prompt.id, luma_11HW)
            for pair, prompt, luma_11HW in zip(batch.pairs, batch.prompts, fused.luma_B1HW.chunk(len(batch.pairs)), strict=True)
        ]
        self.memory = memory
        return Fused(luma_B1HW=torch.cat(steadied), chroma_B2cc=fused.chroma_B2cc, batch=batch)

    def forget(self, stream: str | None = None) -> None:
        """What is remembered of a stream, or of all."""
        self.memory = {} if stream is None else {name: kept for name, kept in self.memory.items() if name != stream}

    def _next(self, memory: dict[str, _Before], pair: Pair, prompt: str, luma_11HW: torch.Tensor) -> torch.Tensor:
        before = memory.get(pair.stream)
        if before is not None and before.pair is pair:  # a batch filled up with its last pair
            return before.luma_11HW
        if before is not None and before.goes_on(pair, prompt, luma_11HW):
            luma_11HW = leaning(luma_11HW, before.luma_11HW, self._settings)
        else:
            luma_11HW = luma_11HW.clone()  # what is remembered holds no whole batch
        memory[pair.stream] = _Before(pair, prompt, luma_11HW)
        return luma_11HW


def leaning(now_B1HW: torch.Tensor, before_B1HW: torch.Tensor, settings: SteadySettings) -> torch.Tensor:
    """Luma (B, 1, H, W) in [0, 1] of this picture, where nothing changed closer to the one before."""
    step_B1HW = before_B1HW - now_B1HW
    far_B1HW = (step_B1HW * (WHITE / settings.reach)).square_().square_().add_(1)
    return now_B1HW.addcdiv(step_B1HW, far_B1HW, value=settings.keep)
