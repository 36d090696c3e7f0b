"""mAP, recall and precision of boxes. COCO's rules, by the library supervision."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamfuse.errors import ConfigError, FrameError
from streamfuse.results import Detections
from streamfuse.train.boxes import CLASSES, MEANT

LEAST_SCORE = 0.25
"""For recall and precision; mAP takes all boxes."""
OVERLAP = 0.5


def box_metrics(found: Sequence[Detections], true: Sequence[Detections], least_score: float = LEAST_SCORE) -> dict[str, float]:
    """mAP50, mAP50:95, recall and precision over pictures, and recall and precision for each class that is labelled.

    Classes go by their names: a detector's `truck` is a `car`, what has no name in `train.boxes.MEANT` is left out. Recall and precision
    are of boxes from `least_score` up, one label for one box at an overlap of 0.5 or more (IoU). NaN where there is nothing to divide by.
    Lin et al., "Microsoft COCO", ECCV 2014.

    Raises:
        FrameError: there is not one list of labels for each picture.
        ConfigError: the detector has other classes altogether, as `hotspots` has.
    """
    if len(found) != len(true):
        raise FrameError(f"want labels for each picture, got {len(found)} pictures and {len(true)} labels")
    told = {name for one in found for name in one.names}
    if told and not any(name.lower() in MEANT for name in told):
        raise ConfigError(
            f"the detector finds {', '.join(sorted(told))}, the labels are of {', '.join(CLASSES)}: want one with such classes"
        )
    from supervision.metrics import MeanAveragePrecision  # noqa: PLC0415  heavy, and only wanted here

    boxes, labels = [_common(one).to_supervision() for one in found], [_common(one).to_supervision() for one in true]
    precision = MeanAveragePrecision().update(boxes, labels).compute()
    scores = {"mAP50": _known(precision.map50), "mAP50:95": _known(precision.map50_95)}
    hits = [_hits(one, other, least_score) for one, other in zip(boxes, labels, strict=True)]
    for name in ("", *CLASSES):
        number = CLASSES.index(name) if name else None
        right, said, there = (sum(counts[number] for counts in column) for column in zip(*hits, strict=True))
        if number is None or there:
            scores[f"recall {name}".strip()] = right / there if there else float("nan")
            scores[f"precision {name}".strip()] = right / said if said else float("nan")
    return scores


def _common(boxes: Detections) -> Detections:
    """In the classes of `CLASSES`."""
    meant = [MEANT.get(boxes.names[i].lower()) for i in boxes.classes_N]
    kept = np.array([name is not None for name in meant], bool)
    return Detections(
        boxes_N4=boxes.boxes_N4[kept],
        scores_N=boxes.scores_N[kept],
        classes_N=np.array([CLASSES.index(name) for name in meant if name], np.int32),
        tracks_N=boxes.tracks_N[kept],
        names=CLASSES,
    )


Counts = dict[int | None, int]


def _hits(found: Any, true: Any, least_score: float) -> tuple[Counts, Counts, Counts]:
    """Boxes that are right, boxes said, labels there; for each class, and in all under None."""
    from supervision import box_iou_batch  # noqa: PLC0415  as above

    right: Counts = {None: 0}
    said: Counts = {None: 0}
    there: Counts = {None: 0}
    found = found[found.confidence >= least_score]
    for number in range(len(CLASSES)):
        boxes, labels = found[found.class_id == number], true[true.class_id == number]
        boxes = boxes[np.argsort(-boxes.confidence, kind="stable")]
        overlaps = box_iou_batch(labels.xyxy, boxes.xyxy) if len(boxes) and len(labels) else np.zeros((len(labels), len(boxes)))
        right[number], said[number], there[number] = _matched(overlaps), len(boxes), len(labels)
        for counts in (right, said, there):
            counts[None] += counts[number]
    return right, said, there


def _matched(overlaps_LN: NDArray[np.floating[Any]]) -> int:
    """Labels that get a box, the surest box choosing first."""
    free = np.ones(len(overlaps_LN), bool)
    for overlap_L in overlaps_LN.T:
        best = int(np.argmax(np.where(free, overlap_L, -1))) if free.any() else -1
        if best >= 0 and overlap_L[best] >= OVERLAP:
            free[best] = False
    return int((~free).sum())


def _known(value: float) -> float:
    """Supervision says -1 where there is nothing to average."""
    return float("nan") if value < 0 else float(value)
