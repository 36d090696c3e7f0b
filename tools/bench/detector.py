"""What a detector finds, with the same weights on every input: recall of persons and vehicles where its precision is at least 0.6.

Run: python tools/bench/detector.py DATA --labels DIR [--detector small] [--fuser nano] [--overlap 0.5] [--json FILE]

DATA in any layout that training knows; the labels are those of tools/labels. The threshold is chosen for each row, class and light: the
lowest at which the precision holds. Found boxes that match no label and are lower than what is labelled (tools/labels/README.md) count
as neither right nor wrong. Legend: P pictures, N found boxes, L labels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.detect import DETECTORS
from streamfuse.evaluate.contender import CAMERAS, Contender, Sight, contenders
from streamfuse.results import Detections
from streamfuse.stages import Detector
from streamfuse.train.boxes import load_boxes
from streamfuse.train.data import PairRecord, find_pairs, load_all
from tools.bench.report import Report, options, progress

PRECISION = 0.6
LEAST_PX = {"person": 20.0, "car": 12.0}
"""Heights from which things are labelled; bicycles are not labelled in rows, so that no precision of theirs can be known."""
MEANT = {"person": "person", "hotspot": "person", "car": "car", "truck": "car", "bus": "car"}
"""Names of detectors; a hot spot is taken for a person, the best that can be said for it."""
CONFIDENCE = 0.25
"""What detectors report by default: recall and precision at this score stand beside."""
RESAMPLES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One class in one picture."""

    scores_N: NDArray[np.float64]
    right_N: NDArray[np.bool_]
    labels: int


def tally(found: Detections, true: Detections, name: str, overlap: float) -> Tally:
    """Each label takes one box, the surest first; boxes too low to be labelled that match nothing are left out."""
    mine = np.array([MEANT.get(found.names[i]) == name for i in found.classes_N], bool)
    boxes, scores = found.boxes_N4[mine], found.scores_N[mine].astype(np.float64)
    order = np.argsort(-scores, kind="stable")
    boxes, scores = boxes[order], scores[order]
    labels = true.boxes_N4[[true.names[i] == name for i in true.classes_N]]
    free = np.ones(len(labels), bool)
    right, counted = np.zeros(len(boxes), bool), np.ones(len(boxes), bool)
    for index, box in enumerate(boxes):
        overlaps = np.where(free, _overlaps(box, labels), 0)
        if len(labels) and overlaps.max() >= overlap:
            right[index], free[int(overlaps.argmax())] = True, False
        else:
            counted[index] = box[3] - box[1] >= LEAST_PX[name]
    return Tally(scores_N=scores[counted], right_N=right[counted], labels=len(labels))


def recall_at(tallies: Sequence[Tally], precision: float = PRECISION) -> float:
    """The largest recall at which the precision is at least so much; 0 where it never is, NaN where nothing is labelled."""
    labels = sum(one.labels for one in tallies)
    scores = np.concatenate([one.scores_N for one in tallies])
    right = np.concatenate([one.right_N for one in tallies])[np.argsort(-scores, kind="stable")].cumsum()
    if not labels:
        return float("nan")
    holds = right >= precision * np.arange(1, len(right) + 1)
    return float(right[holds].max(initial=0) / labels)


def at_score(tallies: Sequence[Tally], least: float = CONFIDENCE) -> tuple[float, float]:
    """Recall and precision of boxes with a score from `least` up."""
    said = sum(int((one.scores_N >= least).sum()) for one in tallies)
    right = sum(int(one.right_N[one.scores_N >= least].sum()) for one in tallies)
    labels = sum(one.labels for one in tallies)
    return right / labels if labels else float("nan"), right / said if said else float("nan")


def spread(tallies: Sequence[Tally], other: Sequence[Tally] = ()) -> tuple[float, float]:
    """95 % interval of the recall, or of its lead over another row's on the same pictures; by bootstrap over pictures."""
    draw = np.random.default_rng(1)
    values = []
    for _ in range(RESAMPLES):
        picked = draw.integers(0, len(tallies), len(tallies))
        value = recall_at([tallies[i] for i in picked])
        values.append(value - recall_at([other[i] for i in picked]) if other else value)
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)


def measure(rows: Sequence[Contender], records: Sequence[PairRecord], detector: Detector, overlap: float) -> Report:
    """The section of the report: a row for each input and class."""
    found: dict[str, dict[str, list[Tally]]] = {row.name: {name: [] for name in LEAST_PX} for row in rows}
    for record, infrared, visible in load_all(records):
        assert record.boxes is not None  # chosen so
        true = load_boxes(record.boxes, (infrared.shape[0], infrared.shape[1]))
        for row in rows:
            boxes = detector.detect(row.fuse(Sight(infrared, visible)))[0]
            for name in LEAST_PX:
                found[row.name][name].append(tally(boxes, true, name, overlap))
    lights = {"all": list(range(len(records)))}
    lights |= {light: [i for i, one in enumerate(records) if one.light == light] for light in ("day", "night")}
    report = Report(title=f"What the detector {detector.name} finds", text=TEXT.format(pairs=len(records), overlap=overlap))
    for name in LEAST_PX:
        cameras = {camera: found[camera][name] for camera in CAMERAS if camera in found}
        best = max(cameras.values(), key=recall_at, default=[])
        for row in rows:
            report.rows.append(_line(row.name, name, found[row.name][name], lights, best))
    report.raw = {row.name: {name: recall_at(found[row.name][name]) for name in LEAST_PX} for row in rows}
    return report


def _line(row: str, name: str, tallies: Sequence[Tally], lights: dict[str, list[int]], best: Sequence[Tally]) -> dict[str, object]:
    cells: dict[str, object] = {"input": row, "class": name}
    for light, picked in lights.items():
        mine = [tallies[i] for i in picked]
        cells[f"recall, {light}"] = _shown(recall_at(mine), spread(mine), "") if sum(one.labels for one in mine) else ""
    known = bool(best) and best is not tallies and sum(one.labels for one in tallies) > 0
    cells["over the better camera"] = _shown(recall_at(tallies) - recall_at(best), spread(tallies, best), "+") if known else ""
    recall, precision = at_score(tallies)
    cells[f"at score {CONFIDENCE}"] = f"{recall:.2f} / {precision:.2f}"
    return cells


def _shown(value: float, ends: tuple[float, float], sign: str) -> str:
    return f"{value:{sign}.2f} ({ends[0]:{sign}.2f} to {ends[1]:{sign}.2f})"


def main() -> None:
    """Find the pairs, look, show."""
    parser = options(__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--labels", type=Path, required=True, help="folder of boxes")
    parser.add_argument("--part", default="validation", choices=("all", "train", "validation"), help="side of split 1")
    parser.add_argument("--detector", default="small", help="NAME or NAME=WEIGHTS")
    parser.add_argument("--fuser", default="nano", help="names with commas between; the classical ones are always there")
    parser.add_argument("--overlap", type=float, default=0.5, help="IoU from which a box is right")
    chosen = parser.parse_args()
    records = [one for one in find_pairs(chosen.data, boxes=chosen.labels) if chosen.part in ("all", one.part) and one.boxes]
    if not records:
        parser.error(f"{chosen.data} has no such pairs")
    name, _, weights = chosen.detector.partition("=")
    settings: dict[str, object] = {"weights": weights} if weights else {}
    detector = DETECTORS.make(name, **(settings if name == "hotspots" else settings | {"confidence": 0.02}))
    detector.to(torch.device("cpu"))
    progress(f"{len(records)} pairs")
    measure(contenders([one for one in chosen.fuser.split(",") if one]), records, detector, chosen.overlap).show(chosen.json)


def _overlaps(box_4: NDArray[np.float32], boxes_L4: NDArray[np.float32]) -> NDArray[np.float32]:
    shared = (np.minimum(box_4[2:], boxes_L4[:, 2:]) - np.maximum(box_4[:2], boxes_L4[:, :2])).clip(0).prod(1)
    areas = (boxes_L4[:, 2:] - boxes_L4[:, :2]).prod(1)
    return np.asarray(shared / (areas + (box_4[2:] - box_4[:2]).prod() - shared), np.float32)


TEXT = """{pairs} pictures with checked boxes, a box right from an overlap (IoU) of {overlap}. Recall at the lowest score at which the
precision is at least 0.6, by all pictures, day and night, with the 95 % interval over pictures; its lead over the camera on which
the recall is higher; recall / precision at the score from which detectors report by default."""


if __name__ == "__main__":
    main()
