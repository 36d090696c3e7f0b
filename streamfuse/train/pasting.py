"""Persons cut out along their warm outline, to be put into other pictures of both cameras.

Legend: h w pixels of a cut-out, N boxes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.results import Detections
from streamfuse.train.boxes import CLASSES

PERSON = CLASSES.index("person")
LEAST_HEIGHT_PX = 24
LEAST_CONTRAST = 25.0
"""Levels of infrared, inside of the outline over outside."""
FILLED = (0.25, 0.85)
"""Share of its box that an outline may fill: a person does neither less nor more."""
HEIGHT_PX = (20.0, 130.0)
RESIZED = (0.6, 1.5)
OVERLAP = 0.15
"""Share of a pasted box that may lie in another one."""
TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CutOut:
    """One person."""

    infrared_hw: NDArray[np.uint8]
    luma_hw: NDArray[np.uint8]
    mask_hw: NDArray[np.float32]
    """1 inside of the outline."""
    dark: bool
    """Whether the visible picture it is from is."""


DARK_LUMA = 60
"""Mean of a picture at night."""


def cut_outs(infrared_HW: NDArray[np.uint8], luma_HW: NDArray[np.uint8], boxes: Detections) -> list[CutOut]:
    """The persons of a picture who stand out in infrared, and alone in their box."""
    dark = bool(luma_HW.mean() < DARK_LUMA)
    found = []
    for box_4 in boxes.boxes_N4[boxes.classes_N == PERSON].round().astype(int):
        rows, columns = slice(box_4[1], box_4[3]), slice(box_4[0], box_4[2])
        if box_4[3] - box_4[1] < LEAST_HEIGHT_PX or box_4[2] - box_4[0] < LEAST_HEIGHT_PX // 4:
            continue
        mask_hw = outline(infrared_HW[rows, columns])
        if mask_hw is not None:
            found.append(CutOut(infrared_hw=infrared_HW[rows, columns], luma_hw=luma_HW[rows, columns], mask_hw=mask_hw, dark=dark))
    return found


def outline(infrared_hw: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """(h, w), 1 where the largest warm blob of a box is, with a soft rim; nothing where no blob could be a person."""
    _, warm = cv2.threshold(infrared_hw, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(warm, connectivity=8, ltype=cv2.CV_32S)
    if len(stats) < 2:
        return None
    largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    blob = labels == largest
    high = stats[largest, cv2.CC_STAT_HEIGHT] / infrared_hw.shape[0]
    contrast = float(infrared_hw[blob].mean()) - float(infrared_hw[~blob].mean() if (~blob).any() else 0)
    if not FILLED[0] <= blob.mean() <= FILLED[1] or high < 0.8 or contrast < LEAST_CONTRAST:
        return None
    return np.asarray(cv2.blur(cv2.dilate(blob.astype(np.float32), np.ones((3, 3))), (3, 3)), np.float32)


def paste(
    pictures: tuple[NDArray[np.float32], NDArray[np.float32]],
    boxes_N4: NDArray[np.float32],
    bank: Sequence[CutOut],
    draw: np.random.Generator,
) -> NDArray[np.float32] | None:
    """Put one of the bank into infrared and luma, (H, W) in [0, 255], where no box is; its box, or nothing where there was no room.

    The pictures are changed. Persons by night go into dark pictures only, and the other way round.
    """
    dark = bool(pictures[1].mean() < DARK_LUMA)
    fitting = [one for one in bank if one.dark == dark]
    if not fitting:
        return None
    one = fitting[int(draw.integers(len(fitting)))]
    height = float(np.clip(one.mask_hw.shape[0] * np.exp(draw.uniform(*np.log(RESIZED))), *HEIGHT_PX))
    size = (max(5, round(one.mask_hw.shape[1] * height / one.mask_hw.shape[0])), round(height))
    room = (pictures[0].shape[1] - size[0], pictures[0].shape[0] - size[1])
    if min(room) <= 0:
        return None
    for _ in range(TRIES):
        x, y = int(draw.integers(room[0])), int(draw.integers(room[1] // 4, room[1] + 1))  # nobody walks at the upper edge
        box_4 = np.array([x, y, x + size[0], y + size[1]], np.float32)
        if _shared(box_4, boxes_N4) < OVERLAP:
            break
    else:
        return None
    step = -1 if draw.random() < 0.5 else 1
    mask, infrared, luma = (_sized(part, size)[:, ::step] for part in (one.mask_hw, one.infrared_hw, one.luma_hw))
    for picture, patch in zip(pictures, (infrared, luma), strict=True):
        where = picture[y : y + size[1], x : x + size[0]]
        where += mask * (patch - where)
    return box_4


def _sized(part_hw: NDArray[np.uint8] | NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    shrinks = size[1] < part_hw.shape[0]
    return np.asarray(
        cv2.resize(part_hw.astype(np.float32), size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.float32
    )


def _shared(box_4: NDArray[np.float32], boxes_N4: NDArray[np.float32]) -> float:
    shared_N2 = (np.minimum(box_4[2:], boxes_N4[:, 2:]) - np.maximum(box_4[:2], boxes_N4[:, :2])).clip(0)
    return float(shared_N2.prod(1).max(initial=0) / (box_4[2:] - box_4[:2]).prod())
