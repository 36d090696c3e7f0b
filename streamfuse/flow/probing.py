"""A short look at cameras, all at once: what they send, how their clocks go, and how well any two of them can be paired."""

import itertools
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from streamfuse.clock import NS_PER_MS, NS_PER_S, Clock, ClockReport, HostClock
from streamfuse.errors import SourceError
from streamfuse.flow.channel import Closed
from streamfuse.flow.connection import Connection
from streamfuse.flow.worker import Failures, Worker
from streamfuse.frames import Frame
from streamfuse.source.av_stream import AvSource

POLL_S = 0.05
ENDING_S = 1.0


@dataclass(slots=True, kw_only=True)
class Sight:
    """What was seen of one source. `problem` says why it was not more."""

    name: str
    live: bool
    problem: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    pictures: int = 0
    repaired: dict[str, int] = field(default_factory=dict)
    clock: ClockReport | None = None
    kind: str = ""
    """The clock of the last picture."""
    _span_ns: int = 0
    _first_ns: int | None = None
    _stamped: int = 0

    def see(self, frame: Frame) -> None:
        """Count a picture."""
        self.pictures += 1
        self.kind = frame.clock
        if frame.pts is None or frame.time_base is None:
            return
        self._stamped += 1
        t_ns = round(frame.pts * frame.time_base * NS_PER_S)
        self._first_ns = t_ns if self._first_ns is None else self._first_ns
        self._span_ns = t_ns - self._first_ns

    @property
    def fps(self) -> float | None:
        """Pictures per second, by their time stamps."""
        return (self._stamped - 1) * NS_PER_S / self._span_ns if self._span_ns > 0 else None

    @property
    def seconds(self) -> float:
        """Of video."""
        return self._span_ns / NS_PER_S


@dataclass(frozen=True, slots=True)
class Match:
    """How well two sources can be paired."""

    first: str
    second: str
    clocks_ms: float | None
    """Their clocks agree to so much; None: not known, only a constant offset that is."""
    frames_ms: float | None
    """Largest distance of the nearest pictures, half a period of the faster one."""
    verdict: str


class Probe:
    """`start`, look at `sights` meanwhile, `stop`. One thread per source, and one more while it connects and reads."""

    def __init__(self, sources: Sequence[AvSource], *, seconds: float, open_s: float = 20.0, clock: Clock | None = None) -> None:
        """Ends by itself `seconds` after each source began to show pictures; one that does not open within `open_s` is given up."""
        self.sights = [Sight(name=source.name, live=source.live) for source in sources]
        self._seconds = seconds
        self._open_s = open_s
        self._clock = clock or HostClock()
        self._stopping = threading.Event()
        self._failures = Failures()
        self._workers = [
            Worker(f"probe/{number}", lambda source=source, sight=sight: self._look(source, sight), self._failures, lambda: None)  # type: ignore[misc]
            for number, (source, sight) in enumerate(zip(sources, self.sights, strict=True))
        ]

    def start(self) -> None:
        """Begin to look at all of them."""
        for worker in self._workers:
            worker.start()

    def wait(self, timeout_s: float) -> bool:
        """Whether all have been seen; after `timeout_s` at the latest. What was no fault of a source is raised."""
        share_s = timeout_s / max(1, len(self._workers))
        over = all(worker.join(share_s) for worker in self._workers)
        if found := self._failures.all():
            raise found[0]
        return over

    def stop(self) -> None:
        """See no more."""
        self._stopping.set()

    def _look(self, source: AvSource, sight: Sight) -> None:
        try:
            self._watch(source, sight) if source.live else self._read(source, sight)
        except SourceError as exc:
            sight.problem = str(exc)
        sight.repaired = {reason: count for reason, count in source.problems.items() if count}
        if not sight.problem and not sight.pictures:
            sight.problem = f"{sight.name}: not one picture within {self._seconds:g} s"

    def _read(self, source: AvSource, sight: Sight) -> None:
        """A recording: so many seconds of it."""
        source.open()
        try:
            sight.facts = source.facts
            while sight.seconds < self._seconds and not self._stopping.is_set() and (frame := source.read()) is not None:
                sight.see(frame)
        finally:
            source.close()

    def _watch(self, source: AvSource, sight: Sight) -> None:
        """A camera: for so many seconds."""
        connection = Connection(f"probe/{sight.name}", source, self._failures, lambda _: None)
        connection.start()
        try:
            self._await_opened(connection, sight)
            if connection.error is None:
                sight.facts = source.facts
                self._count(connection, source, sight)
        finally:
            sight.clock = source.clock_report
            connection.end(ENDING_S)
        connection.raise_error()

    def _await_opened(self, connection: Connection, sight: Sight) -> None:
        until_ns = self._clock.now_ns() + round(self._open_s * NS_PER_S)
        while not connection.opened.wait(POLL_S):
            if self._clock.now_ns() > until_ns or self._stopping.is_set():
                raise SourceError(f"{sight.name}: timeout: no connection within {self._open_s:g} s; it takes connections and says nothing")

    def _count(self, connection: Connection, source: AvSource, sight: Sight) -> None:
        until_ns = self._clock.now_ns() + round(self._seconds * NS_PER_S)
        while self._clock.now_ns() < until_ns and not self._stopping.is_set():
            try:
                packet = connection.queue.get(POLL_S)
            except TimeoutError:
                continue
            except Closed:
                return
            for frame in source.decode(packet):
                sight.see(frame)


def matches(sights: Sequence[Sight]) -> list[Match]:
    """Every two of those that were seen."""
    seen = [sight for sight in sights if sight.pictures]
    return [_match(first, second) for first, second in itertools.combinations(seen, 2)]


def _match(first: Sight, second: Sight) -> Match:
    rates = [sight.fps for sight in (first, second) if sight.fps]
    frames_ms = 500 / max(rates) if len(rates) == 2 else None
    kinds = {first.kind, second.kind}
    if kinds == {"media"}:
        verdict = "recordings: as well as their time stamps go together; sync-report tells by what moves in both"
        return Match(first.name, second.name, None, frames_ms, verdict)
    if "media" in kinds:
        return Match(first.name, second.name, None, frames_ms, "a recording and a camera: not at all")
    if not kinds <= {"rtcp", "device"}:
        guess = " and ".join(f"{sight.name} is {_why(sight)}" for sight in (first, second) if sight.kind not in ("rtcp", "device"))
        verdict = f"up to a constant offset, to be set as time_offset_ms or found by sync.content: {guess}"
        return Match(first.name, second.name, None, frames_ms, verdict)
    clocks_ms = sum(sight.clock.uncertainty_ns for sight in (first, second) if sight.clock) / NS_PER_MS
    good = frames_ms is None or clocks_ms <= frames_ms
    verdict = "well: by the cameras' own clocks" if good else "roughly: the cameras' own clocks shake by more than half a period"
    return Match(first.name, second.name, clocks_ms, frames_ms, verdict)


def _why(sight: Sight) -> str:
    if sight.clock is not None and sight.clock.biased:
        return "biased (the time of day it states is not used)"
    return f"{sight.kind} (it sends no sender reports)" if sight.clock is None or not sight.clock.reports else sight.kind
