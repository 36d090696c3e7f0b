"""What is shown while a pipeline runs: one live table on a terminal, a plain line per stream elsewhere."""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from streamfuse.cli.figures import bias, checks, drift, latencies, line, lost, number

if TYPE_CHECKING:
    from streamfuse.flow.pipeline import Pipeline

PLAIN_S = 2.0
CAMERA_COLUMNS = ("stream", "camera", "state", "clock", "drift", "jitter ms", "reconnects")


class Display:
    """`with Display(console, pipeline) as display: display.update()`, as often as one likes."""

    def __init__(self, console: Console, pipeline: "Pipeline") -> None:
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
                    self._console.print(line(stream, self._pipeline.meter.stats(stream)), markup=False, highlight=False, soft_wrap=True)
            self._plain_at_s = now_s


def table(pipeline: "Pipeline") -> Group:
    """A row per stream, and below a row per camera."""
    figures = {stream: pipeline.meter.stats(stream) for stream in pipeline.meter.streams()}
    return Group(_streams(f"StreamFuse · {pipeline.readers} readers", figures), _cameras(figures))


def _streams(title: str, figures: Mapping[str, Mapping[str, Any]]) -> Table:
    drawn = Table(title=title, title_justify="left", expand=False)
    for heading in ("stream", "mode", "results", "fps", "age ms", "skew ms", "drops", "latency per stage, ms"):
        drawn.add_column(heading, justify="left" if heading in {"stream", "mode", "latency per stage, ms"} else "right")
    checked = any(checks(stats) for stats in figures.values())
    if checked:
        drawn.add_column("checks")
    for stream, stats in figures.items():
        cells: list[str | Text] = [
            stream,
            stats["mode"] or "-",
            str(stats["results"]),
            f"{stats['fps']:.1f}",
            number(stats["age_ms"]),
            number(stats["skew_ms"]),
            "\n".join(lost(stats["drops"])) or "0",
            latencies(stats["latency_us"]),
        ]
        drawn.add_row(*cells, *([_checks(stats)] if checked else []))
    return drawn


def _checks(stats: Mapping[str, Any]) -> Text:
    told = [Text(words, style="bold red" if act else "") for words, act in checks(stats)]
    return Text("\n").join(told) if told else Text("-")


def _cameras(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    drawn = Table(expand=False)
    for heading in CAMERA_COLUMNS:
        drawn.add_column(heading, justify="right" if heading in {"drift", "jitter ms", "reconnects"} else "left")
    for stream, stats in figures.items():
        for camera, state in stats["cameras"].items():
            trouble = stats["trouble"].get(camera, "")
            doing = Text(state, style="yellow" if trouble else "")
            if trouble:
                doing.append(f"\n{trouble}", style="dim")
            drawn.add_row(stream, camera, doing, *_clock(stats["clocks"].get(camera)), str(stats["reconnects"].get(camera, 0)))
    return drawn


def _clock(known: Mapping[str, Any] | None) -> tuple[str, str, str]:
    if known is None:
        return "-", "-", "-"
    return f"{known['clock']} ±{known['uncertainty_ms']:.1f} ms{bias(known)}", drift(known) or "-", number(known["jitter_ms"])
