"""The thread that pairs frames: takes them from every camera's channel, feeds the matcher of their stream, hands on the pairs."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from streamfuse.clock import NS_PER_S, Clock
from streamfuse.flow.channel import Channel
from streamfuse.flow.feed import Arrival
from streamfuse.flow.meter import Meter
from streamfuse.flow.recipe import through
from streamfuse.flow.worker import catching
from streamfuse.frames import Frame, Pair, Spectrum
from streamfuse.stages import Sync

REMEMBERED = 256  # arrivals of one stream whose times are kept until their pair is made


@dataclass(frozen=True, slots=True)
class Timing:
    """When the lead frame of a pair arrived and the pair was made (monotonic), and how long reading took."""

    arrived_ns: int
    made_ns: int
    read_ns: int


class PairTaker(Protocol):
    """Who takes the pairs."""

    def put(self, pair: Pair, timing: Timing) -> None:
        """Take a pair; lossless waits for room."""
        ...

    def end(self, stream: str) -> None:
        """No more pairs of that stream."""
        ...


@dataclass(slots=True)
class Limit:
    """How many pairs a stream may still make; its cameras are stopped after the last."""

    left: int
    stopping: threading.Event

    def take(self) -> bool:
        """Whether one more may go on."""
        self.left -= 1
        if self.left <= 0:
            self.stopping.set()
        return self.left >= 0


class Line:
    """The matcher of one stream with the channels that feed it."""

    def __init__(
        self,
        *,
        stream: str,
        sync: Sync,
        channels: dict[Spectrum, Channel[Arrival]],
        stages: list[Callable[[Any], Any]],
        lossless: bool,
        limit: Limit | None = None,
    ) -> None:
        self.stream = stream
        self.sync = sync
        self.channels = channels
        self.failed = False
        """Nothing more of it is handed on; it only waits for its cameras to end."""
        self._stages = stages
        self._lossless = lossless
        self._limit = limit
        self._open = set(channels)
        self._lapped: set[Spectrum] = set()  # cameras that wait for the others at the end of a lap
        self._seen: OrderedDict[tuple[Spectrum, int, int], Arrival] = OrderedDict()

    @property
    def ended(self) -> bool:
        """Every camera is gone for good."""
        return not self._open

    def ready(self) -> bool:
        """Whether `turn` would do something now, deadlines aside."""
        if any(self.channels[s].exhausted for s in self._open):
            return True
        if self._lossless:
            return bool(self._open) and all(len(self.channels[s]) for s in self._awaited())
        return any(len(self.channels[s]) for s in self._open)

    def turn(self, now_ns: int, put: Callable[[Pair, Timing], None], meter: Meter) -> None:
        """Feed everything that is there."""
        pairs: list[Pair] = []
        while (arrival := self._next()) is not None:
            spectrum, item = arrival
            if item is not None and item.lap:
                self._lapped.add(spectrum)
            elif item is None or item.frame is None:
                pairs += self.sync.end(spectrum, now_ns)
            else:
                self._remember(item.frame, item)
                pairs += self.sync.feed(item.frame, now_ns)
            if self._lossless and pairs:
                break  # hand on before reading more: memory stays bounded
        if not self._lossless:
            pairs += self.sync.poll(now_ns)
        meter.dropped_in_all(self.stream, "sync", self.sync.drops)
        for pair in () if self.failed else pairs:
            if self._limit is not None and not self._limit.take():
                return
            timing = self._timing(pair, now_ns)
            kept = through(self._stages, pair)
            if kept is None:
                meter.dropped(self.stream, "sync", "user_stage")
            else:
                put(kept, timing)

    def _next(self) -> tuple[Spectrum, Arrival | None] | None:
        """The next arrival to feed: lossless in order of capture, as if there were one file; live in order of arrival."""
        for spectrum in sorted(self._open):
            if self.channels[spectrum].exhausted:
                self._open.discard(spectrum)
                return spectrum, None
        heads = {spectrum: self.channels[spectrum].peek() for spectrum in sorted(self._awaited())}
        if self._lossless and None in heads.values():
            return None
        there = {spectrum: head for spectrum, head in heads.items() if head is not None}
        if not there:
            return None
        spectrum = min(there, key=lambda s: _order(there[s], lossless=self._lossless))
        return spectrum, self.channels[spectrum].get()

    def _awaited(self) -> set[Spectrum]:
        """Cameras whose next arrival is to come before anything is fed."""
        if self._lapped >= self._open:
            self._lapped.clear()
        return self._open - self._lapped

    def _remember(self, frame: Frame, arrival: Arrival) -> None:
        self._seen[frame.spectrum, frame.epoch, frame.seq] = Arrival(None, arrival.at_ns, arrival.read_ns)
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def _timing(self, pair: Pair, now_ns: int) -> Timing:
        lead = pair.lead
        arrival = self._seen.get((lead.spectrum, lead.epoch, lead.seq))
        if arrival is None:
            return Timing(now_ns, now_ns, 0)
        return Timing(arrival.at_ns, max(now_ns, arrival.at_ns), arrival.read_ns)  # it may have come after this turn began


def _order(arrival: Arrival, *, lossless: bool) -> tuple[int, int]:
    """Lossless as the matcher wants it: by epoch and capture time, infrared first where equal; a camera's break before its next frame."""
    if not lossless:
        return (0, arrival.at_ns)
    return (arrival.frame.epoch, arrival.frame.t_cap_ns) if arrival.frame is not None else (-1, 0)


class Matching:
    """Serves all lines. They are added and removed while it runs."""

    def __init__(self, *, taker: PairTaker, clock: Clock, meter: Meter, on_pair_failed: Callable[[str, str, Exception], None]) -> None:
        self.condition = threading.Condition()
        """Shared with the channels of every camera: an arrival wakes this thread."""
        self._lines: dict[str, Line] = {}
        self._taker = taker
        self._clock = clock
        self._meter = meter
        self._on_pair_failed = on_pair_failed
        self._closing = False

    def add(self, line: Line) -> None:
        """Serve one more stream."""
        with self.condition:
            self._lines[line.stream] = line
            self.condition.notify_all()

    def close(self) -> None:
        """End as soon as every line has ended."""
        with self.condition:
            self._closing = True
            self.condition.notify_all()

    def run(self) -> None:
        """The thread's body."""
        while True:
            with self.condition:
                self.condition.wait_for(self._awake, self._timeout_s())
                lines = list(self._lines.values())
                if self._closing and not lines:
                    return
            now_ns = self._clock.now_ns()
            for line in lines:
                with catching() as caught:
                    line.turn(now_ns, self._taker.put, self._meter)
                for error in caught if not line.failed else ():
                    line.failed = True
                    self._on_pair_failed(line.stream, "sync", error)
                if line.ended:
                    with self.condition:
                        del self._lines[line.stream]
                    self._taker.end(line.stream)

    def _awake(self) -> bool:
        return any(line.ready() for line in self._lines.values()) or (self._closing and not self._lines)

    def _timeout_s(self) -> float | None:
        deadlines = [line.sync.deadline_ns for line in self._lines.values()]
        due = [deadline for deadline in deadlines if deadline is not None]
        return max(0.0, (min(due) - self._clock.now_ns()) / NS_PER_S) if due else None
