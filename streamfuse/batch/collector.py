"""Which pairs form a batch, and when it is launched. Passive: `flow` asks, with the time as an argument."""

from collections import deque
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from streamfuse.batch.raw import Layout, layout_of
from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.frames import Pair
from streamfuse.registry import Settings

BATCH_SIZES = (1, 2, 4, 8, 16)  # fixed, so that each has one CUDA graph
RATE_STAMPS = 64  # arrivals remembered for the mean gap between them
RATE_TRUSTED = 16  # fewer arrivals than these tell no rate
SILENT_NS = 2 * NS_PER_S  # a stream that was silent this long is not waited for


class BatchSettings(Settings):
    """Settings of batching."""

    size: Literal[1, 2, 4, 8, 16] = Field(default=16, description="largest batch; lossless: pairs in every batch but the last")
    budget_ms: float = Field(default=20.0, gt=0, le=1000, description="live: a pair is launched at most this long after it was made")


@dataclass(frozen=True, slots=True)
class _Waiting:
    pair: Pair
    layout: Layout
    since_ns: int


class Collector:
    """Live: one pending pair a stream, grouped by layout, launched when full, due, or the device would idle for nothing.

    Lossless: first in, first out, in batches of exactly `size`, by count and never by time, so that it is repeatable.
    """

    def __init__(self, settings: BatchSettings, policy: Literal["live", "lossless"] = "live") -> None:
        self._size = settings.size
        self._budget_ns = round(settings.budget_ms * NS_PER_MS)
        self._lossless = policy == "lossless"
        self._waiting: deque[_Waiting] = deque()  # in order of arrival
        self._arrivals: deque[int] = deque(maxlen=RATE_STAMPS)
        self._last_seen: dict[str, tuple[int, Layout]] = {}
        self._run_ns: dict[int, float] = {}
        self._turn = 0
        self._last_turn: dict[str, int] = {}  # when a stream was last served, counted in pairs

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Lossless: nothing more may be put until something was taken."""
        return self._lossless and len(self._waiting) >= self._size

    def put(self, pair: Pair, now_ns: int) -> Pair | None:
        """Take a pair; returns the older one of its stream that it replaced and that is lost (`superseded`)."""
        older = None if self._lossless else next((w for w in self._waiting if w.pair.stream == pair.stream), None)
        if older is not None:
            self._waiting.remove(older)
        layout = layout_of(pair)
        # a stream does not lose its turn by being newer
        self._waiting.append(_Waiting(pair, layout, older.since_ns if older else now_ns))
        self._arrivals.append(now_ns)
        self._last_seen[pair.stream] = (now_ns, layout)
        return older.pair if older else None

    def take(self, now_ns: int, *, idle: bool, ended: bool = False) -> tuple[Pair, ...]:
        """The next batch, or nothing yet. `idle`: the device has no work. `ended`: no pair will come any more."""
        if not self._waiting:
            return ()
        if self._lossless:
            return self._prefix() if ended or len(self._waiting) >= self._size else ()
        group = self._group()
        if ended or len(group) >= self._target(group, now_ns) or now_ns >= self._launch_by_ns(group, idle=idle):
            return self._remove(group[: self._size])
        return ()

    def wake_ns(self, now_ns: int, *, idle: bool) -> int | None:
        """Monotonic instant at which `take` is worth another call though nothing was put; None: only after a `put`."""
        if not self._waiting or self._lossless:
            return None
        return self._launch_by_ns(self._group(), idle=idle)

    def took(self, count: int, run_ns: int) -> None:
        """Learn how long a batch of `count` keeps the device busy."""
        self._run_ns[count] = 0.8 * self._run_ns.get(count, run_ns) + 0.2 * run_ns

    def holds(self, stream: str) -> bool:
        """Whether a pair of that stream waits."""
        return any(waiting.pair.stream == stream for waiting in self._waiting)

    def forget(self, stream: str) -> None:
        """The stream was removed: drop what waits and do not wait for more."""
        self._last_seen.pop(stream, None)
        self._last_turn.pop(stream, None)
        self._waiting = deque(w for w in self._waiting if w.pair.stream != stream)

    def _group(self) -> list[_Waiting]:
        """Everything that can go with the pair that has waited longest; first the stream that was served least lately."""
        oldest = min(self._waiting, key=lambda w: w.since_ns)
        return sorted((w for w in self._waiting if w.layout == oldest.layout), key=lambda w: self._last_turn.get(w.pair.stream, 0))

    def _target(self, group: list[_Waiting], now_ns: int) -> int:
        """As many as can come: one of each stream of this layout that is not silent."""
        active = sum(now_ns - seen_ns < SILENT_NS and layout == group[0].layout for seen_ns, layout in self._last_seen.values())
        return min(self._size, max(1, active))

    def _launch_by_ns(self, group: list[_Waiting], *, idle: bool) -> int:
        due_ns = min(w.since_ns for w in group) + self._budget_ns - round(self._run_ns.get(min(len(group), self._size), 0.0))
        # for an idle device a lull as long as the mean gap ends the burst
        return min(due_ns, self._arrivals[-1] + self._mean_gap_ns()) if idle else due_ns

    def _mean_gap_ns(self) -> int:
        """Mean gap between arrivals of all streams together; 0 while too little is known."""
        if len(self._arrivals) < RATE_TRUSTED:
            return 0
        return (self._arrivals[-1] - self._arrivals[0]) // (len(self._arrivals) - 1)

    def _prefix(self) -> tuple[Pair, ...]:
        first = self._waiting[0].layout
        run: list[_Waiting] = []
        for waiting in self._waiting:
            if waiting.layout != first or len(run) == self._size:
                break
            run.append(waiting)
        return self._remove(run)

    def _remove(self, group: list[_Waiting]) -> tuple[Pair, ...]:
        for waiting in group:
            self._turn += 1
            self._waiting.remove(waiting)
            self._last_turn[waiting.pair.stream] = self._turn
        return tuple(waiting.pair for waiting in group)


def padded_size(count: int, sizes: tuple[int, ...] = BATCH_SIZES) -> int:
    """The smallest fixed batch size that holds `count` items."""
    return next((size for size in sizes if size >= count), count)
