"""pts -> time that always grows: missing and unordered stamps are repaired and counted."""

from collections import Counter, deque
from fractions import Fraction
from statistics import median_low

from streamfuse.clock import NS_PER_MS, NS_PER_S

MEDIAN_OF = 31  # periods: about a second of video, so that a variable rate is followed
JUMP_NS = 500 * NS_PER_MS  # further back than this is a break in time, not disorder
JUMP_PERIODS = 10


class StampRepair:
    """Nanoseconds since the start of the stream, strictly growing. One per stream, in the order of display."""

    def __init__(self, time_base: Fraction, start_pts: int | None, period_ns: int, problems: Counter[str]) -> None:
        """`period_ns` serves until a period has been seen; `problems` counts what was repaired."""
        self.time_base = time_base
        self._start_pts = start_pts
        self._problems = problems
        self._periods: deque[int] = deque([period_ns], MEDIAN_OF)
        self._last_ns: int | None = None
        self._shift_ns = 0

    @property
    def period_ns(self) -> int:
        """Running median of the time between two pictures."""
        return median_low(self._periods)

    def next_ns(self, pts: int | None) -> int:
        """The time of the next picture, 0 at the start of the stream."""
        t_ns = self._stated_ns(pts)
        if t_ns is None:
            self._problems["pts_missing"] += 1
            t_ns = 0 if self._last_ns is None else self._last_ns + self.period_ns
        elif self._last_ns is not None:
            t_ns = self._in_order_ns(t_ns, self._last_ns)
        self._last_ns = t_ns
        return t_ns

    def _stated_ns(self, pts: int | None) -> int | None:
        if pts is None:
            return None
        if self._start_pts is None:
            self._start_pts = pts
            self._shift_ns = 0 if self._last_ns is None else self._last_ns + self.period_ns
        return round((pts - self._start_pts) * self.time_base * NS_PER_S) + self._shift_ns

    def _in_order_ns(self, t_ns: int, last_ns: int) -> int:
        if t_ns > last_ns:
            self._periods.append(t_ns - last_ns)
            return t_ns
        if last_ns - t_ns > max(JUMP_NS, JUMP_PERIODS * self.period_ns):
            self._problems["pts_jump"] += 1
            self._shift_ns += last_ns + self.period_ns - t_ns  # time goes on from here
            return last_ns + self.period_ns
        self._problems["pts_unordered"] += 1
        return last_ns + max(1, self.period_ns // 2)  # half a period: true stamps catch up, and none of them moves for long
