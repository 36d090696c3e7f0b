"""By how much the visible camera's stamps are late: the lag at which edges change alike in both streams, and whether to believe it.

Where the views do not lie on each other, people who all walk one way seem to be early or late. So infrared is also moved by whole
blocks until the correlation is highest, and the lag is read off there, between blocks by a parabola in each direction.

To be believed, the lag must stay where it is when any quarter of the time is left out, with no second peak that is nearly as high in any
of these: chance, a single passer-by and periodic motion fail there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamfuse.sync.content_curve import FEW, Curve, Floats, Peak, Series, Streams

QUARTERS = 4
LEAST_PEAK = 0.1  # mean squared correlation times root of the seconds: chance alone falls with the root; the poorest recordings have 0.11
CLEAR = 2.0  # peak / second peak that leaves no doubt, in the worst of the quarters left out; 1.5 is sure enough
ENOUGH_S = 4.0  # seen by both: less is never sure
AGREE_S = 0.04  # quarters may differ by so much, or half a period of the slower camera
SURE = 0.5
FARTHEST = 4  # blocks that infrared is moved by at most: an eighth of the picture's width
NEAR_S = 0.3  # between neighbours a lag changes by less than this, or they do not show the same
NEIGHBOURS = ((1, 0), (-1, 0), (0, 1), (0, -1))
NOT_SEEN, NOT_ALIKE, NOT_ONE, NOT_STEADY, AT_THE_END, NOT_ALIGNED = (
    "both cameras saw too little of the same time",
    "nothing that moves is seen by both cameras",
    "several offsets fit nearly as well: motion is periodic, or too little",
    "parts of the time say different things",
    "it may lie beyond what was searched",
    "the views lie too far from each other; calibrate them first",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lag:
    """What the correlation says. `offset_s` is visible minus infrared: to be added to infrared's times."""

    offset_s: float
    sigma_s: float
    """Standard deviation by the quarters (jackknife): of chance alone, not of what both cameras see differently."""
    confidence: float
    """0 to 1; sure from 0.5 on."""
    reason: str
    """Why it is not sure; empty where it is."""
    seconds: float
    """Seen by both at that offset."""
    moved: tuple[float, float]
    """Blocks to the right and down by which infrared lies best on the visible picture."""
    lags_L: NDArray[np.float64]
    """Seconds."""
    score_L: Floats
    """Mean squared correlation at each lag, 0 where too little is common."""

    @property
    def sure(self) -> bool:
        """Whether to believe it."""
        return not self.reason


def find_lag(infrared: Series, visible: Series, *, most_s: float, grid: tuple[int, int] | None = None) -> Lag:
    """The lag within ±`most_s`. Never raises for what the cameras saw: `reason` says what was missing.

    `grid`: rows and columns of the blocks, where infrared may be moved; None where the views are known to lie on each other.
    """
    if min(len(infrared.t_N), len(visible.t_N)) < FEW:
        return _unknown(NOT_SEEN)
    if max(infrared.t_N[0], visible.t_N[0]) - min(infrared.t_N[-1], visible.t_N[-1]) > most_s:  # the grid of both would span that gap
        return _unknown(NOT_SEEN)
    views = _Views(infrared, visible, most_s, grid)
    at = views.best()
    streams, curve = views.streams(at), views.curve(at)
    if not streams.moving:
        return _unknown(NOT_ALIKE)
    peak = curve.peak()
    if peak.height <= 0:
        return _unknown(NOT_SEEN)
    seconds = float(np.interp(peak.lag_s, curve.lags_L, curve.seconds_L))
    parts = [streams.curve(known_N1).peak() for known_N1 in streams.without_each(QUARTERS, peak.lag_s)]
    found_Q = np.array([part.lag_s for part in parts])
    agree_s = max(AGREE_S, *(float(np.median(np.diff(series.t_N))) / 2 for series in (infrared, visible)))
    confidence, reason = _judged(peak, parts, seconds, most_s=most_s, agree_s=agree_s)
    if max(map(abs, at)) >= FARTHEST:
        confidence, reason = 0.0, reason or NOT_ALIGNED
    moved, late_s = views.between(at, peak)
    return Lag(
        offset_s=peak.lag_s + late_s,
        sigma_s=float(np.sqrt((QUARTERS - 1) / QUARTERS * ((found_Q - found_Q.mean()) ** 2).sum())),
        confidence=confidence,
        reason=reason,
        seconds=seconds,
        moved=moved,
        lags_L=curve.lags_L,
        score_L=curve.score_L,
    )


def _judged(peak: Peak, parts: list[Peak], seconds: float, *, most_s: float, agree_s: float) -> tuple[float, str]:
    """Confidence, and the first reason why it is not enough."""
    clear = (min(part.ratio for part in [peak, *parts]) - 1) / (CLEAR - 1)
    steady = 1.5 - max(abs(part.lag_s - peak.lag_s) for part in parts) / agree_s
    seen = 0.5 * peak.height * float(np.sqrt(seconds)) / LEAST_PEAK
    inside = 1.0 if abs(peak.lag_s) <= most_s else 0.0
    long = SURE * seconds / ENOUGH_S
    doubts = {NOT_SEEN: long, NOT_ALIKE: seen, AT_THE_END: inside, NOT_ONE: clear, NOT_STEADY: steady}
    confidence = float(np.clip(min(doubts.values()), 0, 1))
    return confidence, next((reason for reason, value in doubts.items() if value < SURE), "")


def _unknown(reason: str) -> Lag:
    nothing: NDArray[np.float64] = np.zeros(0)
    score_L: Floats = nothing.astype(np.float32)
    return Lag(offset_s=0.0, sigma_s=0.0, confidence=0.0, reason=reason, seconds=0.0, moved=(0.0, 0.0), lags_L=nothing, score_L=score_L)


class _Views:
    """Infrared moved over the visible picture by whole blocks. A move is (right, down)."""

    def __init__(self, infrared: Series, visible: Series, most_s: float, grid: tuple[int, int] | None) -> None:
        self._infrared = infrared
        self._visible = visible
        self._most_s = most_s
        self._grid = grid
        self._curves: dict[tuple[int, int], Curve] = {}

    def streams(self, at: tuple[int, int]) -> Streams:
        """Both series, infrared moved."""
        if self._grid is None or at == (0, 0):
            return Streams(self._infrared, self._visible, self._most_s)
        return Streams(Series(self._infrared.t_N, _moved(self._infrared.edges_NB, self._grid, at)), self._visible, self._most_s)

    def curve(self, at: tuple[int, int]) -> Curve:
        """At one move, remembered."""
        if at not in self._curves:
            self._curves[at] = self.streams(at).curve()
        return self._curves[at]

    def best(self) -> tuple[int, int]:
        """Uphill from where the views are said to lie on each other."""
        at = (0, 0)
        while self._grid is not None and max(map(abs, at)) < FARTHEST:
            higher = max([at, *_around(at)], key=lambda move: self.curve(move).peak().height)
            if higher == at:
                break
            at = higher
        return at

    def between(self, at: tuple[int, int], peak: Peak) -> tuple[tuple[float, float], float]:
        """Where between the blocks the correlation is highest, and by how much the lag there differs from that at `at`."""
        if self._grid is None or max(map(abs, at)) >= FARTHEST:
            return (float(at[0]), float(at[1])), 0.0
        found = [self.curve(move).peak(peak.lag_s, NEAR_S) for move in _around(at)]
        shares, late_s = [], 0.0
        for after, before in (found[:2], found[2:]):
            bend = before.height + after.height - 2 * peak.height
            share = float(np.clip((before.height - after.height) / (2 * bend), -0.5, 0.5)) if bend < 0 else 0.0
            shares.append(share)
            late_s += share * (after.lag_s - before.lag_s) / 2
        return (at[0] + shares[0], at[1] + shares[1]), late_s


def _around(at: tuple[int, int]) -> list[tuple[int, int]]:
    return [(at[0] + right, at[1] + down) for right, down in NEIGHBOURS]


def _moved(edges_NB: Floats, grid: tuple[int, int], at: tuple[int, int]) -> Floats:
    """All blocks moved; what comes in at the border never changes."""
    right, down = at
    rows, columns = grid
    source_NRC = edges_NB.reshape(-1, rows, columns)
    target_NRC = np.zeros_like(source_NRC)
    target_NRC[:, max(down, 0) : rows + min(down, 0), max(right, 0) : columns + min(right, 0)] = source_NRC[
        :, max(-down, 0) : rows - max(down, 0), max(-right, 0) : columns - max(right, 0)
    ]
    return target_NRC.reshape(edges_NB.shape)
