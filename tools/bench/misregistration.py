"""Cameras that do not quite agree: edges that no camera saw, and what a detector still finds, with infrared shifted by 0, 1 and 3 pixels.

Run: python tools/bench/misregistration.py DATA [--fuser nano,lure] [--labels DIR --detector yolo=FILE] [--shifts 0,1,3] [--json FILE]

DATA in any layout that training knows. Each pair is shifted in a direction of its own, the same for every fuser; Nabf is taken against the
unshifted pair. Recall wants a detector of persons and vehicles that looks at the fused picture: `hotspots` looks at infrared alone.
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from streamfuse.detect import DETECTORS
from streamfuse.errors import ConfigError
from streamfuse.evaluate.bootstrap import Interval
from streamfuse.evaluate.contender import Contender, contenders
from streamfuse.evaluate.run import Report as Found
from streamfuse.evaluate.run import Settings, run
from streamfuse.stages import Detector
from streamfuse.train.data import PairRecord, find_pairs
from tools.bench.report import Report, options, progress

SHIFTS_PX = (0.0, 1.0, 3.0)
METRIC = "Nabf"


def measure(rows: Sequence[Contender], records: Sequence[PairRecord], shifts_px: Sequence[float], detector: Detector | None) -> Report:
    """The section of the report: a row for each contender."""
    found: dict[float, Found] = {}
    for shift in shifts_px:
        progress(f"{shift:g} px, {len(records)} pairs")
        settings = Settings(metrics=(METRIC,), shifted_px=shift, detector=detector, examples=0)
        found[shift] = run(rows, records, settings)
    report = Report(title="Misregistered cameras", text=TEXT.format(pairs=len(records)))
    for row in rows:
        cells: dict[str, object] = {"fuser": row.name}
        cells |= {f"{METRIC}, {shift:g} px": _shown(one.interval(row.name, METRIC)) for shift, one in found.items()}
        if detector:
            cells |= {f"recall, {shift:g} px": one.boxes[row.name]["recall"] for shift, one in found.items()}
            cells |= {f"precision, {shift:g} px": one.boxes[row.name]["precision"] for shift, one in found.items()}
        report.rows.append(cells)
        report.raw[row.name] = {
            f"{shift:g}": {METRIC: one.interval(row.name, METRIC).mean, "boxes": one.boxes.get(row.name)} for shift, one in found.items()
        }
    if not detector:
        report.notes.append("Recall was not measured: no labels or no detector was named.")
    return report


def main() -> None:
    """Find the pairs, measure, show."""
    parser = options(__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--fuser", default="nano", help="names with commas between; NAME=FILE takes weights from a file")
    parser.add_argument("--part", default="validation", choices=("all", "train", "validation"), help="side of split 1")
    parser.add_argument("--labels", type=Path, help="folder of boxes; only labelled pairs are taken then")
    parser.add_argument("--detector", default="", help="NAME or NAME=WEIGHTS")
    parser.add_argument("--shifts", type=_numbers, default=SHIFTS_PX, help="pixels, with commas between")
    chosen = parser.parse_args()
    if bool(chosen.labels) != bool(chosen.detector):
        parser.error("recall wants both --labels and --detector")
    records = [one for one in find_pairs(chosen.data, boxes=chosen.labels) if chosen.part in ("all", one.part)]
    if chosen.labels:
        records = [one for one in records if one.boxes]
    if not records:
        parser.error(f"{chosen.data} has no such pairs")
    names = [name for name in chosen.fuser.split(",") if name]
    try:
        measure(contenders(names), records, chosen.shifts, _detector(chosen.detector)).show(chosen.json)
    except ConfigError as exc:
        raise SystemExit(str(exc)) from None


def _detector(wanted: str) -> Detector | None:
    if not wanted:
        return None
    name, _, weights = wanted.partition("=")
    made = DETECTORS.make(name, **({"weights": weights} if weights else {}))
    made.to(torch.device("cpu"))
    return made


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def _shown(at: Interval) -> str:
    return f"{at.mean:.4f} ({at.low:.4f} to {at.high:.4f})"


TEXT = """{pairs} pairs, infrared shifted by so many pixels before it is fused, each pair in a direction of its own; Nabf against the
unshifted pair, with the 95 % interval over pairs. Less is better; a camera alone makes up no edges but those of its shift."""


if __name__ == "__main__":
    main()
