"""`streamfuse probe URL...`: what cameras send, how their clocks go, and how well they can be paired."""

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from streamfuse.clock import ClockReport
    from streamfuse.flow.probing import Match, Probe, Sight

EXIT_FAILED = 1
REFRESH_S = 0.1


def command(
    urls: Annotated[list[str], typer.Argument(help="Addresses of cameras; devices and files as well.", show_default=False)],
    seconds: Annotated[float, typer.Option(min=1, help="How long to look. Reports come about every 5 s; drift shows after 25.")] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    transport: Annotated[str | None, typer.Option(help="RTSP over tcp (the default) or udp.", show_default=False)] = None,
) -> None:
    """Look at cameras: codec, size, rate, clock; and say how well any two of them can be synchronised."""
    from rich.console import Console

    from streamfuse.flow.probing import Probe, matches
    from streamfuse.frames import Spectrum
    from streamfuse.registry import checked
    from streamfuse.source.av_stream import AvSettings, AvSource

    options = {"rtsp_transport": transport} if transport else {}
    given = [{"spectrum": Spectrum.VISIBLE, "url": url, "options": options if url.lower().startswith("rtsp") else {}} for url in urls]
    sources = [AvSource(checked(AvSettings, values)) for values in given]
    probe = Probe(sources, seconds=seconds)
    _wait(probe, seconds, Console(stderr=True))
    found = matches(probe.sights)
    if as_json:
        typer.echo(
            json.dumps({"sources": [_plain(sight) for sight in probe.sights], "pairs": [_plain_match(match) for match in found]}, indent=2)
        )
    else:
        _show(Console(), probe.sights, found)
    if any(sight.problem for sight in probe.sights):
        raise typer.Exit(EXIT_FAILED)


def _wait(probe: "Probe", seconds: float, console: "Console") -> None:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("looking", total=seconds)
        probe.start()
        began_s = time.monotonic()
        try:
            while not probe.wait(REFRESH_S):
                progress.update(task, completed=min(seconds, time.monotonic() - began_s))
        finally:
            probe.stop()


def _plain(sight: "Sight") -> dict[str, Any]:
    clock = sight.clock
    return {
        "url": sight.name,
        "error": sight.problem or None,
        "live": sight.live,
        **sight.facts,
        "pictures": sight.pictures,
        "fps": _rounded(sight.fps),
        "clock": sight.kind or None,
        "uncertainty_ms": _ms(clock.uncertainty_ns if clock else None),
        "reports": clock.reports if clock else 0,
        "offset_ms": _ms(clock.offset_ns if clock else None),
        "clk_bias": bool(clock and clock.biased),
        "drift_ppm": _rounded(clock.drift_ppm if clock else None),
        "jitter_ms": _ms(clock.jitter_ns if clock else None),
        "lag_ms": _ms(clock.lag_ns if clock else None),
        "repaired": sight.repaired,
    }


def _plain_match(match: "Match") -> dict[str, Any]:
    return {
        "first": match.first,
        "second": match.second,
        "clocks_ms": _rounded(match.clocks_ms),
        "frames_ms": _rounded(match.frames_ms),
        "verdict": match.verdict,
    }


def _show(console: "Console", sights: "list[Sight]", found: "list[Match]") -> None:
    for sight in sights:
        console.print(sight.name, style="bold", markup=False, highlight=False, soft_wrap=True)
        for line in _lines(sight):
            console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
    for match in found:
        console.print(f"{match.first} with {match.second}", style="bold", markup=False, highlight=False, soft_wrap=True)
        clocks = "clocks: only up to a constant" if match.clocks_ms is None else f"clocks to ±{match.clocks_ms:.1f} ms"
        frames = "" if match.frames_ms is None else f"; nearest pictures up to {match.frames_ms:.1f} ms apart"
        console.print(f"  {match.verdict}", markup=False, highlight=False, soft_wrap=True)
        console.print(f"  {clocks}{frames}", markup=False, highlight=False, soft_wrap=True)


def _lines(sight: "Sight") -> list[str]:
    if sight.problem:
        return [f"error: {sight.problem}"]
    width, height = sight.facts["size"]
    rate = "unknown rate" if sight.fps is None else f"{sight.fps:.2f} fps"
    lines = [f"{sight.facts['codec']} {width}x{height} {sight.facts['pixel_format']}, {rate}, {sight.pictures} pictures seen"]
    lines += _clock_lines(sight)
    if sight.repaired:
        lines.append("repaired or skipped: " + ", ".join(f"{count} {reason}" for reason, count in sight.repaired.items()))
    return lines


def _clock_lines(sight: "Sight") -> list[str]:
    clock = sight.clock
    if clock is None:
        return [f"clock: {sight.kind}"]
    lines = [f"clock: {sight.kind}, stamps to ±{clock.uncertainty_ns / 1e6:.1f} ms"]
    if clock.offset_ns is None:
        lines.append("sender reports: none seen; the camera's own time of day is unknown")
    else:
        bias = "; too far from ours to be right, not used (clk_bias)" if clock.biased else ""
        lines.append(f"sender reports: {clock.reports} that differ; its time of day minus ours: {clock.offset_ns / 1e6:+.1f} ms{bias}")
    lines.append(f"drift: {_drift(clock)}; jitter of arrival: {clock.jitter_ns / 1e6:.1f} ms")
    return lines


def _drift(clock: "ClockReport") -> str:
    if clock.drift_ppm is not None:
        return f"{clock.drift_ppm:+.0f} ppm"
    return "cannot be told, its stamps do not go with time" if clock.kind == "host" else "needs 25 s"


def _ms(ns: int | None) -> float | None:
    return None if ns is None else round(ns / 1e6, 2)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
