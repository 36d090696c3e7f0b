"""Capture times for a live camera's pictures: its time stamps, counted where they are odd, through the ladder of clocks."""

from collections import Counter
from fractions import Fraction

from streamfuse.clock import NS_PER_S, ClockReport
from streamfuse.source.clocks import Ladder, LadderSettings, Stamp
from streamfuse.source.packet import Packet

# Containers whose time stamps come from a clock. Others count pictures at a nominal rate, which is no time.
CLOCKED = ("flv", "hls", "live_flv", "mpegts", "rtp", "rtsp", "v4l2")
DEVICE = "v4l2"


class LiveTime:
    """One per connection, one thread; `report` may be read by any."""

    def __init__(
        self,
        settings: LadderSettings,
        *,
        container: str,
        time_base: Fraction,
        period_ns: int,
        problems: Counter[str],
        opening_ns: int = 0,
    ) -> None:
        """`container` is FFmpeg's name of it, `period_ns` nominal; `problems` counts odd time stamps; `opening_ns`: as `Ladder`."""
        names = container.split(",")
        self.time_base = time_base
        self._clocked = any(name in CLOCKED for name in names)
        self.ladder = Ladder(settings, period_ns=period_ns, device=DEVICE in names, opening_ns=opening_ns)
        self._problems = problems
        self._jumps = 0
        self._last_pts: int | None = None

    def go_on_from(self, before: "LiveTime") -> None:
        """What the last connection learnt of the delay holds for this one."""
        self.ladder.delay_ns, self.ladder.hint_ns = before.ladder.delay_ns, before.ladder.hint_ns

    @property
    def report(self) -> ClockReport | None:
        """What is known of the camera's clock; None in the first second."""
        return self.ladder.report

    def assume_delay(self, delay_ns: int) -> None:
        """Until this camera's own delay is learnt."""
        self.ladder.hint_ns = delay_ns

    def see(self, packet: Packet) -> None:
        """Take a packet before its pictures are stamped."""
        self.ladder.see(self._stream_ns(packet.pts), packet.arrival_ns, packet.utc_offset_ns, packet.wall_ns)
        if self.ladder.jumps > self._jumps:
            self._problems["pts_jump"] += 1
            self._jumps = self.ladder.jumps
            self._last_pts = None

    def stamp(self, pts: int | None) -> Stamp:
        """When the picture with that time stamp was captured. A time stamp that does not grow is counted."""
        if pts is None:
            self._problems["pts_missing"] += 1
        elif self._last_pts is not None and pts <= self._last_pts:
            self._problems["pts_unordered"] += 1
        self._last_pts = pts if self._last_pts is None or pts is None else max(pts, self._last_pts)
        return self.ladder.stamp(self._stream_ns(pts))

    def _stream_ns(self, pts: int | None) -> int | None:
        return None if pts is None or not self._clocked else round(pts * self.time_base * NS_PER_S)
