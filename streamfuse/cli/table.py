"""What is shown while a pipeline runs: one live table on a terminal, a plain line per stream elsewhere."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from streamfuse.flow.pipeline import Pipeline

PLAIN_S = 2.0
STAGES = ("source", "sync", "wait", "batch", "align", "fuse", "detect", "download")


class Display:
    """`with Display(console, pipeline) as display: display.update()`, as often as one likes."""

    def __init__(self, console: Console, pipeline: Pipeline) -> None:
        self._console = console
        self._pipeline = pipeline
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None
        self._plain_at_s = 0.0

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self) -> None:
        """Draw anew."""
        if self._live is not None:
            self._live.update(table(self._pipeline), refresh=True)
            return
        now_s = time.monotonic()
        if now_s - self._plain_at_s >= PLAIN_S:
            if self._plain_at_s:
                for stream in self._pipeline.meter.streams():
                    self._console.print(line(stream, self._pipeline.meter.stats(stream)), highlight=False, soft_wrap=True)
            self._plain_at_s = now_s


def table(pipeline: Pipeline) -> Table:
    """One row per stream."""
    drawn = Table(title=f"StreamFuse · {pipeline.readers} readers", title_justify="left", expand=False)
    for heading in ("stream", "mode", "results", "fps", "age ms", "skew ms", "drops", "latency per stage, ms", "cameras"):
        drawn.add_column(heading, justify="left" if heading in {"stream", "mode", "latency per stage, ms", "cameras"} else "right")
    for stream in pipeline.meter.streams():
        stats = pipeline.meter.stats(stream)
        drawn.add_row(
            stream,
            stats["mode"] or "-",
            str(stats["results"]),
            f"{stats['fps']:.1f}",
            _number(stats["age_ms"]),
            _number(stats["skew_ms"]),
            _drops(stats["drops"]),
            latencies(stats["latency_us"]),
            "\n".join(f"{camera} {state}" for camera, state in stats["cameras"].items()),
        )
    return drawn


def line(stream: str, stats: Mapping[str, Any]) -> str:
    """The same without a terminal."""
    cameras = ", ".join(f"{camera} {state}" for camera, state in stats["cameras"].items())
    drops = _drops(stats["drops"]).replace("\n", ", ")
    return (
        f"{stream}: {stats['results']} results, {stats['fps']:.1f} fps, {stats['mode'] or 'no pair yet'}, "
        f"age {_number(stats['age_ms'])} ms, skew {_number(stats['skew_ms'])} ms, drops {drops}, "
        f"{latencies(stats['latency_us']) or 'no latencies yet'}; {cameras}"
    )


def latencies(latency_us: Mapping[str, int]) -> str:
    """Milliseconds per stage, in flow order; those below 0.1 ms are left out."""
    known = [(stage, latency_us[stage] / 1000) for stage in STAGES if stage in latency_us]
    return " ".join(f"{stage} {ms:.1f}" for stage, ms in known if ms >= 0.1)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _drops(drops: Mapping[str, int]) -> str:
    return "\n".join(f"{count} {reason}" for reason, count in drops.items() if count) or "0"
