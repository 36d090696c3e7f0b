"""16-bit infrared -> 8 bits, by percentile or plateau equalisation, steady over time."""

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from streamfuse.clock import NS_PER_S
from streamfuse.frames import Frame, Planes
from streamfuse.registry import Settings

LEVELS = 65536
SAMPLE = 2  # every second pixel of every second row goes into the histogram: a quarter of the work, the same percentiles


class ToneSettings(Settings):
    """How 16-bit infrared becomes 8 bits."""

    method: Literal["percentile", "plateau"] = "percentile"
    low_percent: float = Field(1.0, ge=0, lt=50)
    """Percentile that becomes black."""
    high_percent: float = Field(99.0, gt=50, le=100)
    """Percentile that becomes white."""
    plateau: float = Field(3.0, gt=0, le=1000)
    """Plateau equalisation: no level counts for more than this many times the mean of the levels in use. 1 is nearly linear."""
    min_span_levels: int = Field(64, ge=1, lt=LEVELS)
    """Input levels that are spread over black to white at the least, so that an even scene stays even instead of turning to noise."""
    time_constant_s: float = Field(1.0, ge=0, le=3600)
    """How slowly the curve follows the scene; 0 follows at once."""


class Tone:
    """One per stream, frames in order of time. The first frame of an epoch sets the curve, later ones move it."""

    def __init__(self, settings: ToneSettings) -> None:
        self._settings = settings
        self._curve: NDArray[np.float32] | None = None  # (65536,) input level -> 0..255
        self._t_ns = 0
        self._epoch = 0

    def tone(self, frame: Frame) -> Frame:
        """The frame with an 8-bit full range image; 8-bit and visible frames are returned as they are."""
        image = frame.image
        if isinstance(image, Planes) or image.dtype != np.uint16:
            return frame
        target = self._target(image)
        if self._curve is None or frame.epoch != self._epoch:
            self._curve = target
        else:
            self._curve += self._weight(frame.t_cap_ns - self._t_ns) * (target - self._curve)
        self._t_ns, self._epoch = frame.t_cap_ns, frame.epoch
        table = (self._curve + np.float32(0.5)).astype(np.uint8)
        return replace(frame, image=table.take(image), range="full")

    def _weight(self, elapsed_ns: int) -> np.float32:
        """Share of the new curve after so much time: an exponential average that does not depend on the frame rate."""
        if not self._settings.time_constant_s:
            return np.float32(1)
        return np.float32(1 - math.exp(-max(0, elapsed_ns) / NS_PER_S / self._settings.time_constant_s))

    def _target(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """The curve for this image alone."""
        settings = self._settings
        counts = np.bincount(image[::SAMPLE, ::SAMPLE].ravel(), minlength=LEVELS)
        total = counts.cumsum()
        low, high = np.searchsorted(total, np.array([settings.low_percent, settings.high_percent]) / 100 * total[-1])
        if settings.method == "percentile":
            return _ramp(float(low), float(high), settings.min_span_levels)
        used = counts[counts > 0]
        heaped = np.minimum(counts, settings.plateau * used.mean()).cumsum()
        gain = min(1.0, float(high - low + 1) / settings.min_span_levels)
        curve: NDArray[np.float32] = (255 * (0.5 + gain * (heaped / heaped[-1] - 0.5))).astype(np.float32)
        return curve


def _ramp(low: float, high: float, min_span: int) -> NDArray[np.float32]:
    """Straight from 0 at `low` to 255 at `high`, widened about its middle where that is less than `min_span`."""
    middle, span = (low + high) / 2, max(high - low, min_span)
    curve: NDArray[np.float32] = (np.arange(LEVELS, dtype=np.float32) - np.float32(middle - span / 2)) * np.float32(255 / span)
    return curve.clip(0, 255)
