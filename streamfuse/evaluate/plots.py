"""Dots with intervals as inline SVG: nothing to load, sharp at any size."""

from collections.abc import Callable, Sequence
from html import escape
from math import isfinite, isnan
from typing import NamedTuple

from streamfuse.evaluate.bootstrap import Interval

WIDTH, NAMES, VALUES, ROW, MARGIN = 430, 130, 70, 18, 6
"""Units of the drawing: width, room for names and for values, height of a row, margin."""
LONGEST_NAME = 20
NOTHING = 1e-12


class Dot(NamedTuple):
    """One row of a plot."""

    name: str
    at: Interval
    baseline: bool
    """Drawn in grey."""


def dot_plot(dots: Sequence[Dot], width: int = WIDTH) -> str:
    """One row each: name, interval, mean, value. Rows without a finite mean have a dash."""
    ends = [end for dot in dots for end in (dot.at.low, dot.at.high, dot.at.mean) if isfinite(end)]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    span = (high - low) or 1.0
    room = width - NAMES - VALUES - 2 * MARGIN

    def x(value: float) -> float:
        return NAMES + MARGIN + room * (value - low) / span

    rows = [_row(dot, i, x, width) for i, dot in enumerate(dots)]
    height = ROW * len(dots) + 2 * MARGIN
    return f'<svg viewBox="0 0 {width} {height}" role="img">{"".join(rows)}</svg>'


def _row(dot: Dot, index: int, x: Callable[[float], float], width: int) -> str:
    y = MARGIN + ROW * (index + 0.5)
    name = dot.name if len(dot.name) <= LONGEST_NAME else dot.name[: LONGEST_NAME - 1] + "…"
    label = f'<text x="0" y="{y + 4:.1f}">{escape(name)}<title>{escape(dot.name)}</title></text>'
    guide = f'<line x1="{NAMES}" x2="{width - VALUES}" y1="{y:.1f}" y2="{y:.1f}"/>'
    if not isfinite(dot.at.mean):
        return f"<g>{label}{guide}<text x='{width}' y='{y + 4:.1f}' text-anchor='end' class='dim'>-</text></g>"
    reach = f'<line class="reach" x1="{x(dot.at.low):.1f}" x2="{x(dot.at.high):.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
    spot = f'<circle class="spot" cx="{x(dot.at.mean):.1f}" cy="{y:.1f}" r="4"/>'
    value = f'<text x="{width}" y="{y + 4:.1f}" text-anchor="end" class="dim">{number(dot.at.mean)}</text>'
    kind = ' class="base"' if dot.baseline else ""
    return f"<g{kind}>{label}{guide}{reach}{spot}{value}</g>"


def number(value: float) -> str:
    """Four figures; small ones as powers of ten, what is left of rounding as 0."""
    if not isfinite(value):
        return "-" if isnan(value) else "∞"
    if abs(value) < NOTHING:
        return "0"
    return f"{value:.1e}" if abs(value) < 1e-3 else f"{value:#.4g}"
