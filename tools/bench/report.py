"""What a benchmark tells: a table in Markdown on the terminal, and everything as JSON in a file."""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.bench.provenance import Provenance


@dataclass(slots=True, kw_only=True)
class Report:
    """One section: what was measured, the rows, whether the targets hold, and where it comes from."""

    title: str
    text: str
    rows: list[dict[str, object]] = field(default_factory=list)
    """All with the same keys: the heads of the columns."""
    notes: list[str] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
    """Every single figure, for JSON alone."""
    provenance: Provenance = field(default_factory=Provenance.now)

    def target(self, wanted: str, figure: str, *, holds: bool) -> None:
        """Say whether a target holds."""
        self.notes.append(f"Target: {wanted}. Measured: {figure}. **{'Holds' if holds else 'Missed'}.**")

    def show(self, json_path: Path | None) -> None:
        """Print the section; write the JSON where one is wanted."""
        print(f"## {self.title}\n\n{self.text}\n")
        print(table(self.rows))
        print("\n" + "\n".join(f"- {note}" for note in [*self.notes, str(self.provenance)]) + "\n")
        sys.stdout.flush()
        if json_path is not None:
            content = {"title": self.title, "provenance": self.provenance.dump(), "rows": self.rows, "notes": self.notes, "raw": self.raw}
            json_path.write_text(json.dumps(content, indent=1))


def options(description: str | None) -> argparse.ArgumentParser:
    """What every benchmark takes."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="also write every figure to this file")
    return parser


def size(text: str) -> tuple[int, int]:
    """`640x480` -> width, height."""
    width, _, height = text.partition("x")
    return int(width), int(height)


def progress(text: str) -> None:
    """A line for who waits; not part of the report."""
    print(text, file=sys.stderr, flush=True)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed; NaN of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def median(values: Sequence[float]) -> float:
    """NaN of nothing."""
    return statistics.median(values) if values else float("nan")


def table(rows: Sequence[dict[str, object]]) -> str:
    """Aligned, so that it reads well on a terminal too."""
    heads = list(rows[0])
    cells = [heads, *[[_cell(row[head]) for head in heads] for row in rows]]
    widths = [max(3, *(len(line[column]) for line in cells)) for column in range(len(heads))]
    numeric = [all(isinstance(row[head], int | float) for row in rows) for head in heads]
    shown = [_line(line, widths, numeric) for line in cells]
    rule = "|".join("-" * (width + 1) + ":" if right else "-" * (width + 2) for width, right in zip(widths, numeric, strict=True))
    return "\n".join([shown[0], f"|{rule}|", *shown[1:]])


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = [cell.rjust(width) if flush else cell.ljust(width) for cell, width, flush in zip(cells, widths, right, strict=True)]
    return "| " + " | ".join(padded) + " |"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
