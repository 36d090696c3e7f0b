"""A report as JSON, and as one HTML page that needs no other file."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from math import isfinite, isnan
from pathlib import Path
from string import Template
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.evaluate.contender import ALWAYS
from streamfuse.evaluate.metrics import METRICS
from streamfuse.evaluate.plots import Dot, dot_plot, number
from streamfuse.evaluate.run import Report
from streamfuse.evaluate.video import OF_MAXIMUM, VIDEO_METRICS

JPEG_QUALITY = 88
PAGE = Path(__file__).with_name("page.html")


def as_json(report: Report, provenance: Mapping[str, Any]) -> dict[str, Any]:
    """`fusers`: {name: {metric: mean}}; beside it intervals, ranking, every pair, video, boxes, provenance. No NaN in it: null."""
    intervals = {fuser: {name: report.interval(fuser, name) for name in report.metrics} for fuser in report.fusers}
    told = {
        "fusers": {fuser: {name: at.mean for name, at in row.items()} for fuser, row in intervals.items()},
        "intervals": {fuser: {name: [at.low, at.high] for name, at in row.items()} for fuser, row in intervals.items()},
        "ranking": [{"name": name, **asdict(place)} for name, place in report.ranked()],
        "video": report.video,
        "boxes": report.boxes,
        "words": {
            fuser: {fault: {name: asdict(at) for name, at in row.items()} for fault, row in faults.items()}
            for fuser, faults in report.words.items()
        },
        "words_ranking": {fault: [{"name": name, **asdict(at)} for name, at in rows] for fault, rows in report.words_ranked().items()},
        "pairs": list(report.pairs),
        "scores": {
            fuser: {name: report.scores_FNM[f, :, m].tolist() for m, name in enumerate(report.metrics)}
            for f, fuser in enumerate(report.fusers)
        },
        "provenance": dict(provenance),
    }
    found: dict[str, Any] = _finite(told)
    return found


def as_page(report: Report, provenance: Mapping[str, Any], title: str) -> str:
    """One HTML page: ranking, table with intervals, plots, pictures side by side, provenance."""
    fill = {
        "title": escape(title),
        "summary": escape(
            f"{len(report.pairs)} pairs, {len(report.fusers)} contenders, {provenance['time']}, commit {provenance['commit']}"
        ),
        "ranking": dot_plot([Dot(name, place, name in ALWAYS) for name, place in report.ranked()], width=900),
        "conventions": escape("Lower is better for: " + (", ".join(n for n in report.metrics if METRICS[n].better < 0) or "none") + "."),
        "table": _metrics_table(report),
        "plots": "".join(_plot(report, name) for name in report.metrics),
        "more": _video(report) + _boxes(report) + _words(report),
        "pictures": "".join(_pictures(example.name, example.pictures) for example in report.examples),
        "provenance": escape(json.dumps(provenance, indent=2, default=str)),
    }
    return Template(PAGE.read_text(encoding="utf-8")).substitute(fill)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list) else value


def _metrics_table(report: Report) -> str:
    cells = {fuser: [report.interval(fuser, name) for name in report.metrics] for fuser in report.fusers}
    best = [_best({fuser: row[i].mean * METRICS[name].better for fuser, row in cells.items()}) for i, name in enumerate(report.metrics)]
    rows = [
        [
            f'<td class="{"best" if fuser in best[i] else ""}">{number(at.mean)}<small>{number(at.low)} … {number(at.high)}</small></td>'
            for i, at in enumerate(row)
        ]
        for fuser, row in cells.items()
    ]
    heads = [
        f'<th title="{escape(METRICS[name].title)}">{escape(name)} {"↑" if METRICS[name].better > 0 else "↓"}</th>'
        for name in report.metrics
    ]
    return _table(heads, list(cells), rows)


def _best(worth: Mapping[str, float]) -> set[str]:
    known = {fuser: value for fuser, value in worth.items() if not isnan(value)}
    return {fuser for fuser, value in known.items() if value == max(known.values())}


def _plot(report: Report, name: str) -> str:
    dots = [Dot(fuser, report.interval(fuser, name), fuser in ALWAYS) for fuser in report.fusers]
    hint = "higher is better" if METRICS[name].better > 0 else "lower is better"
    return f"<figure><figcaption><b>{escape(name)}</b> {escape(METRICS[name].title)}; {hint}</figcaption>{dot_plot(dots)}</figure>"


def _video(report: Report) -> str:
    if not report.video:
        return ""
    columns = VIDEO_METRICS | {OF_MAXIMUM: "BiSWE/SD over that of maximum"}
    heads = [f'<th title="{escape(told)}">{escape(name)} ↓</th>' for name, told in columns.items()]
    parts = [
        f"<h3>{escape(name)}</h3>"
        + _table(heads, list(rows), [[f"<td>{number(row[key])}</td>" for key in columns] for row in rows.values()])
        for name, rows in report.video.items()
    ]
    return "<h2>Video</h2>" + "".join(parts)


def _boxes(report: Report) -> str:
    if not report.boxes:
        return ""
    names = list(next(iter(report.boxes.values())))
    rows = [[f"<td>{number(row[name])}</td>" for name in names] for row in report.boxes.values()]
    return "<h2>Detection</h2>" + _table([f"<th>{escape(name)}</th>" for name in names], list(report.boxes), rows)


def _words(report: Report) -> str:
    """One table per fuser, and who did best in each fault."""
    parts = []
    for fuser, faults in report.words.items():
        names = list(next(iter(faults.values()), {}))
        rows = [
            [f"<td>{number(row[name].mean)}<small>{number(row[name].low)} … {number(row[name].high)}</small></td>" for name in names]
            for row in faults.values()
        ]
        parts.append(f"<h3>{escape(fuser)}</h3>" + _table([f"<th>{escape(name)}</th>" for name in names], list(faults), rows))
    hint = "dB on luma against the reference formula, by fault; docs/10-evaluate.md says what each column is."
    return f'<h2>Words</h2><p class="dim">{hint}</p>{"".join(parts)}{_words_ranking(report)}' if parts else ""


def _words_ranking(report: Report) -> str:
    """The best first in each fault; classical repair is the one to beat."""
    ranked = report.words_ranked()
    rows = [[f"<td>{escape(name)}<small>{number(at.mean)}</small></td>" for name, at in row] for row in ranked.values()]
    places = [f"<th>{place}</th>" for place in range(1, len(report.words) + 1)]
    return "<h3>by PSNR under the right words</h3>" + _table(places, list(ranked), rows)


def _table(heads: Sequence[str], names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    body = "".join(f"<tr><td>{escape(name)}</td>{''.join(row)}</tr>" for name, row in zip(names, rows, strict=True))
    return f'<div class="scroll"><table><thead><tr><th></th>{"".join(heads)}</tr></thead><tbody>{body}</tbody></table></div>'


def _pictures(name: str, pictures: Mapping[str, NDArray[np.uint8]]) -> str:
    shown = [
        f'<figure><figcaption>{escape(fuser)}</figcaption><img alt="{escape(f"{name}, {fuser}")}" src="{_jpeg(picture)}"></figure>'
        for fuser, picture in pictures.items()
    ]
    return f'<p class="dim">{escape(name)}</p><div class="pictures">{"".join(shown)}</div>'


def _jpeg(picture_HW3: NDArray[np.uint8]) -> str:
    _, data = cv2.imencode(".jpg", picture_HW3[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()
