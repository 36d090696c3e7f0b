"""The camera's own UTC, as its sender reports (RFC 3550, 6.4.1) tie it to the time stamps of its packets.

FFmpeg hands each packet the wall clock that the last report gives for its stamp. These are samples of a line, wall = a + b * stream time:
frames are stamped from the line, never from a sample, since FFmpeg may attach a sample to the packet beside the right one.
"""

from collections import deque
from statistics import median

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.source.clocks.line import Line, Point, least_squares

WINDOW = 60  # seconds of stream time, one sample each
SLOPE_AFTER_NS = 20 * NS_PER_S  # reports come about every five seconds
NEWEST = 3  # samples whose median serves until there is a slope
MOST_SLOPE = 1000e-6
DOUBT_NS = 50 * NS_PER_MS  # further from the line than this, a sample is a mistake, or the camera's clock was set
CONFIRM_NS = 6 * NS_PER_S  # a camera that was set says so in two reports, five seconds apart
SAME_REPORT_NS = 5_000  # samples of one report differ by the rounding to microseconds only
FLOOR_NS = NS_PER_MS  # what a report rounds away, and what a camera's stamping leaves open
FREE_RUN = 100e-6  # how fast a line without new samples may go wrong


class RtcpClock:
    """Stream time -> the camera's UTC. One per connection, one thread."""

    def __init__(self) -> None:
        self.line: Line | None = None
        """(wall - stream time); None until a report was seen."""
        self.reports = 0
        """Reports that could be told apart: two of a perfect clock look alike, and count as one."""
        self.restarts = 0
        """How often the camera's clock was set."""
        self._skipped_first = False
        self._samples: deque[Point] = deque(maxlen=WINDOW)
        self._doubted: deque[Point] = deque(maxlen=WINDOW)
        self._last_offset_ns: int | None = None
        self._newest_ns = 0
        self._spread_ns = 0

    def add(self, stream_ns: int, wall_ns: int) -> None:
        """Take a sample."""
        if not self._skipped_first:  # the first one is a frame late: measured with FFmpeg 8
            self._skipped_first = True
            return
        offset_ns = wall_ns - stream_ns
        self._newest_ns = stream_ns
        if self._last_offset_ns is None or abs(offset_ns - self._last_offset_ns) > SAME_REPORT_NS:
            self.reports += 1
        self._last_offset_ns = offset_ns
        if self.line is not None and abs(offset_ns - self.line.at(stream_ns)) > DOUBT_NS:
            self._doubt(stream_ns, offset_ns)
            return
        self._doubted.clear()
        if not self._samples or stream_ns // NS_PER_S != self._samples[-1][0] // NS_PER_S:
            self._samples.append((stream_ns, offset_ns))
            self._fit()

    def at(self, stream_ns: int) -> int:
        """The camera's UTC at that stream time."""
        assert self.line is not None, "ask for `line` first"
        return stream_ns + self.line.at(stream_ns)

    @property
    def drift_ppm(self) -> float | None:
        """How much faster the camera's UTC runs than its time stamps; None until that was measured."""
        return self.line.slope * 1e6 if self.line is not None and self._has_slope else None

    def uncertainty_ns(self, stream_ns: int) -> int:
        """Half width, by what the reports themselves show: that the camera's UTC is right cannot be seen in them."""
        return FLOOR_NS + self._spread_ns + round(FREE_RUN * max(0, stream_ns - self._newest_ns))

    @property
    def drift_noise_ppm(self) -> float:
        """How far off `drift_ppm` may be."""
        span_ns = self._samples[-1][0] - self._samples[0][0] if self._samples else 0
        return 1e6 * self._spread_ns / span_ns if span_ns else 0.0

    @property
    def _has_slope(self) -> bool:
        return self._samples[-1][0] - self._samples[0][0] >= SLOPE_AFTER_NS if self._samples else False

    def _fit(self) -> None:
        if self._has_slope:
            used = list(self._samples)
            self.line = least_squares(used).clamped(MOST_SLOPE)
        else:
            used = list(self._samples)[-NEWEST:]
            self.line = Line(used[-1][0], round(median(y for _, y in used)), 0.0)
        self._spread_ns = max(abs(y - self.line.at(x)) for x, y in used)

    def _doubt(self, stream_ns: int, offset_ns: int) -> None:
        """A sample far from the line: nothing, until those that follow agree for long enough that there was another report."""
        if self._doubted and abs(offset_ns - self._doubted[-1][1]) > DOUBT_NS:
            self._doubted.clear()
        if not self._doubted or stream_ns // NS_PER_S != self._doubted[-1][0] // NS_PER_S:
            self._doubted.append((stream_ns, offset_ns))
        if stream_ns - self._doubted[0][0] >= CONFIRM_NS:
            self.restarts += 1
            self._samples, self._doubted = self._doubted, deque(maxlen=WINDOW)
            self._fit()
