"""`streamfuse sync-report INFRARED VISIBLE`: by how much two recordings are apart, told by what moves in both."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamfuse.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from streamfuse.stages import Source
    from streamfuse.sync.content import ContentCheck
    from streamfuse.sync.content_drift import Drift
    from streamfuse.sync.content_lag import Lag

EXIT_UNSURE = 3


def command(
    infrared: Annotated[str, typer.Argument(help="Infrared video, or folder of pictures.", show_default=False)],
    visible: Annotated[str, typer.Argument(help="Visible video, or folder of pictures.", show_default=False)],
    seconds: Annotated[float, typer.Option(min=3, max=3600, help="Read so much of each. Drift shows from 60 on.")] = 60.0,
    search_ms: Annotated[float, typer.Option(min=100, max=10_000, help="Look for offsets up to so much, to both sides.")] = 2500.0,
    fps: Annotated[float, typer.Option(min=0, help="Rate of folders of pictures without timestamps.csv.")] = 0,
    rig: Annotated[Path | None, typer.Option(help="Calibration file, where the cameras do not see the same view.")] = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Both begin together, whatever time of day the files state.")] = False,
    out: Annotated[Path | None, typer.Option(help="Draw the correlation over all offsets: a .png or .jpg.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Compare motion in two recordings: offset, confidence, drift, and what to write into the configuration. Exits with 3 if unsure."""
    from rich.console import Console

    from streamfuse.cli.outputs import PICTURES, check_output, write_picture
    from streamfuse.frames import Spectrum
    from streamfuse.sync.content import ContentCheck, ContentSettings
    from streamfuse.sync.content_drift import find_drift

    if out is not None:
        check_output(out, PICTURES)
    check = ContentCheck(ContentSettings(search_ms=search_ms, window_s=max(5.0, seconds)), _between(rig))
    sources = [_source(infrared, Spectrum.INFRARED, fps, from_start), _source(visible, Spectrum.VISIBLE, fps, from_start)]
    rates = _read(sources, check, seconds, Console(stderr=True))
    lag, drift = check.look(), find_drift(check)
    if out is not None:
        write_picture(out, picture(lag))
    if as_json:
        typer.echo(json.dumps(_plain(sources, rates, lag, drift), indent=2))
    else:
        _tell(Console(), sources, rates, lag, drift)
    if not lag.sure:
        raise typer.Exit(EXIT_UNSURE)


def _between(rig: Path | None) -> "NDArray[np.float64] | None":
    if rig is None:
        return None
    from streamfuse.align.rig import load_rig
    from streamfuse.sync.content_edges import across_pictures

    found = load_rig(rig)
    return across_pictures(found.matrix, found.infrared_size, found.visible_size)


def _source(address: str, spectrum: str, fps: float, from_start: bool) -> "Source":
    from streamfuse.source import SOURCES

    if Path(address).is_dir():
        return SOURCES.make("images", spectrum=spectrum, path=address, **({"fps": fps} if fps else {}))
    source = SOURCES.make("av", spectrum=spectrum, url=address, creation_time=not from_start)
    if source.live:
        raise ConfigError(f"{source.name} is live, and this compares recordings; for cameras set sync.content.enabled in the configuration")
    return source


def _read(sources: "list[Source]", check: "ContentCheck", seconds: float, console: "Console") -> list[float]:
    """Show both to the check; pictures per second of each."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks = [progress.add_task(f"reading {source.spectrum}", total=seconds) for source in sources]
        return [
            _read_one(source, check, seconds, lambda done_s, task=task: progress.update(task, completed=done_s))
            for source, task in zip(sources, tasks, strict=True)
        ]


def _read_one(source: "Source", check: "ContentCheck", seconds: float, tell: Any) -> float:
    first_ns: int | None = None
    count, span_s = 0, 0.0
    source.open()
    try:
        while span_s < seconds and (frame := source.read()) is not None:
            first_ns = frame.t_cap_ns if first_ns is None else first_ns
            span_s = (frame.t_cap_ns - first_ns) / 1e9
            count += 1
            check.see(frame)
            tell(span_s)
    finally:
        source.close()
    return (count - 1) / span_s if span_s else 0.0


# What is told.


def _plain(sources: "list[Source]", rates: list[float], lag: "Lag", drift: "Drift | None") -> dict[str, Any]:
    return {
        "infrared": {"source": sources[0].name, "fps": round(rates[0], 3)},
        "visible": {"source": sources[1].name, "fps": round(rates[1], 3)},
        "sure": lag.sure,
        "reason": lag.reason or None,
        "confidence": round(lag.confidence, 3),
        "offset_ms": round(1000 * lag.offset_s, 1),
        "sigma_ms": round(1000 * lag.sigma_s, 1),
        "compared_s": round(lag.seconds, 1),
        "drift_ppm": None if drift is None else round(drift.ppm, 1),
        "drift_sigma_ppm": None if drift is None else round(drift.sigma_ppm, 1),
    }


def _tell(console: "Console", sources: "list[Source]", rates: list[float], lag: "Lag", drift: "Drift | None") -> None:
    def line(text: str, style: str = "") -> None:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    for source, rate in zip(sources, rates, strict=True):
        line(f"{source.spectrum}: {source.name}, {rate:.2f} fps")
    offset_ms = 1000 * lag.offset_s
    if not lag.sure:
        line(f"cannot say: {lag.reason}", "bold yellow")
        if lag.confidence:
            line(f"best guess {offset_ms:+.0f} ms, confidence {lag.confidence:.2f}; {lag.seconds:.1f} s compared")
        line("record longer, with people or cars in both views; --rig where the views differ; --search-ms where it may be more")
        return
    line(f"visible minus infrared: {offset_ms:+.1f} ms ± {1000 * lag.sigma_s:.1f}, confidence {lag.confidence:.2f}", "bold")
    line(f"{lag.seconds:.1f} s compared; ± is chance alone")
    line("drift: needs three pieces of 20 s with motion" if drift is None else f"drift: {drift.ppm:+.0f} ± {drift.sigma_ppm:.0f} ppm")
    half_ms = 500 / max([rate for rate in rates if rate] or [math.inf])
    if abs(offset_ms) <= half_ms:
        line(f"less than half a period ({half_ms:.0f} ms): the stamps are right, nothing to set")
    else:
        line("to correct it, set for this pair:")
        line(f"  time_offset_ms: {offset_ms:.0f}")


# The picture.

SIZE, MARGIN = (900, 360), (60, 40)
INK, FAINT_INK, LINE = (60, 60, 60), (215, 215, 215), (20, 90, 180)


def picture(lag: "Lag") -> "NDArray[np.uint8]":
    """(360, 900, 3): the correlation at every offset, and which was taken."""
    import cv2
    import numpy as np

    canvas: NDArray[np.uint8] = np.full((SIZE[1], SIZE[0], 3), 255, np.uint8)
    (left, top), (right, bottom) = MARGIN, (SIZE[0] - MARGIN[0] // 2, SIZE[1] - MARGIN[1])
    said = f"visible - infrared {1000 * lag.offset_s:+.1f} ms, confidence {lag.confidence:.2f}" if lag.sure else f"cannot say: {lag.reason}"
    cv2.putText(canvas, said, (left, 26), cv2.FONT_HERSHEY_SIMPLEX, 0.55, INK, 1, cv2.LINE_AA)
    if not len(lag.lags_L):
        return canvas
    most_s, high = float(lag.lags_L[-1]), max(0.02, 1.1 * float(lag.score_L.max()))

    def x(lag_s: float) -> int:
        return round(left + (lag_s + most_s) / (2 * most_s) * (right - left))

    for tick in range(-math.floor(2 * most_s), math.floor(2 * most_s) + 1):
        cv2.line(canvas, (x(tick / 2), top), (x(tick / 2), bottom), FAINT_INK, 1)
        cv2.putText(canvas, f"{500 * tick:+d}", (x(tick / 2) - 20, bottom + 18), cv2.FONT_HERSHEY_SIMPLEX, 0.38, INK, 1, cv2.LINE_AA)
    cv2.putText(canvas, "ms", (right - 4, bottom + 34), cv2.FONT_HERSHEY_SIMPLEX, 0.38, INK, 1, cv2.LINE_AA)
    for share in (0.0, 0.5, 1.0):
        y = round(bottom - share * (bottom - top))
        cv2.putText(canvas, f"{share * high:.2f}", (8, y + 4), cv2.FONT_HERSHEY_SIMPLEX, 0.38, INK, 1, cv2.LINE_AA)
    points = [
        (x(float(at)), round(bottom - float(score) / high * (bottom - top))) for at, score in zip(lag.lags_L, lag.score_L, strict=True)
    ]
    cv2.polylines(canvas, [np.array(points, np.int32)], isClosed=False, color=LINE, thickness=2, lineType=cv2.LINE_AA)
    cv2.rectangle(canvas, (left, top), (right, bottom), INK, 1)
    if lag.sure:
        cv2.circle(canvas, points[int(lag.score_L.argmax())], 6, INK, 1, cv2.LINE_AA)
    return canvas
