"""A sink's thread. What goes wrong with a sink stays here: it is tried again, and ingest never hears of it."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from streamfuse.errors import BusError, ConfigError, StreamFuseError, SubscriberStalledError, WireError
from streamfuse.flow.backoff import Backoff
from streamfuse.flow.channel import Channel, Closed
from streamfuse.flow.meter import Meter
from streamfuse.results import Result
from streamfuse.stages import Sink

logger = logging.getLogger(__name__)

TICK_S = 0.05
REPORT_S = 1.0


@dataclass(frozen=True, slots=True)
class End:
    """A stream has ended."""

    stream: str


class Outlet:
    """Owns one sink. Live drops the oldest result when the sink is slow; lossless waits for it."""

    def __init__(self, *, name: str, sink: Sink, meter: Meter, lossless: bool, depth: int, stopping: Callable[[], bool]) -> None:
        self.name = name
        self.readers = 0
        self.opened = threading.Event()
        """Set once `open` was tried; `failed_to_open` says how it went."""
        self.failed_to_open: Exception | None = None
        self.channel: Channel[Result | End] = Channel(
            depth, "block" if lossless else "drop_oldest", on_drop=self._dropped, keep=lambda item: isinstance(item, End)
        )
        self._sink = sink
        self._meter = meter
        self._lossless = lossless
        self._stopping = stopping
        self._backoff = Backoff()
        self._retry_at_s = 0.0
        self._report_at_s = 0.0
        self._broken = False
        self._ends: deque[str] = deque()  # to be told: readers wait for them, so they outlive a sink that is broken
        self._over: set[str] = set()  # streams of which nothing is told any more
        self._untellable: set[str] = set()  # streams of which that was logged

    def run(self) -> None:
        """The thread's body."""
        try:
            self._sink.open()
        except (StreamFuseError, OSError) as exc:
            self.failed_to_open = exc
            return
        finally:
            self.opened.set()
        try:
            self._serve()
        finally:
            self.channel.close(discard=True)  # nobody may wait for a sink that is gone
            self._sink.close()

    def abort(self) -> None:
        """At once, whatever it waits for."""
        self.channel.close(discard=True)
        self._sink.abort()

    def _serve(self) -> None:
        while True:
            item: Result | End | None = None
            try:
                item = self.channel.get(TICK_S)
            except TimeoutError:
                pass
            except Closed:
                break
            self._try_turn(item)
        if self._ends and not self._stopping():
            self._retry_at_s = 0.0  # there is no later
            self._try_turn(None)

    def _try_turn(self, item: Result | End | None) -> None:
        try:
            self._turn(item)
        except (StreamFuseError, OSError) as exc:
            if self._lossless:
                raise
            self._out_of_order(item, exc)

    def _turn(self, item: Result | End | None) -> None:
        if isinstance(item, End):
            self._ends.append(item.stream)
        if self._broken and not self._mended():
            if isinstance(item, Result):
                self._dropped(item)
            return
        while self._ends:
            stream = self._ends[0]
            self._tell(stream, partial(self._sink.end, stream, self._meter.totals(stream)))
            self._over.add(self._ends.popleft())
        if isinstance(item, Result):
            self._over.discard(item.stream)
            self._tell(item.stream, partial(self._sink.publish, item, self._stopping))
        self.readers = self._sink.tick()
        now_s = time.monotonic()
        if now_s >= self._report_at_s:
            self._report_at_s = now_s + REPORT_S
            for stream in self._meter.streams():
                if stream in self._over:
                    continue
                self._tell(stream, partial(self._sink.report, stream, self._meter.stats(stream)))

    def _tell(self, stream: str, say: Callable[[], None]) -> None:
        """What cannot be told is no fault of the sink: opened anew it could not either, and its readers would be cut for nothing."""
        try:
            say()
        except (ConfigError, WireError) as exc:
            if self._lossless:
                raise
            self._meter.dropped(stream, "publish", "untellable")
            if stream not in self._untellable:
                self._untellable.add(stream)
                logger.warning("%s: %s; left out, and whatever else of %s cannot be told", self.name, exc, stream)

    def _out_of_order(self, item: Result | End | None, error: Exception) -> None:
        if isinstance(error, SubscriberStalledError):
            raise error
        self._broken = True
        self._retry_at_s = time.monotonic() + self._backoff.wait_s(auth=False)
        logger.warning("%s: %s; trying again", self.name, error)
        if isinstance(item, Result):
            self._dropped(item)

    def _mended(self) -> bool:
        if time.monotonic() < self._retry_at_s:
            return False
        self._sink.close()
        try:
            self._sink.open()
        except BusError:
            self._retry_at_s = time.monotonic() + self._backoff.wait_s(auth=False)
            return False
        self._broken = False
        return True

    def _dropped(self, item: Result | End) -> None:
        if isinstance(item, Result):
            self._meter.dropped(item.stream, "publish", "overflow" if not self._broken else "sink_down")
