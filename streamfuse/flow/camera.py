"""A live camera's thread: connect, decode, watch over it, and try again whatever happens, so that a pair never waits for a camera.

States: connecting, waiting for a key frame, running, stalled, backoff; and disabled where the credentials were refused.
"""

import logging
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from streamfuse.clock import NS_PER_S
from streamfuse.errors import SourceAuthError, SourceError, UnsupportedInputError
from streamfuse.flow.backlog import Backlog
from streamfuse.flow.backoff import FIRST_S, Backoff
from streamfuse.flow.channel import Closed
from streamfuse.flow.connection import Connection
from streamfuse.flow.feed import Feed
from streamfuse.flow.heap import give_back_freed
from streamfuse.flow.vigil import Vigil
from streamfuse.flow.worker import Failures
from streamfuse.frames import Frame
from streamfuse.redaction import redacted
from streamfuse.stages import Clocked, PacketSource

logger = logging.getLogger(__name__)

POLL_S = 0.05  # how long a stop may go unnoticed
OPEN_S = 1.5  # a first try at connecting takes no longer; later ones have as much more as the waits between them
MOST_HANGING = 8  # threads of one camera that hang in the network; with more it waits until one comes back
ENDING_S, GIVEN_UP_S = 1.0, 0.3  # to wait for the thread of a connection: the next packet ends it; it hangs, most likely
FIGURES_NS = NS_PER_S


class State(StrEnum):
    """What a camera is doing; what is told of it begins with this."""

    CONNECTING = "connecting"
    WAITING = "waiting for a key frame"
    RUNNING = "running"
    STALLED = "stalled"
    BACKOFF = "backoff"
    DISABLED = "disabled"
    ENDED = "ended"


class CameraReader:
    """Feeds a live camera into its stream until all is stopped, or it turns out to be none."""

    def __init__(self, feed: Feed, failures: Failures, backoff: Backoff | None = None) -> None:
        self.name = feed.name
        self._feed = feed
        self._failures = failures
        self._backoff = backoff or Backoff()
        self._hanging: list[Connection] = []
        self._opening_s = 0.0  # the longest that connecting took and succeeded
        self._told_ns = 0
        self._size: tuple[int, int] | None = None
        self._fitted = True

    def run(self) -> None:
        """The thread's body."""
        feed = self._feed
        try:
            while not feed.stopping.is_set():
                began_ns, before = feed.clock.now_ns(), feed.frames
                auth = self._try()
                give_back_freed()
                feed.tell_figures()
                if feed.stopping.is_set():
                    break
                feed.gone()
                feed.renew_epoch()
                self._rest((feed.clock.now_ns() - began_ns) / NS_PER_S, ran=feed.frames > before, auth=auth)
        finally:
            feed.tell(State.ENDED)
            feed.end()

    def _try(self) -> bool:
        """One connection from beginning to end. Returns whether the camera refused the credentials."""
        self._feed.tell(State.CONNECTING)
        self._fitted = True  # where it does not fit, that is told anew
        try:
            frames = self._packets() if isinstance(self._feed.source, PacketSource) else self._frames()
            for number, (raw, read_ns) in enumerate(frames):
                if number == 0:
                    self._feed.tell_connected()
                if not self._fits(raw):
                    continue
                frame = self._feed.through_stages(self._feed.on_time_line(raw))
                if frame is not None and not self._feed.put(frame, read_ns):
                    return False
        except SourceError as exc:
            if isinstance(exc, UnsupportedInputError) and not self._feed.frames:
                raise  # a camera that has shown pictures will again; what never has is none
            reason = str(exc)  # a handler that keeps what was logged would keep the error, and with it the whole connection
            logger.warning("%s: %s", self.name, reason)
            self._feed.tell_trouble(redacted(reason))
            return isinstance(exc, SourceAuthError)
        if not self._feed.stopping.is_set():
            logger.warning("%s: the stream ended", self.name)
            self._feed.tell_trouble("the stream ended")
        return False

    def _fits(self, frame: Frame) -> bool:
        """Whether it has the size that the camera came with: rigs hold for one size, and a pair that ends is worse than half a pair."""
        if self._size is None or self._feed.partner is None:
            self._size = frame.size
        fits = frame.size == self._size
        if fits != self._fitted:
            self._fitted = fits
            now, then = (f"{size[1]}x{size[0]}" for size in (frame.size, self._size))
            self._feed.tell(State.RUNNING if fits else f"{State.RUNNING}: left out, {now} pictures instead of {then}; restart to take them")
        if not fits:
            self._feed.meter.dropped(self._feed.stream, "source", "size_change")
        return fits

    def _rest(self, took_s: float, *, ran: bool, auth: bool) -> None:
        """Wait before the next try, which comes so long after the beginning of one that was in vain."""
        self._backoff.ran(took_s) if ran else self._backoff.failed(took_s)
        wait_s = self._backoff.wait_s(auth=auth)
        if not ran and not auth:
            wait_s = max(0.0, wait_s - took_s)
        state = f"{State.DISABLED}: credentials refused" if auth else State.BACKOFF
        self._feed.tell(f"{state}, next try in {wait_s:.1f} s")
        self._feed.clock.wait(self._feed.stopping, round(wait_s * NS_PER_S))
        while self._too_many_hang() and not self._feed.stopping.is_set():
            self._feed.tell(f"{State.BACKOFF}: {len(self._hanging)} connections hang; waiting for one of them")
            self._feed.stopping.wait(POLL_S)

    def _too_many_hang(self) -> bool:
        self._hanging = [connection for connection in self._hanging if connection.hangs]
        return len(self._hanging) >= MOST_HANGING

    # A source that can only be read as a whole: its own timeouts are all there is.

    def _frames(self) -> Iterator[tuple[Frame, int]]:
        feed = self._feed
        try:
            feed.source.open()
            feed.tell(State.RUNNING)
            while not feed.stopping.is_set():
                started_ns = feed.clock.now_ns()
                frame = feed.source.read()
                if frame is None:
                    return
                yield frame, feed.clock.now_ns() - started_ns
        finally:
            feed.source.close()

    # A source in two halves: the network on a thread of its own, which is left alone when it hangs.

    def _packets(self) -> Iterator[tuple[Frame, int]]:
        source = self._feed.source
        assert isinstance(source, PacketSource)
        connection = Connection(self.name, source, self._failures, self._overflowed)
        connection.start()
        try:
            self._await_opened(connection)
            yield from self._decoded(connection, source)
        finally:
            ends_by_itself = self._feed.stopping.is_set() or connection.over
            if not connection.end(ENDING_S if ends_by_itself else GIVEN_UP_S):
                self._hanging.append(connection)
                source.problems["hung"] += 1
        connection.raise_error()

    def _await_opened(self, connection: Connection) -> None:
        clock = self._feed.clock
        began_ns = clock.now_ns()
        patience_s = max(OPEN_S - FIRST_S + self._backoff.ceiling_s, 2 * self._opening_s)
        while not connection.opened.wait(POLL_S):
            if self._feed.stopping.is_set():
                return
            if clock.now_ns() - began_ns > patience_s * NS_PER_S:
                raise SourceError(f"no connection within {patience_s:.1f} s: it takes connections and says nothing, or is cut off")
        if connection.error is None:
            self._opening_s = max(self._opening_s, (clock.now_ns() - began_ns) / NS_PER_S)

    def _decoded(self, connection: Connection, source: PacketSource) -> Iterator[tuple[Frame, int]]:
        feed, vigil = self._feed, Vigil(self._feed.clock.now_ns())
        backlog = Backlog(connection.queue, feed.clock.now_ns())
        if connection.error is None:
            feed.tell(State.WAITING)
        while not feed.stopping.is_set():
            packet: Any = None
            try:
                packet = connection.queue.get(POLL_S)
            except TimeoutError:
                self._check(vigil)
                continue
            except Closed:
                if connection.error is not None:
                    return
            started_ns = feed.clock.now_ns()
            vigil.packet(started_ns)
            for frame in source.decode(packet):
                now_ns = feed.clock.now_ns()
                if vigil.picture(now_ns):
                    feed.tell(State.RUNNING)
                if backlog.holds(frame, now_ns):
                    feed.meter.dropped(feed.stream, "source", "backlog")
                    continue
                yield frame, now_ns - started_ns
                started_ns = feed.clock.now_ns()
            if packet is None:
                return
            self._check(vigil)

    def _check(self, vigil: Vigil) -> None:
        """Give up a connection that shows nothing new."""
        source, now_ns = self._feed.source, self._feed.clock.now_ns()
        if now_ns - self._told_ns > FIGURES_NS:
            self._told_ns = now_ns
            self._feed.tell_figures()
        report = source.clock_report if isinstance(source, Clocked) else None
        trouble = vigil.trouble(now_ns, 0 if report is None else report.lag_ns)
        if trouble:
            self._feed.tell(State.STALLED)
            raise SourceError(f"{trouble}; connecting anew")

    def _overflowed(self, count: int) -> None:
        self._feed.meter.dropped(self._feed.stream, "packets", "overflow", count)
