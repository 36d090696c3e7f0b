"""The sink `memory`: keeps the newest results in this process, for tests and for programs that run a pipeline themselves."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pydantic import Field

from streamfuse.registry import Settings
from streamfuse.results import Result


class MemorySettings(Settings):
    """How much to keep."""

    limit: int = Field(default=1000, ge=1)
    """Results; the oldest makes room."""


KEEP_A_THOUSAND = MemorySettings()


class MemorySink:
    """Filled by one thread; may be read by others at any time, also after `close`."""

    def __init__(self, settings: MemorySettings = KEEP_A_THOUSAND) -> None:
        self.published = 0
        """Results so far, those that made room included."""
        self.stats: dict[str, Mapping[str, Any]] = {}
        """Last figures, by stream."""
        self.totals: dict[str, Mapping[str, Any]] = {}
        """By stream; a stream is in here once it has ended."""
        self._results: deque[Result] = deque(maxlen=settings.limit)

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[Result]:
        """The results kept at this moment, oldest first."""
        return iter(self._results.copy())

    def of(self, stream: str) -> list[Result]:
        """The results of one stream, oldest first."""
        return [result for result in self if result.stream == stream]

    def open(self) -> None:
        """Nothing to open."""

    def publish(self, result: Result, stopping: Callable[[], bool]) -> None:
        """Keep it."""
        self._results.append(result)
        self.published += 1

    def tick(self) -> int:
        """One reader: this process."""
        return 1

    def report(self, stream: str, stats: Mapping[str, Any]) -> None:
        """Keep the last figures."""
        self.stats[stream] = dict(stats)

    def end(self, stream: str, totals: Mapping[str, Any]) -> None:
        """Keep the totals."""
        self.totals[stream] = dict(totals)

    def abort(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing to free."""
