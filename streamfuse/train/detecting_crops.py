"""Batches for the lesson `detecting`: crops at many scales with their boxes, persons pasted in, each seen in one view.

Legend: B batch, N boxes, M regions, H W pixels of a crop, h w cells of the network.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.detect.small_network import STRIDE_PX
from streamfuse.train.boxes import CLASSES
from streamfuse.train.detecting_pictures import Boxed
from streamfuse.train.detecting_views import toned, view
from streamfuse.train.detection_loss import Boxes
from streamfuse.train.pasting import CutOut, paste

SCALES = (0.6, 1.7)
AT_A_BOX = 0.75
"""Share of the crops that are cut around a box."""
MISREGISTERED, SHIFT_PX = 0.3, 2.0
"""Share of the crops whose infrared is shifted, and by how much at most along each axis."""
SEEN_SHARE, SEEN_PX = 0.4, 6.0
"""A box that the crop cuts counts while so much of its area is left, and edges so long; else its rest is a region nobody is sure of."""
PLAIN = 0.025
"""Deviation in a box below which a view does not show what is in it."""
BORDER = 90.0
"""Level of infrared and luma beyond the edge of a picture."""
PERSON = CLASSES.index("person")


class Batch(NamedTuple):
    """What the network is shown, and what it should find."""

    views_B1HW: torch.Tensor
    boxes: Boxes
    unknown_Bhw: torch.Tensor
    """Cells of which nothing is learned."""


class Crop(NamedTuple):
    """One item."""

    view_HW: NDArray[np.float32]
    boxes_N4: NDArray[np.float32]
    classes_N: NDArray[np.int64]
    unsure_M4: NDArray[np.float32]


def batch_of(pictures: Sequence[Boxed], edge_px: int, bank: Sequence[CutOut], pasted: float, draw: np.random.Generator) -> Batch:
    """A crop of each picture; `pasted` is the mean number of persons that come into it."""
    crops = [crop(one, edge_px, bank, pasted, draw) for one in pictures]
    items = np.repeat(np.arange(len(crops)), [len(one.boxes_N4) for one in crops])
    boxes = Boxes(
        torch.from_numpy(items),
        torch.from_numpy(np.concatenate([one.classes_N for one in crops])),
        torch.from_numpy(np.concatenate([one.boxes_N4 for one in crops])),
    )
    unknown = np.stack([cells(one.unsure_M4, edge_px) for one in crops])
    return Batch(torch.from_numpy(np.stack([one.view_HW for one in crops]))[:, None], boxes, torch.from_numpy(unknown))


def crop(one: Boxed, edge_px: int, bank: Sequence[CutOut], pasted: float, draw: np.random.Generator) -> Crop:
    """Scaled, moved, flipped; with persons pasted in; in one view and tone."""
    matrix = _placed(one, edge_px, draw)
    shift = draw.uniform(-SHIFT_PX, SHIFT_PX, 2) if draw.random() < MISREGISTERED else np.zeros(2)
    infrared, luma = (_warped(picture, matrix, edge_px, by) for picture, by in ((one.infrared_HW, shift), (one.luma_HW, np.zeros(2))))
    whole_N4 = _moved(one.boxes.boxes_N4, matrix)
    boxes_N4, unsure_M4 = whole_N4.clip(0, edge_px), _moved(one.unsure_M4, matrix).clip(0, edge_px)
    edges_N2, whole_N2 = (part[:, 2:] - part[:, :2] for part in (boxes_N4, whole_N4))
    seen_N = (edges_N2.min(1, initial=np.inf) >= SEEN_PX) & (edges_N2.prod(1) >= SEEN_SHARE * whole_N2.prod(1))
    unsure_M4 = np.concatenate([unsure_M4, boxes_N4[~seen_N]])
    boxes_N4, classes_N = boxes_N4[seen_N], one.boxes.classes_N[seen_N].astype(np.int64)
    for _ in range(int(draw.poisson(pasted))):
        put_4 = paste((infrared, luma), boxes_N4, bank, draw)
        if put_4 is not None:
            boxes_N4, classes_N = np.concatenate([boxes_N4, put_4[None]]), np.append(classes_N, PERSON)
    shown = view(infrared / np.float32(255), luma / np.float32(255), draw)
    plain_N = np.array([_deviation(shown, box_4) < PLAIN for box_4 in boxes_N4], bool)
    unsure_M4 = np.concatenate([unsure_M4, boxes_N4[plain_N]])
    return Crop(toned(shown, draw), boxes_N4[~plain_N], classes_N[~plain_N], unsure_M4)


def cells(regions_M4: NDArray[np.float32], edge_px: int) -> NDArray[np.bool_]:
    """(h, w), true where a cell touches one of the regions."""
    found = np.zeros((edge_px // STRIDE_PX,) * 2, bool)
    for x1, y1, x2, y2 in regions_M4 / STRIDE_PX:
        if x2 > x1 and y2 > y1:
            found[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))] = True
    return found


def _placed(one: Boxed, edge_px: int, draw: np.random.Generator) -> NDArray[np.float64]:
    """(2, 3) from pixels of the picture to pixels of the crop."""
    scale = float(np.exp(draw.uniform(*np.log(SCALES))))
    size = np.array(one.infrared_HW.shape[::-1], np.float64)
    side = edge_px / scale
    middle = draw.uniform(0, 1, 2) * size
    if len(one.boxes) and draw.random() < AT_A_BOX:
        box_4 = one.boxes.boxes_N4[int(draw.integers(len(one.boxes)))]
        middle = (box_4[:2] + box_4[2:]) / 2 + draw.uniform(-0.4, 0.4, 2) * side
    corner = np.where(size > side, (middle - side / 2).clip(0, np.maximum(size - side, 0)), (size - side) / 2)
    matrix = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
    return np.array([[-1, 0, edge_px], [0, 1, 0]]) @ np.vstack([matrix, [0, 0, 1]]) if draw.random() < 0.5 else matrix


def _warped(picture: NDArray[np.uint8], matrix: NDArray[np.float64], edge_px: int, shift: NDArray[np.float64]) -> NDArray[np.float32]:
    """Edges are those of pixels, so that a scale moves centres by half a pixel of it."""
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2].sum(1) / 2 - 0.5 + shift
    flat = cv2.warpAffine(picture, moved, (edge_px, edge_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=BORDER)
    return np.asarray(flat, np.float32)


def _moved(boxes_N4: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    corners_N22 = boxes_N4.reshape(-1, 2, 2) @ matrix[:, :2].T + matrix[:, 2]
    return np.concatenate([corners_N22.min(1), corners_N22.max(1)], 1).astype(np.float32)


def _deviation(picture: NDArray[np.float32], box_4: NDArray[np.float32]) -> float:
    x1, y1, x2, y2 = box_4.round().astype(int)
    return float(picture[y1:y2, x1:x2].std())
