"""Terraced houses: a plane each side, with storeys, windows, shop fronts, doors, sills, cornices and bricks painted on."""

from collections.abc import Sequence

import numpy as np

from streamfuse.source.scene import street
from streamfuse.source.scene.light import roofline
from streamfuse.source.scene.palette import AWNINGS, WALLS, linear
from streamfuse.source.scene.surface import F32, Mask, Surface
from streamfuse.source.scene.texture import Texture

PITCH_M = 2.55  # of the windows, before it is fitted to the width of a house
FRAME, STONE, DARK, STRIPE = linear(0xDAD6CC), linear(0xCFC6B4), linear(0x2B2826), linear(0xE9E4D6)
GLASS, CURTAIN, SKY_IN_GLASS = linear(0x3C4A55), linear(0xB9AD98) * 0.6, linear(0x9DB8CC)
BRICK = (True, False, False, False, False, True, False, False)  # which of `WALLS` are laid in bricks
PANES = 8  # steps from a pane without to one with the sky in it


class Facade:
    """Points of one terrace, (N,) metres along it and up, and their paint."""

    def __init__(self, houses: Sequence[tuple[float, int]], number: int, texture: Texture, *, along: F32, up: F32, depth: F32) -> None:
        self._texture, self._along, self._up = texture, along, up
        self._detail = np.clip(22.0 / depth, 0.0, 1.0)
        starts = np.array([start for start, _ in houses], np.float32)
        ends = np.append(starts[1:], starts[-1] + 24.0).astype(np.float32)
        self._house = np.clip(np.searchsorted(starts, along, side="right") - 1, 0, len(houses) - 1).astype(np.int16)
        self._below_top = roofline(tuple(houses), along) - up
        counts = np.maximum(np.rint((ends - starts) / PITCH_M), 1)
        self._pitch = ((ends - starts) / counts)[self._house]
        self._from_edge = along - starts[self._house]
        self._column = np.floor(self._from_edge / self._pitch)
        self._u = self._from_edge - (self._column + 0.5) * self._pitch  # metres from the middle of the window's column
        self._off = np.abs(self._u)
        self._style = (self._house * 3 + number) % len(WALLS)
        self._storey = np.maximum(np.floor((up - street.GROUND_STOREY_M) / street.STOREY_M) + 1, 0)
        self._v = up - np.where(self._storey > 0, street.GROUND_STOREY_M + (self._storey - 1) * street.STOREY_M, np.float32(0))
        self._luck = texture.chance(self._house * 7 + number, self._storey, self._column)
        self._surface = Surface(WALLS * 0.85, self._style, warmth=0.6, heat=4.5)

    def painted(self) -> Surface:
        """The surface with everything on it."""
        self._surface.warmth += 0.45 * (self._style % 4)
        self._plaster()
        self._trims()
        upper, ground = self._storey > 0, self._storey == 0
        shops, doors = ground & (self._house % 3 != 1), self._column % 3 == 1
        self._windows((upper | (ground & ~shops & ~doors)) & (self._below_top > 0.6))
        self._doors(ground & ~shops & doors)
        self._shops(shops)
        return self._surface

    def _plaster(self) -> None:
        noise = self._texture.at(self._texture.broad, self._along, self._up, 34.0)
        grain = self._texture.at(self._texture.fine, self._along, self._up, 50.0)
        tint = 1 + 0.07 * noise + 0.05 * grain * self._detail
        tint *= 1 - 0.30 * np.exp(self._up / -0.5) - 0.22 * np.exp(np.maximum(self._below_top, 0) / -0.4)  # splashes and streaks
        self._surface.tint[:] = tint
        self._surface.warmth += 0.25 * noise
        laid = np.array(BRICK)[self._style]
        up, along, detail = self._up[laid], self._along[laid], self._detail[laid]
        row = np.floor(up / 0.11)
        across = along / 0.34 + 0.5 * (row % 2)
        mortar = ((up / 0.11) % 1.0 < 0.18) | ((across % 1.0) < 0.07)
        bricks = np.where(mortar, np.float32(0.18), 0.35 * (self._texture.chance(np.floor(across), row) - 0.5))
        self._surface.tint[laid] *= 1 + bricks * detail

    def _trims(self) -> None:
        """Cornice, string courses, plinth and rain pipes."""
        paint, below_top = self._surface, self._below_top
        paint.paint(((below_top < 0.42) & (below_top >= 0)) | ((self._storey > 0) & (self._v < 0.13)), STONE)
        paint.shade((below_top > 0.42) & (below_top < 0.58), 0.5)
        paint.shade((self._storey == 0) & (self._up > street.GROUND_STOREY_M - 0.12), 0.55)
        paint.paint(self._up < 0.45, STONE, 0.55)
        paint.paint(np.abs(self._from_edge - 0.15) < 0.055, DARK, 1.6)
        paint.shade(self._from_edge < 0.03, 0.5)

    def _windows(self, allowed: Mask) -> None:
        sill, head, half = 0.85, 2.42, 0.56
        paint, u, v, off = self._surface, self._u, self._v, self._off
        inside = allowed & (off < half) & (v > sill) & (v < head)
        paint.paint(allowed & (off < half + 0.16) & (np.abs(v - sill + 0.05) < 0.06), STONE, 1.1)
        paint.paint(allowed & (off < half + 0.10) & (v > head) & (v < head + 0.2), STONE)
        self._pane(inside, (v - sill) / (head - sill), 0.42)
        self._frame(inside & ((off > half - 0.07) | (off < 0.035) | (v < sill + 0.07) | (np.abs(v - sill - 1.1) < 0.03)), FRAME)
        paint.shade(inside & ((v > head - 0.16) | (u < -half + 0.11)), 0.35)  # the reveal: the sun stands on the left

    def _shops(self, allowed: Mask) -> None:
        """Plate glass between pillars under an awning, with stripes on every second house."""
        paint, up, off, half = self._surface, self._up, self._off, self._pitch / 2 - 0.16
        glass = allowed & (off < half) & (up > 0.5) & (up < 2.65)
        self._pane(glass, (up - 0.5) / 2.15, 0.75)
        self._frame(glass & ((off > half - 0.06) | (np.abs(up - 2.1) < 0.035) | (off < 0.03)), DARK * 1.4)
        awning = allowed & (up > 2.62) & (up < 3.35)
        paint.repaint(awning, paint.extend(AWNINGS) + self._house[awning] % len(AWNINGS))
        paint.paint(awning & (self._house % 2 == 0) & (np.floor(self._along / 0.42) % 2 == 0), STRIPE)
        paint.tint[awning] *= 0.75 + 0.5 * (up[awning] - 2.62) / 0.73
        paint.shade(allowed & (up > 2.40) & (up <= 2.62), 0.4)  # its shadow
        paint.warmth[awning] = 0.0

    def _doors(self, allowed: Mask) -> None:
        paint, off, up = self._surface, self._off, self._up
        paint.paint(allowed & (off < 0.72) & (up < 2.75), STONE)
        door = allowed & (off < 0.55) & (up < 2.55)
        paint.repaint(door, paint.extend(AWNINGS * 0.6) + (self._house[door] * 2 + 1) % len(AWNINGS))
        paint.warmth[door] = 4.5
        paint.shade(door & (np.abs(off - 0.27) < 0.2) & (np.abs((up % 0.95) - 0.5) < 0.33), 1.25)
        self._pane(allowed & (off < 0.5) & (up > 2.1) & (up < 2.5), np.ones_like(up), 0.8)

    def _frame(self, where: Mask, colour: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
        self._surface.paint(where, colour)
        self._surface.warmth[where] = 2.2
        self._surface.glow[where] *= 0.06

    def _pane(self, glass: Mask, height: F32, share_lit: float) -> None:
        """Glass: the sky in it above, curtains behind it here and there, a lit room at night, and warm where it is heated."""
        paint, luck, height = self._surface, self._luck[glass], height[glass]
        sky = np.clip(height * 1.1 - 0.35 + 0.25 * (luck - 0.5), 0, 1) ** 1.5
        curtain = ((luck * 7.3) % 1.0 < 0.45) & (self._off[glass] > 0.22)
        steps = np.linspace(0, 0.5, PANES)[:, None] * SKY_IN_GLASS
        first = paint.extend(np.concatenate([GLASS + steps, CURTAIN + steps]))
        paint.repaint(glass, first + PANES * curtain + np.rint(sky * (PANES - 1)).astype(np.int16))
        lit = luck < share_lit
        strength = np.where(lit, 0.25 + 0.75 * ((luck * 31.7) % 1.0), np.float32(0.012)) * (0.55 + 0.45 * height)
        paint.glow[glass] = strength * np.where(curtain, np.float32(0.55), np.float32(1.0))
        paint.warmth[glass] = np.where(lit, np.float32(4.0), np.float32(0.4)) + 2.5 * ((luck * 13.1) % 1.0)
        paint.heat[glass] = 0.5
