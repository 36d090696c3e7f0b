"""Whether an infrared camera repeats one picture, as it does behind its shutter, while the world goes on.

Identical pictures alone prove nothing: a quiet scene in H.264 decodes to up to 47 of them in a row. So a still infrared picture is called
frozen only while the visible camera sees something move, and at once where it is flat: a closed shutter, or no picture at all.
"""

from collections import deque
from math import ceil
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from streamfuse.clock import NS_PER_MS
from streamfuse.frames import Frame, Planes, Spectrum
from streamfuse.registry import Settings

ROWS = 120  # rows of the infrared picture that are compared: all columns, so that only what is smaller than the step escapes
CELLS_ACROSS = 80  # of the visible picture's shared view; each is the sum of four samples, which halves the noise
STEP_NS = 60 * NS_PER_MS  # visible pictures closer in time are not compared: slow things have hardly moved
STEPS_MOVED = 2  # a lamp that is switched on moves in one step only
CELLS_MOVED = 0.002  # share of the cells that must change: 14 of 6,912 at 640x480
NOISE_SIGMAS = 6.0  # a change of a cell counts from here on, in standard deviations of all changes ...
LEAST_CHANGE = 4 * 10  # ... and from 10 grey levels on: a cell sums four samples ...
ENOUGH_CHANGE = 4 * 40  # ... and always from 40 on, or a camera that pans would look like noise
MAD_TO_SIGMA = 1.4826  # standard deviation / median absolute deviation, normal distribution
LEVELS_OF_16_BITS = 8.0  # flatness of raw thermal counts: a shutter's sensor noise is a few counts where a scene has hundreds


class FreezeSettings(Settings):
    """When an infrared camera is called frozen."""

    enabled: bool = True
    periods: float = Field(default=3.0, ge=1.0, le=300.0)
    """Identical for more than so many periods of the infrared stream, while the visible picture moves."""
    flat_levels: float = Field(default=0.5, ge=0.0, le=64.0)
    """A picture whose grey levels have a smaller standard deviation is flat. Of 8 bits; 16-bit counts may have 8 times as much."""
    shared_view: tuple[float, float, float, float] = (0.2, 0.2, 0.8, 0.8)
    """Left, top, right, bottom of what both cameras see, as fractions of the visible picture. Motion elsewhere does not count."""

    @field_validator("shared_view")
    @classmethod
    def _inside(cls, view: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        left, top, right, bottom = view
        if not (0.0 <= left < right <= 1.0 and 0.0 <= top < bottom <= 1.0):
            raise ValueError("wanted left < right and top < bottom, all between 0 and 1")
        return view


class Look(NamedTuple):
    """What one infrared picture shows by itself."""

    still_since_ns: int
    """Capture time of the first picture of the run of identical ones that this one belongs to."""
    flat: bool


class Freeze:
    """Sees every frame of both cameras; keeps copies of samples, never a frame."""

    def __init__(self, settings: FreezeSettings) -> None:
        self._settings = settings
        self._rows: NDArray[Any] | None = None
        self._look = Look(0, flat=False)
        self._cells: NDArray[np.int16] | None = None
        self._cells_ns = 0
        self._motions: deque[tuple[int, int]] = deque(maxlen=64)  # from, to: 4 s at least

    def see(self, frame: Frame) -> Look | None:
        """Take a frame, in order of capture; an infrared one gets a look."""
        if not self._settings.enabled:
            return None
        if frame.spectrum is Spectrum.INFRARED:
            return self._see_infrared(frame)
        self._see_visible(frame)
        return None

    def frozen(self, frame: Frame, look: Look | None, until_ns: int, period_ns: int | None) -> bool:
        """Whether that infrared frame is frozen, by what the visible camera saw up to `until_ns`."""
        if look is None:
            return False
        if look.flat:
            return True
        if period_ns is None or frame.t_cap_ns - look.still_since_ns <= self._settings.periods * period_ns:
            return False
        return sum(start >= look.still_since_ns and stop <= until_ns for start, stop in self._motions) >= STEPS_MOVED

    def forget(self, spectrum: Spectrum) -> None:
        """Time broke for that camera: its next picture follows none."""
        if spectrum is Spectrum.INFRARED:
            self._rows = None
        else:
            self._cells = None
            self._motions.clear()

    def _see_infrared(self, frame: Frame) -> Look:
        assert not isinstance(frame.image, Planes)  # the constructor of Frame saw to it
        rows = frame.image[:: max(1, frame.image.shape[0] // ROWS)].copy()
        if self._rows is None or not np.array_equal(rows, self._rows):
            self._rows = rows
            self._look = Look(frame.t_cap_ns, self._is_flat(rows))
        return self._look

    def _is_flat(self, rows: NDArray[Any]) -> bool:
        most = self._settings.flat_levels * (1.0 if rows.dtype == np.uint8 else LEVELS_OF_16_BITS)
        return bool(rows[:, :: max(1, rows.shape[1] // ROWS)].std() < most)

    def _see_visible(self, frame: Frame) -> None:
        if self._cells is not None and frame.t_cap_ns - self._cells_ns < STEP_NS:
            return
        cells = _cells(frame, self._settings.shared_view)
        if self._cells is not None and self._cells.shape == cells.shape and _moved(cells - self._cells):
            self._motions.append((self._cells_ns, frame.t_cap_ns))
        self._cells, self._cells_ns = cells, frame.t_cap_ns


def _cells(frame: Frame, view: tuple[float, float, float, float]) -> NDArray[np.int16]:
    """Brightness of the shared view on a coarse grid, 0 to 4 x 255. Green stands in for luma: it is most of it, and costs nothing."""
    plane = frame.image.y if isinstance(frame.image, Planes) else frame.image[..., 1]
    height, width = plane.shape
    left, top, right, bottom = view
    plane = plane[int(top * height) : ceil(bottom * height), int(left * width) : ceil(right * width)]
    step = max(1, min(plane.shape[1] // CELLS_ACROSS, plane.shape[0]))
    plane = plane[: plane.shape[0] // step * step, : plane.shape[1] // step * step]
    cells: NDArray[np.int16] = np.zeros(plane[::step, ::step].shape, np.int16)
    for row in (0, step // 2):
        for column in (0, step // 2):
            cells += plane[row::step, column::step]
    return cells


def _moved(change: NDArray[np.int16]) -> bool:
    """Whether something moved, and it is neither noise nor the light: a change of all cells alike does not count."""
    change = np.abs(change - np.int16(np.median(change[::3, ::3])))  # a ninth of the cells tells as much of light and noise
    level = min(max(LEAST_CHANGE, NOISE_SIGMAS * MAD_TO_SIGMA * float(np.median(change[::3, ::3]))), ENOUGH_CHANGE)
    return int(np.count_nonzero(change > level)) >= max(1.0, CELLS_MOVED * change.size)
