"""Time: a monotonic clock for intervals, and the one anchor that turns it into UTC."""

import threading
import time
from dataclasses import dataclass
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000
REANCHOR_NS = NS_PER_S  # the wall clock may be stepped; intervals must not be


class Clock(Protocol):
    """What time it is. Logic takes a `Clock`, or a time as an argument; it never asks the operating system."""

    def now_ns(self) -> int:
        """Monotonic nanoseconds, for intervals and deadlines; the zero point means nothing."""
        ...

    def utc_ns(self) -> int:
        """Nanoseconds since 1970 UTC, for stamps that leave the process."""
        ...

    def wait(self, event: threading.Event, timeout_ns: int) -> bool:
        """Wait until `event` is set, at most `timeout_ns`; True when it was set."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReport:
    """What is known of a live camera's clock. Measured against ours by when its packets arrive."""

    kind: str
    """What its frames are stamped by: rtcp, device, estimated or host."""
    uncertainty_ns: int
    """Of its stamps, half width."""
    offset_ns: int | None
    """The time of day that the camera states, minus ours; too low by the least delay on the way. None: it states none."""
    drift_ppm: float | None
    """How much faster than ours its clock runs; None until that can be told from jitter."""
    jitter_ns: int
    """Standard deviation of the delay of its packets, robust."""
    delay_ns: int | None
    """Least delay from capture to arrival, learnt from reports while they were good; None: not learnt."""
    lag_ns: int
    """How much later than its best the camera comes in, for the last second or so without a break."""
    reports: int
    """Sender reports that could be told apart."""
    biased: bool
    """Its time of day is too far from ours to be right, or runs away, and is not used."""
    span_ns: int
    """Time that all this was measured over."""


class HostClock:
    """The clock of this machine. UTC is monotonic time plus an anchor that is re-read once a second. Thread-safe."""

    def __init__(self) -> None:
        self._anchor: tuple[int, int] | None = None  # (monotonic, UTC), replaced as one so that threads need no lock

    def now_ns(self) -> int:
        """Monotonic nanoseconds of this machine."""
        return time.monotonic_ns()

    def utc_ns(self) -> int:
        """UTC by the current anchor: smooth within a second, right across steps of the wall clock."""
        now_ns = time.monotonic_ns()
        anchor = self._anchor
        if anchor is None or now_ns - anchor[0] > REANCHOR_NS:
            anchor = self._anchor = (now_ns, time.time_ns())
        return anchor[1] + now_ns - anchor[0]

    def wait(self, event: threading.Event, timeout_ns: int) -> bool:
        """Sleep in real time, or until the event is set."""
        return event.wait(max(0, timeout_ns) / NS_PER_S)


class ManualClock:
    """A clock moved by hand, for tests and simulations: `wait` returns at once and advances it."""

    def __init__(self, now_ns: int = 0, utc_ns: int = 0) -> None:
        self._now_ns = now_ns
        self._utc_offset_ns = utc_ns - now_ns

    def now_ns(self) -> int:
        """The instant it was last moved to."""
        return self._now_ns

    def utc_ns(self) -> int:
        """The same instant as UTC."""
        return self._now_ns + self._utc_offset_ns

    def advance_ns(self, ns: int) -> None:
        """Move forward by `ns` nanoseconds."""
        self._now_ns += ns

    def advance_ms(self, ms: float) -> None:
        """Move forward by `ms` milliseconds."""
        self._now_ns += round(ms * NS_PER_MS)

    def wait(self, event: threading.Event, timeout_ns: int) -> bool:
        """Pretend to have waited."""
        if not event.is_set():
            self._now_ns += max(0, timeout_ns)
        return event.is_set()
