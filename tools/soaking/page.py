"""The report as one page of HTML that needs nothing else: lines and strips as inline SVG."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 960, 190, 66, 24, 24
COLOURS: Final = ("#1f6fb4", "#c8501e", "#3a8f4a", "#8250a0")
MODES: Final = {"fused": "#7fb98a", "visible_only": "#e3c15b", "infrared_only": "#d9924e", "degraded": "#a9a4c9", "nothing": "#b03030"}
STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1b1e22; }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse } td, th { padding: .2rem .8rem .2rem 0; text-align: left; border-bottom: 1px solid #ddd }
td.n { text-align: right; font-variant-numeric: tabular-nums } .holds { color: #22722f } .missed { color: #b02a2a; font-weight: 600 }
svg { max-width: 100%; height: auto } svg text { font: 11px system-ui, sans-serif; fill: #555 }
"""
Points = Sequence[tuple[float, float]]


def page(title: str, sections: Iterable[str]) -> str:
    """A whole document of sections."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en">{head}<body><h1>{escape(title)}</h1>{"".join(sections)}</body></html>\n'


def section(title: str, *parts: str) -> str:
    """A part with its heading."""
    return f"<h2>{escape(title)}</h2>{''.join(parts)}"


def paragraph(text: str) -> str:
    """Plain text."""
    return f"<p>{escape(text)}</p>"


def table(rows: Sequence[Mapping[str, object]], nothing: str = "None.") -> str:
    """All rows have the keys of the first, which are the heads."""
    if not rows:
        return paragraph(nothing)
    heads = "".join(f"<th>{escape(key)}</th>" for key in rows[0])
    lines = "".join(f"<tr>{''.join(_cell(value) for value in row.values())}</tr>" for row in rows)
    return f"<table><tr>{heads}</tr>{lines}</table>"


def chart(series: Mapping[str, Points], unit: str, *, from_zero: bool = False) -> str:
    """Lines over time in seconds, one for each name."""
    points = [point for line in series.values() for point in line]
    if not points:
        return paragraph("No samples.")
    x_from, x_to = min(x for x, _ in points), max(x for x, _ in points)
    y_from, y_to = _padded(min(y for _, y in points), max(y for _, y in points), from_zero=from_zero)

    def place(x: float, y: float) -> str:
        across = LEFT + (x - x_from) / max(1e-9, x_to - x_from) * (WIDTH - LEFT - 10)
        down = TOP + (y_to - y) / (y_to - y_from) * (HEIGHT - TOP - BOTTOM)
        return f"{across:.1f},{down:.1f}"

    lines = "".join(
        f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{" ".join(place(*point) for point in line)}"/>'
        for line, colour in zip(series.values(), COLOURS, strict=False)
    )
    names = "".join(
        f'<text x="{LEFT + 8 + 150 * number}" y="{TOP - 10}" style="fill:{colour}">{escape(name)}</text>'
        for number, (name, colour) in enumerate(zip(series, COLOURS, strict=False))
    )
    scale = "".join(
        f'<text x="4" y="{float(place(x_from, y).split(",")[1]) + 4:.1f}">{y:.4g} {unit}</text>'
        for y in (y_from, (y_from + y_to) / 2, y_to)
    )
    return _svg(HEIGHT, scale + lines + names + _axis(x_from, x_to, HEIGHT))


def strips(
    changes: Mapping[str, Sequence[tuple[float, str]]], faults: Mapping[str, Sequence[tuple[float, float, str]]], end_s: float
) -> str:
    """A bar per stream coloured by mode, with its faults as marks above it. Times in seconds."""
    row, top, bars = 34, 4, ""
    for number, (stream, spans) in enumerate(sorted(changes.items())):
        y = top + number * row
        bars += f'<text x="4" y="{y + 22}">{escape(stream)}</text>'
        ends = [at_s for at_s, _ in spans[1:]] + [end_s]
        for (at_s, mode), until_s in zip(spans, ends, strict=True):
            bars += _bar((at_s, until_s), (y + 10, 16), mode, MODES.get(mode, "#888"), end_s)
        for at_s, until_s, kind in faults.get(stream, ()):
            bars += _bar((at_s, max(until_s, at_s + end_s / 400)), (y + 3, 5), kind, "#333", end_s)
    height = top + len(changes) * row + BOTTOM
    legend = "".join(
        f'<span style="background:{colour};padding:0 .5rem;margin-right:.5rem">{mode}</span>' for mode, colour in MODES.items()
    )
    return f"<p>{legend} dark marks: faults</p>{_svg(height, bars + _axis(0.0, end_s, height))}"


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return f'<td class="{"holds" if value else "missed"}">{"holds" if value else "missed"}</td>'
    if isinstance(value, int | float):
        return f'<td class="n">{"-" if math.isnan(value) else f"{value:g}"}</td>'
    return f"<td>{'' if value is None else escape(str(value))}</td>"


def _bar(span_s: tuple[float, float], band: tuple[int, int], what: str, colour: str, end_s: float) -> str:
    """`band`: from where down, and how high, in pixels."""
    from_s, to_s = span_s
    x_from, x_to = (LEFT + at_s / end_s * (WIDTH - LEFT - 10) for at_s in (max(0.0, from_s), min(end_s, to_s)))
    place = f'x="{x_from:.1f}" y="{band[0]}" width="{max(0.0, x_to - x_from):.1f}" height="{band[1]}"'
    return f'<rect {place} fill="{colour}"><title>{escape(what)} at {from_s:.1f} s for {to_s - from_s:.1f} s</title></rect>'


def _axis(x_from: float, x_to: float, height: int) -> str:
    """Times along the bottom, in minutes where it took long."""
    unit, name = (60.0, "min") if x_to - x_from > 300 else (1.0, "s")
    marks = [x_from + share * (x_to - x_from) for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    return "".join(
        f'<text x="{LEFT + share * (WIDTH - LEFT - 10) - 10:.0f}" y="{height - 6}">{x / unit:.0f} {name}</text>'
        for share, x in zip((0.0, 0.25, 0.5, 0.75, 0.97), marks, strict=True)
    )


def _padded(low: float, high: float, *, from_zero: bool) -> tuple[float, float]:
    low = 0.0 if from_zero else low
    room = (high - low) * 0.08 or max(1.0, abs(high)) * 0.05
    return (low if from_zero else low - room), high + room


def _svg(height: int, inside: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">{inside}</svg>'
