"""While running: how far infrared lies from where the rig says, and an alarm when a camera was knocked.

Passive and cheap: shown a pair now and then, it keeps a slow average of how well the edges of both fit at every small shift.
"""

import logging
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from streamfuse.align.blocks import Surfaces
from streamfuse.align.grid import infrared_positions
from streamfuse.align.orientation import Map, Picture, orientation_field, shrunk
from streamfuse.align.rig import Rig
from streamfuse.clock import NS_PER_S
from streamfuse.frames import Pair, Planes
from streamfuse.registry import Settings

log = logging.getLogger(__name__)

GRID_PX = 320  # longer side of the working grid
REACH = 14  # largest shift looked at, in its pixels
SIGNIFICANT = 6.0  # peak against the root mean square beside it
BESIDE = 5  # working pixels around a peak that are part of it
FIRST_LOOKS = 4  # before anything is said
ALARM_LOOKS = 2  # in a row


class MonitorSettings(Settings):
    """Settings of the residual monitor: whether the cameras of a pair still stand as the rig says."""

    enabled: bool = True
    every_s: float = Field(1.0, gt=0, le=3600)
    """How often a pair is looked at."""
    memory_s: float = Field(3.0, gt=0, le=3600)
    """How slowly the average follows."""
    alarm_px: float = Field(4.0, gt=0)
    """Shift since the start that raises the alarm, in pixels of a picture 640 wide; twice as much against the rig does too."""
    refine: bool = False
    """Move the rig slowly towards what is seen, while running; the file stays as it is. Never in alarm."""
    refine_every_s: float = Field(60.0, gt=0, le=86400)
    refine_gain: float = Field(0.2, gt=0, le=1)
    """Share of the measured shift that is taken out each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """What the monitor knows by now."""

    shift_px: tuple[float, float]
    """x, y in visible pixels: infrared shows things so much right of and below where the visible picture has them."""
    moved_px: float
    """Distance from the shift of the first looks."""
    alarm: bool
    """A camera was knocked, or the rig is wrong."""

    @property
    def residual_px(self) -> float:
        """Length of the shift."""
        return float(np.hypot(*self.shift_px))


class Monitor:
    """One per stream; for one thread. Without a rig the pictures are taken to cover each other edge by edge."""

    def __init__(self, settings: MonitorSettings, rig: Rig | None = None) -> None:
        self._settings = settings
        self._next_ns: int | None = None
        self._refined_ns: int | None = None
        self.drift: Drift | None
        """None until enough was seen, under the rig that is followed, that both cameras show."""
        self._first: NDArray[np.float64] | None = None
        self.follow(rig)

    def follow(self, rig: Rig | None) -> None:
        """Measure against this rig from now on; what was seen under another is forgotten, but not where it all began."""
        self._rig = rig
        self._maps: tuple[Map, Map, float] | None = None
        self.drift = None
        self._looks = self._over = 0
        self._common = self._energy = np.zeros((2 * REACH + 1, 2 * REACH + 1), np.float32)

    def see(self, pair: Pair) -> Drift | None:
        """`look`, where both cameras are fresh; says in the log when a camera was knocked, and when it is right again."""
        before, now = self.drift, self.drift
        if pair.infrared is not None and pair.visible is not None and pair.mode == "fused":
            now = self.look(_luma(pair.infrared.image), _luma(pair.visible.image), pair.t_cap_ns)
        if now is not None and now.alarm != (before is not None and before.alarm):
            if now.alarm:
                log.warning("%s: infrared lies %.1f px off: was a camera knocked? calibrate again", pair.stream, now.residual_px)
            else:
                log.info("%s: infrared lies where it should again", pair.stream)
        return now

    def look(self, infrared: Picture, visible: Picture, t_ns: int) -> Drift | None:
        """Show it a pair, as often as you like: infrared (h, w), luma (H, W), 8 or 16 bits, capture time. Returns what is known now."""
        if self._next_ns is not None and 0 < self._next_ns - t_ns <= self._settings.every_s * NS_PER_S:
            return self.drift
        self._next_ns = t_ns + round(self._settings.every_s * NS_PER_S)
        self._add(infrared, visible)
        self._looks += 1
        shift = self._shift() if self._looks >= FIRST_LOOKS else None
        if shift is not None:
            self._judge(shift, visible.shape[1])
        return self.drift

    def refined(self, t_ns: int) -> Rig | None:
        """The rig moved a little towards what is seen, and followed from now on; None where that is not wanted, not due or not known."""
        wanted = self._settings.refine and self._rig is not None and self.drift is not None and not self.drift.alarm
        if not wanted or self.drift is None or self._rig is None:
            return None
        if self._refined_ns is None or t_ns < self._refined_ns:
            self._refined_ns = t_ns
        if t_ns - self._refined_ns < self._settings.refine_every_s * NS_PER_S:
            return None
        self._refined_ns = t_ns
        x, y = (-self._settings.refine_gain * part for part in self.drift.shift_px)
        moved = np.array([[1, 0, x], [0, 1, y], [0, 0, 1]]) @ self._rig.matrix
        rig = Rig.model_validate({**self._rig.model_dump(), "homography": moved.tolist(), "residual_px": self.drift.residual_px})
        if self._first is not None:
            self._first = self._first + np.array([x, y])  # else the alarm would take it for a knock
        self.follow(rig)
        return rig

    def _judge(self, shift: NDArray[np.float64], width: int) -> None:
        if self._first is None:
            self._first = shift
        moved_px = float(np.linalg.norm(shift - self._first))
        limit_px = self._settings.alarm_px * max(1.0, width / 640)
        wrong = moved_px >= limit_px or float(np.linalg.norm(shift)) >= 2 * limit_px
        self._over = self._over + 1 if wrong else 0
        self.drift = Drift(shift_px=(float(shift[0]), float(shift[1])), moved_px=moved_px, alarm=self._over >= ALARM_LOOKS)

    def _add(self, infrared: Picture, visible: Picture) -> None:
        if self._maps is None:
            self._maps = self._prepared(infrared, visible)
        across, down, factor = self._maps
        there = shrunk(infrared, min(1.0, 1 / factor))
        warped = cv2.remap(there, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        seen = ((across > 0) & (across < there.shape[1] - 1) & (down > 0) & (down < there.shape[0] - 1)).astype(np.uint8)
        seen = cv2.erode(seen, np.ones((7, 7), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
        small = cv2.resize(visible, across.shape[::-1], interpolation=cv2.INTER_AREA)
        template = _channels(orientation_field(warped) * seen)[REACH:-REACH, REACH:-REACH]
        window = _channels(orientation_field(small))
        own = float((template**2).sum())
        if own == 0:
            return
        held = float(np.exp(-self._settings.every_s / self._settings.memory_s))
        mask = seen[REACH:-REACH, REACH:-REACH].astype(np.float32)
        self._common = held * self._common + cv2.matchTemplate(window, template, cv2.TM_CCORR)
        self._energy = held * self._energy + np.sqrt(own * np.maximum(cv2.matchTemplate((window**2).sum(2), mask, cv2.TM_CCORR), 0))

    def _prepared(self, infrared: Picture, visible: Picture) -> tuple[Map, Map, float]:
        """For each pixel of the working grid, where in the shrunk infrared picture it lies; and how much that is shrunk."""
        (h, w), (height, width) = infrared.shape, visible.shape
        rig = self._rig or _covering((h, w), (height, width))
        factor = min(1.0, GRID_PX / max(height, width))
        small = (max(4 * REACH, round(width * factor)), max(4 * REACH, round(height * factor)))
        places = cv2.resize(infrared_positions(rig), small, interpolation=cv2.INTER_LINEAR)
        steps = np.abs(np.diff(places[small[1] // 2, :, 0]))
        shrink = max(1.0, float(np.median(steps)))
        size = shrunk(infrared, 1 / shrink).shape
        scale = np.array([size[1] / w, size[0] / h])
        placed = ((places + 0.5) * scale - 0.5).astype(np.float32)
        self._unit = np.array([width / small[0], height / small[1]])
        return np.ascontiguousarray(placed[..., 0]), np.ascontiguousarray(placed[..., 1]), shrink

    def _shift(self) -> NDArray[np.float64] | None:
        """In visible pixels, None where no shift stands out."""
        surface = self._common / np.maximum(self._energy, np.finfo(np.float32).eps)
        y, x = np.unravel_index(int(np.argmax(surface)), surface.shape)
        beside = np.ones(surface.shape, bool)
        beside[max(0, y - BESIDE) : y + BESIDE + 1, max(0, x - BESIDE) : x + BESIDE + 1] = False
        usual = float(np.sqrt((surface[beside] ** 2).mean()))
        at_edge = min(x, y, 2 * REACH - x, 2 * REACH - y) == 0
        if at_edge or usual == 0 or surface[y, x] < SIGNIFICANT * usual:
            return None
        one = Surfaces(surface[None].astype(np.float32), np.zeros((1, 2)), (1, 1))
        place = np.array([[x - REACH, y - REACH]], np.float64)
        for _ in range(3):
            heights = one.at(place)
            place = place + np.clip(np.linalg.solve(heights.downward()[0], heights.gradient_N2[0]), -0.5, 0.5)
        # The template is infrared: it was found at `place`, so infrared shows things so much too far the other way.
        return -np.asarray(place[0] * self._unit, np.float64)


def _covering(infrared: tuple[int, int], visible: tuple[int, int]) -> Rig:
    """The rig of two cameras that see the same, edges onto edges."""
    sx, sy = visible[1] / infrared[1], visible[0] / infrared[0]
    rows: Any = ((sx, 0.0, (sx - 1) / 2), (0.0, sy, (sy - 1) / 2), (0.0, 0.0, 1.0))
    return Rig(homography=rows, infrared_size=infrared, visible_size=visible)


def _luma(image: Any) -> Picture:
    if isinstance(image, Planes):
        return image.y
    return np.asarray(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def _channels(field: NDArray[np.complex64]) -> Map:
    return np.dstack([field.real, field.imag]).astype(np.float32)
