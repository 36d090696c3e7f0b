"""A camera that states no time of day: its time stamps against the instants at which its packets arrived.

A packet can be late and hardly early, so what counts is the lower edge of (arrival - stream time) over the last minute. The least delay of
camera and network stays in it: nothing that arrives here can tell it.
"""

from collections import deque
from statistics import median

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.source.clocks.line import Line, Point, floor

WINDOW = 60  # seconds of stream time, one point each
MOST = 1000  # packets of a second that are kept: where time stamps stand still it never ends
EARLY = 0.1  # share of the packets of a second that come before its point: the very first only tells how far stamps shake
FALL_NS = 20 * NS_PER_MS  # this much less delay than ever is another way through the network, or another clock
SLOPE_AFTER_NS = 20 * NS_PER_S  # before, a jitter of milliseconds would be taken for drift
MOST_SLOPE = 500e-6  # crystals are good to 100 ppm; more is a fault of the fit
MAD_TO_SIGMA = 1.4826  # standard deviation / median absolute deviation, normal distribution
RECENT = 64  # packets whose delay above the envelope is kept


class EstimatedClock:
    """Stream time -> our monotonic time. One per connection, one thread."""

    def __init__(self) -> None:
        self.line: Line | None = None
        """(arrival - stream time) of a packet without extra delay."""
        self._points: deque[Point] = deque(maxlen=WINDOW)
        self._second: list[Point] = []  # packets of the second that is not over
        self._late_ns: deque[int] = deque(maxlen=RECENT)

    def add(self, stream_ns: int, arrival_ns: int) -> None:
        """Take a packet that arrived at `arrival_ns`, monotonic."""
        point = (stream_ns, arrival_ns - stream_ns)
        if self._second and stream_ns // NS_PER_S > self._second[0][0] // NS_PER_S:
            self._close_second()
        if len(self._second) < MOST:
            self._second.append(point)
        if self.line is None:
            self.line = Line(*point, 0.0)
        self._late_ns.append(max(0, point[1] - self.line.at(stream_ns)))

    def at(self, stream_ns: int) -> int:
        """When that stream time was, on our monotonic clock, late by the least delay."""
        return stream_ns + (self.line.at(stream_ns) if self.line else 0)

    @property
    def span_ns(self) -> int:
        """Stream time that the fit is made of."""
        return self._points[-1][0] - self._points[0][0] if self._points else 0

    @property
    def drift_ppm(self) -> float | None:
        """How much faster than ours the camera's clock runs; None until that can be told from jitter."""
        return None if self.line is None or self.span_ns < SLOPE_AFTER_NS else -self.line.slope * 1e6

    @property
    def jitter_ns(self) -> int:
        """How irregularly packets arrive: robust standard deviation of the last ones."""
        if not self._late_ns:
            return 0
        middle = median(self._late_ns)
        return round(MAD_TO_SIGMA * median(abs(late - middle) for late in self._late_ns))

    @property
    def late_ns(self) -> int:
        """How much later than at its best the last packet came."""
        return self._late_ns[-1] if self._late_ns else 0

    @property
    def lag_ns(self) -> int:
        """How far behind its best this camera is, for good: the least delay among the last packets."""
        return min(self._late_ns, default=0)

    def _close_second(self) -> None:
        """Make a point of the packets of a second, and lay the line anew."""
        self._second.sort(key=lambda point: point[1])
        whole, part = divmod(EARLY * (len(self._second) - 1), 1)
        stream_ns, delay_ns = self._second[int(whole)]
        delay_ns += round(part * (self._second[min(int(whole) + 1, len(self._second) - 1)][1] - delay_ns))
        self._second.clear()
        if self.line is not None and delay_ns < self.line.at(stream_ns) - FALL_NS:
            self._points.clear()
        self._points.append((stream_ns, delay_ns))
        self.line = floor(self._points, sloped=self.span_ns >= SLOPE_AFTER_NS).clamped(MOST_SLOPE)
