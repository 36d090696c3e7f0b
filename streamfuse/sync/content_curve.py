"""Correlation of two series of blocks over all lags.

    change   d(edges)/dt of each block, at the middle of two pictures, minus the median of all blocks: light, gain and shake go
    score    per lag, the mean over blocks of the squared correlation. The square costs the sign: a thing may appear in one
             spectrum where it vanishes in the other

Both are made to fit a common grid of time, each lag counts what both saw there, and all lags are done at once by FFT.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

STEP_S = 0.02  # of the lags, finer than the pictures: a parabola over whole periods is drawn towards the nearest of them
SHARE = 0.3  # of the blocks, those where both cameras see the most change
LEAST_S = 2.0  # both cameras must have seen so much of the same
FAINT = 0.05  # of the median variances' product: what keeps blocks of mere noise down
GAP_S, GAP_PERIODS = 0.5, 4  # between two pictures: nothing is known of what changed there
FEW = 3  # pictures


class Series(NamedTuple):
    """One camera's blocks over time."""

    t_N: NDArray[np.float64]
    """Seconds, growing."""
    edges_NB: Floats


class Peak(NamedTuple):
    """The highest point of a curve."""

    lag_s: float
    height: float
    ratio: float
    """To the highest point off its slopes."""


class Curve(NamedTuple):
    """Score at each lag, visible minus infrared."""

    lags_L: NDArray[np.float64]
    """Seconds."""
    score_L: Floats
    """0 where too little is common."""
    seconds_L: Floats
    """Common at that lag."""

    def peak(self, near_s: float | None = None, within_s: float = 0.0) -> Peak:
        """Between samples by a parabola; of all lags, or of those within `within_s` of `near_s`."""
        score_L = self.score_L if near_s is None else np.where(np.abs(self.lags_L - near_s) <= within_s, self.score_L, 0).astype(np.float32)
        return _peak(self.lags_L, score_L)


class _Grid(NamedTuple):
    """Changes on a common grid of time, padded with zeros; `known` is 0 there and in gaps."""

    change_NB: Floats
    known_N1: Floats


class _Spectra(NamedTuple):
    """Fourier transforms over time: of the changes, their squares, and of what is known."""

    change_FB: NDArray[np.complex64]
    square_FB: NDArray[np.complex64]
    known_F1: NDArray[np.complex64]


class Streams:
    """Two series brought together, ready for any number of curves. `moving` is False where no block changes in both."""

    def __init__(self, infrared: Series, visible: Series, most_s: float) -> None:
        self._width = round(most_s / STEP_S) + 2  # two more: a peak at the very end is seen as such
        moving_B = _moving(infrared, visible)
        self.moving = bool(moving_B.any())
        self._first, self._second = _grids(infrared, visible, moving_B, self._width)
        self._second_spectra = _spectra(self._second)
        self.lags_L: NDArray[np.float64] = np.arange(-self._width, self._width + 1) * np.float64(STEP_S)

    def curve(self, known_N1: Floats | None = None) -> Curve:
        """Over all lags. `known_N1`: leave out what is 0 there; as long as the grid, on infrared's time."""
        first, least_s = self._first, LEAST_S
        if known_N1 is not None:
            least_s *= float(known_N1.sum() / max(1.0, first.known_N1.sum()))
            first = _Grid(first.change_NB * known_N1, known_N1)
        score_L, seconds_L = _curve(_spectra(first), self._second_spectra, len(first.known_N1), self._width)
        return Curve(self.lags_L, np.where(seconds_L >= least_s, score_L, 0).astype(np.float32), seconds_L)

    def without_each(self, count: int, lag_s: float) -> list[Floats]:
        """What infrared knows, each time without one of `count` equal parts of what both saw at that lag."""
        common = np.flatnonzero((self._first.known_N1 * np.roll(self._second.known_N1, -round(lag_s / STEP_S), axis=0))[:, 0])
        cuts = []
        for part in np.array_split(common, count):
            known_N1 = self._first.known_N1.copy()
            if len(part):
                known_N1[part[0] : part[-1] + 1] = 0
            cuts.append(known_N1)
        return cuts


# From pictures to changes on a grid.


def _change(series: Series) -> Floats:
    """(N - 1, B) per second."""
    span_N1: Floats = np.diff(series.t_N)[:, None].astype(np.float32)
    change_NB: Floats = np.diff(series.edges_NB, axis=0) / span_N1
    light_N1: Floats = np.median(change_NB, axis=1, keepdims=True).astype(np.float32)
    return change_NB - light_N1


def _moving(infrared: Series, visible: Series) -> NDArray[np.bool_]:
    """The share of the blocks where both see the most change."""
    both_B = np.sqrt(_change(infrared).var(0) * _change(visible).var(0))
    least = np.partition(both_B, -round(SHARE * len(both_B)))[-round(SHARE * len(both_B))]
    moving_B: NDArray[np.bool_] = (both_B >= least) & (both_B > 0)
    return moving_B


def _grids(infrared: Series, visible: Series, moving_B: NDArray[np.bool_], width: int) -> tuple[_Grid, _Grid]:
    """Both on the same grid, long enough that a lag of `width` steps does not come round from the other end."""
    begin_s = min(infrared.t_N[0], visible.t_N[0])
    samples = int((max(infrared.t_N[-1], visible.t_N[-1]) - begin_s) / STEP_S) + 1
    length = 1 << (samples + width).bit_length()
    first, second = (_on_grid(series, moving_B, begin_s, (samples, length)) for series in (infrared, visible))
    return first, second


def _on_grid(series: Series, moving_B: NDArray[np.bool_], begin_s: float, sizes: tuple[int, int]) -> _Grid:
    change_NB = _change(series)[:, moving_B]
    change_NB -= change_NB.mean(0)
    samples, length = sizes
    middle_N = (series.t_N[1:] + series.t_N[:-1]) / 2
    at_N = begin_s + np.arange(samples) * STEP_S
    after_N = np.clip(np.searchsorted(middle_N, at_N), 1, len(middle_N) - 1)
    apart_N = middle_N[after_N] - middle_N[after_N - 1]
    share_N1 = ((at_N - middle_N[after_N - 1]) / apart_N)[:, None].astype(np.float32)
    gap_s = max(GAP_S, GAP_PERIODS * float(np.median(apart_N)))
    known_N = (at_N >= middle_N[0]) & (at_N <= middle_N[-1]) & (apart_N <= gap_s)
    known_N1 = np.zeros((length, 1), np.float32)
    known_N1[:samples, 0] = known_N
    whole_NB = np.zeros((length, change_NB.shape[1]), np.float32)
    whole_NB[:samples] = change_NB[after_N - 1] * (1 - share_N1) + change_NB[after_N] * share_N1
    return _Grid(whole_NB * known_N1, known_N1)


# From changes to lags.


def _spectra(grid: _Grid) -> _Spectra:
    change_FB, square_FB, known_F1 = (_spectrum(part) for part in (grid.change_NB, grid.change_NB**2, grid.known_N1))
    return _Spectra(change_FB, square_FB, known_F1)


def _spectrum(part: Floats) -> NDArray[np.complex64]:
    return np.fft.rfft(part, axis=0).astype(np.complex64, copy=False)


def _curve(first: _Spectra, second: _Spectra, length: int, width: int) -> tuple[Floats, Floats]:
    """Mean over blocks of r² at each lag from -width to width, and the seconds that both know there."""

    def across(left: NDArray[np.complex64], right: NDArray[np.complex64]) -> Floats:
        around: Floats = np.fft.irfft(np.conj(left) * right, length, axis=0).astype(np.float32, copy=False)
        return np.concatenate([around[-width:], around[: width + 1]])

    both_LB = across(first.change_FB, second.change_FB)
    first_LB = across(first.square_FB, second.known_F1).clip(0)
    second_LB = across(first.known_F1, second.square_FB).clip(0)
    seconds_L: Floats = across(first.known_F1, second.known_F1)[:, 0] * np.float32(STEP_S)
    faint = FAINT * _middle(first_LB) * _middle(second_LB)
    score_L: Floats = (both_LB**2 / (first_LB * second_LB + faint + np.finfo(np.float32).tiny)).sum(1) / max(1, both_LB.shape[1])
    return score_L, seconds_L


def _middle(values_LB: Floats) -> float:
    return float(np.median(values_LB)) if values_LB.size else 0.0


def _peak(lags_L: NDArray[np.float64], score_L: Floats) -> Peak:
    top = int(np.clip(score_L.argmax(), 1, len(score_L) - 2))
    height = float(score_L[top])
    if height <= 0:
        return Peak(float(lags_L[top]), 0.0, 1.0)
    left, right = float(score_L[top - 1]), float(score_L[top + 1])
    bend = left + right - 2 * height
    shift = float(np.clip((left - right) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0
    rest_L = score_L.copy()
    rest_L[_foot(score_L, top, -1) : _foot(score_L, top, 1) + 1] = 0
    second = max(float(rest_L.max()), 1e-3 * height)
    return Peak(float(lags_L[top]) + shift * STEP_S, height, height / second)


def _foot(score_L: Floats, top: int, way: int) -> int:
    """Where the slope of a peak ends: below half its height, and no longer falling."""
    at = top
    while 0 < at < len(score_L) - 1 and (score_L[at] > score_L[top] / 2 or score_L[at + way] < score_L[at]):
        at += way
    return at
