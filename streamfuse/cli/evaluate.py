"""`streamfuse evaluate`: any fuser over any data, beside the rules and the cameras that it has to beat."""

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from streamfuse.errors import ConfigError

if TYPE_CHECKING:
    from streamfuse.evaluate.run import Report, Settings
    from streamfuse.train.data import PairRecord

BRIEF = ("EN", "SD", "SF", "MI", "SCD", "VIF", "Qabf", "Nabf", "SSIM", "PSNR")
"""Columns on a narrow terminal; all are in the JSON."""
BRIEF_WORDS = ("right", "gain", "margin", "spread", "unheard", "natural", "wrong_clean", "both", "over_repair")
WIDE = 150


T = TypeVar("T")


def command(
    data: Annotated[Path, typer.Option(help="ir/ and vi/ with equal names, or any layout that training knows.")],
    fuser: Annotated[str, typer.Option(help="Names with commas between; NAME=FILE takes weights from a file.")] = "",
    prompt: Annotated[list[str] | None, typer.Option(help="Words for fusers that read them; may be given more than once.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write means, intervals, every pair, and where they come from.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write one page with plots and pictures side by side.")] = None,
    part: Annotated[Literal["all", "train", "validation"], typer.Option(help="Side of split 1.")] = "all",
    limit: Annotated[
        int, typer.Option(min=0, help="At most so many pairs, evenly spread; with --video so many of each recording, in a row; 0: all.")
    ] = 0,
    metrics: Annotated[str, typer.Option(help="Names with commas between; by default all.")] = "",
    conventions: Annotated[str, typer.Option(help="protocol, cddfuse, zoo, matlab, vf-bench: whose definitions.")] = "protocol",
    misregister: Annotated[float, typer.Option(min=0, help="Shift infrared by so many pixels before it is fused.")] = 0.0,
    video: Annotated[bool, typer.Option(help="Pairs of one folder are consecutive frames: BiSWE, MS2R, warping error.")] = False,
    steady: Annotated[bool, typer.Option("--steady", help="With --video: each fuser once more, steadied over time.")] = False,
    labels: Annotated[Path | None, typer.Option(help="Folder of boxes, instead of those beside the pictures.")] = None,
    detector: Annotated[str, typer.Option(help="NAME or NAME=WEIGHTS: mAP and recall on labelled pairs.")] = "",
    words: Annotated[int, typer.Option(min=0, help="So many pairs for each fault: does it do as it is told, in words it never heard?")] = 0,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...; auto takes a GPU where there is one.")] = "cpu",
) -> None:
    """Compare fusers over a folder of pairs. Every report also holds the rules (average, maximum ...) and each camera alone."""
    from streamfuse.batch.lane import make_lane
    from streamfuse.cli.outputs import check_output
    from streamfuse.evaluate.contender import Steadied, WithFuser, contenders
    from streamfuse.evaluate.provenance import provenance
    from streamfuse.evaluate.run import run, run_words
    from streamfuse.fuse.steady import SteadySettings

    names = [name.strip() for name in fuser.split(",") if name.strip()]
    if labels and not detector:
        raise ConfigError("--labels needs --detector: boxes are compared with what a detector finds (small, yolo=FILE)")
    if steady:
        _check_steady(names, video=video)
    chosen = str(make_lane(device).device)
    for path in (json_file, html):
        if path:
            check_output(path)
    settings = _settings(metrics, conventions, detector, chosen, shifted_px=misregister, video=video)
    records = _records(data, part=part, limit=limit, boxes=labels, video=video)
    rows = contenders(names, prompt or [], chosen)
    if steady:
        rows = [*(Steadied(row, SteadySettings()) for row in rows if isinstance(row, WithFuser) and row.entry in names), *rows]
    report = run(rows, records, settings, _bar)
    if words:
        asked = [row for row in rows if isinstance(row, WithFuser) and row.entry in (*names, "salience")]
        report = dataclasses.replace(report, words=run_words(asked, records, words, _bar))
    _tell(Console(), report)
    values = {"fusers": names, "prompts": prompt or [], "data": data.name, "part": part, "limit": limit, "misregister_px": misregister}
    values |= {"words_per_fault": words, "steady": SteadySettings().model_dump() if steady else None}
    values |= {"conventions": settings.conventions.model_dump(), "flow": settings.flow if video else None, "detector": detector or None}
    origin = provenance(values)
    if json_file:
        from streamfuse.evaluate.report import as_json

        json_file.write_text(json.dumps(as_json(report, origin), indent=1), encoding="utf-8")
    if html:
        from streamfuse.evaluate.report import as_page

        html.write_text(as_page(report, origin, f"Fusion of {data.name}"), encoding="utf-8")


def _check_steady(names: list[str], *, video: bool) -> None:
    if not video:
        raise ConfigError("--steady needs --video: single pictures have none before them")
    if not names:
        raise ConfigError("--steady needs --fuser: the fusers that are to be steadied")


def _settings(metrics: str, conventions: str, detector: str, device: str, **others: Any) -> "Settings":
    from streamfuse.evaluate.conventions import CONVENTIONS
    from streamfuse.evaluate.metrics import METRICS
    from streamfuse.evaluate.run import Settings
    from streamfuse.registry import suggestion

    if conventions not in CONVENTIONS:
        raise ConfigError(f"no conventions called {conventions!r}{suggestion(conventions, CONVENTIONS)} (known: {', '.join(CONVENTIONS)})")
    names = tuple(name.strip() for name in metrics.split(",") if name.strip()) or tuple(METRICS)
    return Settings(metrics=names, conventions=CONVENTIONS[conventions], detector=_detector(detector, device), **others)


def _detector(wanted: str, device: str) -> Any:
    if not wanted:
        return None
    import torch

    from streamfuse.detect import DETECTORS

    name, _, weights = wanted.partition("=")
    if name == "hotspots":
        raise ConfigError("--detector hotspots finds warm blobs, and labels are of persons, bikes and cars: want small or yolo=FILE")
    made = DETECTORS.make(name, **({"weights": weights} if weights else {}))
    made.to(torch.device(device))
    return made


def _records(data: Path, *, part: str, limit: int, boxes: Path | None, video: bool) -> "list[PairRecord]":
    from streamfuse.train.data import EVERY, find_pairs

    found = [record for record in find_pairs(data, boxes=boxes, every=1 if video else EVERY) if part in ("all", record.part)]
    if not found:
        raise ConfigError(f"{data}: none of its pairs is on the side {part!r} of split 1; --part all takes every one")
    if not limit or limit >= len(found):
        return found
    if video:  # frames that are not neighbours are no video
        recordings = [list(frames) for _, frames in groupby(found, key=lambda record: record.recording)]
        return [frame for frames in recordings for frame in _middle(frames, limit)]
    return [found[i * len(found) // limit] for i in range(limit)]


def _middle(items: Sequence[T], count: int) -> Sequence[T]:
    start = max(0, len(items) - count) // 2
    return items[start : start + count]


def _bar(items: Sequence[T]) -> Iterable[T]:
    return track(items, "evaluating", len(items), console=Console(stderr=True), transient=True)


def _tell(console: Console, report: "Report") -> None:
    from streamfuse.evaluate.metrics import METRICS

    wide = console.width >= WIDE
    columns = [name for name in report.metrics if name in BRIEF or wide]
    rows = {fuser: {name: (report.interval(fuser, name).mean, METRICS[name].better) for name in columns} for fuser, _ in report.ranked()}
    _table(console, f"{len(report.pairs)} pairs, best ranked first", rows)
    for name, found in report.video.items():
        _table(console, name, {fuser: {key: (value, -1) for key, value in row.items()} for fuser, row in found.items()})
    for name, faults in report.words.items():
        _table(
            console,
            f"words, {name}: dB",
            {f: {key: (row[key].mean, 0) for key in row if key in BRIEF_WORDS or wide} for f, row in faults.items()},
        )
    if report.words:
        _tell_places(console, report)
    if report.boxes:
        _table(console, "boxes", {fuser: {key: (value, 1) for key, value in row.items()} for fuser, row in report.boxes.items()})


def _tell_places(console: Console, report: "Report") -> None:
    """Who did best in each fault, and how often each was better than classical repair."""
    from streamfuse.evaluate.classical_repair import NAME
    from streamfuse.evaluate.plots import number

    console.print("\n[bold]words, best first: dB under the right words[/]", highlight=False)
    for fault, places in report.words_ranked().items():
        console.print(f"{fault}: {', '.join(f'{escape(name)} {number(at.mean)}' for name, at in places)}", highlight=False)
    for name in report.words:
        if name != NAME:
            better, surely, faults = report.over_repair(name)
            console.print(f"{escape(name)}: better than {NAME} in {better} of {faults} faults, in {surely} surely", highlight=False)


def _table(console: Console, title: str, rows: dict[str, dict[str, tuple[float, int]]]) -> None:
    """Row -> column -> (value, 1 where higher is better, -1 where lower, 0 where neither); the best of a column is bold."""
    from streamfuse.evaluate.plots import number

    console.print(f"\n[bold]{escape(title)}[/]", highlight=False)
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("", no_wrap=True, min_width=min(24, max(len(name) for name in rows)))
    columns: Sequence[str] = list(next(iter(rows.values())))
    for name in columns:
        widest = max(len(number(row[name][0])) for row in rows.values())
        table.add_column(name.replace("_", " "), justify="right", min_width=widest)
    worths = {name: [row[name][0] * row[name][1] for row in rows.values()] for name in columns}
    best = {name: max((worth for worth in found if not math.isnan(worth)), default=None) for name, found in worths.items()}
    for fuser, row in rows.items():
        cells = [f"[bold green]{number(v)}[/]" if better and v * better == best[name] else number(v) for name, (v, better) in row.items()]
        table.add_row(fuser, *cells)
    console.print(table)
