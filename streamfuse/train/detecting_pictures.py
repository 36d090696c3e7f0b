"""Pictures with boxes for the lesson `detecting`: both cameras in grey, in memory, with the regions nobody is sure of.

Legend: N boxes, M regions, H W pixels.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.detect.hotspots import background_of
from streamfuse.errors import ConfigError
from streamfuse.registry import Settings
from streamfuse.results import Detections
from streamfuse.train.boxes import load_boxes, load_unsure
from streamfuse.train.data import find_pairs, grey, load_all, part
from streamfuse.train.drawn import scene_pairs

WARM_SIGMAS = 2.5
"""Of the picture, above its background: what a person may be that machine-made boxes have missed."""
WARM_LEAST_PX = 14
"""Height of such a blob."""
WARM_SLENDER = (0.8, 5.0)
"""Height over width of such a blob."""
COVERED = 0.3
"""A blob with so much of its area inside of a box is what the box is about."""


class LabelledSet(Settings):
    """One folder of pairs with its boxes."""

    pairs: Path
    boxes: Path
    """A folder of YOLO text; a class `unsure` in its `classes.txt` marks regions of which nothing is learned."""
    checked: bool = False
    """Somebody looked at every picture: what has no box is nothing. Else warm upright blobs without a box are regions nobody is sure of."""
    every: int = 10
    """Of a recording, every so manieth frame."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Boxed:
    """One pair."""

    infrared_HW: NDArray[np.uint8]
    luma_HW: NDArray[np.uint8]
    boxes: Detections
    """`names` is `streamfuse.train.boxes.CLASSES`."""
    unsure_M4: NDArray[np.float32]
    """x1, y1, x2, y2 of regions of which nothing is learned."""


def load_boxed(sets: Sequence[LabelledSet], root: Path) -> list[Boxed]:
    """The training pairs of these sets that have a file of boxes, which may be empty.

    Raises:
        ConfigError: a set has no training pair with boxes.
        SourceError: a folder is not there.
    """
    found: list[Boxed] = []
    for one in sets:
        pairs = find_pairs(root / one.pairs, boxes=_where(one.boxes, root), every=one.every)
        records = [record for record in part(pairs, "train") if record.boxes]
        if not records:
            raise ConfigError(f"lesson.sets: {one.pairs} has no training pair with boxes in {one.boxes}")
        for record, infrared, visible in load_all(records):
            assert record.boxes is not None  # chosen so
            size = (infrared.shape[0], infrared.shape[1])
            boxes, unsure_M4 = load_boxes(record.boxes, size), load_unsure(record.boxes, size)
            if not one.checked:
                unsure_M4 = np.concatenate([unsure_M4, warm_blobs(infrared, boxes.boxes_N4)])
            found.append(Boxed(infrared_HW=infrared, luma_HW=grey(visible), boxes=boxes, unsure_M4=unsure_M4))
    return found


def drawn_boxed(count: int, seed: int) -> list[Boxed]:
    """So many pairs of the drawn street."""
    nothing = np.zeros((0, 4), np.float32)
    return [
        Boxed(infrared_HW=pair.infrared_HW, luma_HW=grey(pair.visible_HW3), boxes=pair.boxes, unsure_M4=nothing)
        for pair in (scene_pairs(count, seed) if count else ())
    ]


def warm_blobs(infrared_HW: NDArray[np.uint8], boxes_N4: NDArray[np.float32]) -> NDArray[np.float32]:
    """(M, 4): what is warm, of the shape of a person who stands, and in no box."""
    background, sigma = background_of(infrared_HW)
    _, warm = cv2.threshold(infrared_HW, background + WARM_SIGMAS * max(sigma, 1.0), 1, cv2.THRESH_BINARY)
    _, _, stats, _ = cv2.connectedComponentsWithStats(warm, connectivity=8, ltype=cv2.CV_16U)
    return np.array(list(_upright(stats[1:, :4].astype(np.float32), boxes_N4)), np.float32).reshape(-1, 4)


def _upright(stats_K4: NDArray[np.float32], boxes_N4: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    for x, y, wide, high in stats_K4:
        if high >= WARM_LEAST_PX and WARM_SLENDER[0] <= high / wide <= WARM_SLENDER[1]:
            blob_4 = np.array([x, y, x + wide, y + high], np.float32)
            if inside(blob_4, boxes_N4).max(initial=0) < COVERED:
                yield blob_4


def inside(box_4: NDArray[np.float32], boxes_N4: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,): which share of the one box lies in each of the others."""
    shared_N2 = (np.minimum(box_4[2:], boxes_N4[:, 2:]) - np.maximum(box_4[:2], boxes_N4[:, :2])).clip(0)
    return np.asarray(shared_N2.prod(1) / max(1e-6, float((box_4[2:] - box_4[:2]).prod())), np.float32)


def _where(folder: Path, root: Path) -> Path:
    """Below the folder of the data, or below the one where the command runs: some boxes come with the repository."""
    return root / folder if (root / folder).is_dir() else folder
