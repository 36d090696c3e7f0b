"""A recording's thread: open, read, tone, wait until each frame is due, hand over; go round where it loops."""

import dataclasses
from collections.abc import Iterator

from streamfuse.clock import NS_PER_S
from streamfuse.errors import SourceError
from streamfuse.flow.feed import Feed
from streamfuse.flow.pace import Pace
from streamfuse.frames import Frame

USUAL_PERIOD_NS = NS_PER_S // 25  # of a recording whose pictures do not tell


class RecordingReader:
    """Feeds a recording into its stream until it ends, fails, or all is stopped."""

    def __init__(self, feed: Feed, pace: Pace, *, loop: bool) -> None:
        self.name = feed.name
        self._feed = feed
        self._source = feed.source
        self._pace = pace
        self._loop = loop
        self._shift_ns = 0
        self._end_ns = 0
        self._started = False
        self._last_ns: int | None = None

    def run(self) -> None:
        """The thread's body."""
        try:
            self._laps()
        finally:
            self._pace.leave()
            self._source.close()
            self._feed.end()

    def _laps(self) -> None:
        """One lap, or laps until the stop. A recording that cannot be opened ends its pair: nobody meant to replay half of it."""
        feed = self._feed
        feed.tell("opening")
        try:
            self._source.open()
        except SourceError:
            feed.stopping.set()
            raise
        while not feed.stopping.is_set():
            before = feed.frames
            self._lap()
            if not self._loop or feed.frames == before:
                break
            feed.gone(lap=True)
            shift_ns = self._pace.lap(self._end_ns)
            if shift_ns is None:
                break
            self._source.close()
            self._source.open()
            feed.renew_epoch()
            self._shift_ns = shift_ns
        feed.tell("ended")

    def _lap(self) -> None:
        """Everything that the recording holds."""
        for raw, read_ns in self._read_all():
            staged = self._feed.through_stages(self._feed.on_time_line(raw, self._shift_ns))
            if staged is None:
                continue
            frame = self._in_time(staged)
            if frame is None or not self._feed.put(frame, read_ns):
                return

    def _read_all(self) -> Iterator[tuple[Frame, int]]:
        clock = self._feed.clock
        while not self._feed.stopping.is_set():
            started_ns = clock.now_ns()
            frame = self._source.read()
            if frame is None:
                return
            yield frame, clock.now_ns() - started_ns

    def _in_time(self, frame: Frame) -> Frame | None:
        """Wait until the frame is due; None on a stop."""
        if not self._started:
            self._started = True
            self._feed.tell("waiting to start")
            if not self._pace.arrive(frame.t_cap_ns):
                return None
            self._feed.tell("running")
        period_ns = frame.t_cap_ns - self._last_ns if self._last_ns is not None else 0
        self._last_ns = frame.t_cap_ns
        self._end_ns = frame.t_cap_ns + (period_ns if period_ns > 0 else USUAL_PERIOD_NS)
        t_due_ns = self._pace.wait_due(frame.t_cap_ns)
        if self._pace.slipped_ns:
            self._feed.tell(f"running, {self._pace.slipped_ns / NS_PER_S:.1f} s behind its own pace")
        if self._feed.stopping.is_set():
            return None
        return frame if t_due_ns is None else dataclasses.replace(frame, t_due_ns=t_due_ns)
