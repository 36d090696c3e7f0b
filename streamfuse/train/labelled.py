"""Pictures with boxes and sentences in memory, and crops of them as batches: for lessons with a detector.

Legend: B batch, N boxes of a batch, H W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.errors import ConfigError
from streamfuse.results import Detections
from streamfuse.train.boxes import load_boxes
from streamfuse.train.data import find_pairs, load_all, part
from streamfuse.train.detection_loss import Boxes
from streamfuse.train.drawn import scene_pairs
from streamfuse.train.pool import Crops, largest_edge_px, of_one_size, unit
from streamfuse.train.split import Light

SEEN_SHARE, SEEN_PX = 0.4, 4.0
"""A box that the crop cuts counts while so much of its area is left, and edges so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One pair in memory."""

    light: Light
    infrared_HW: NDArray[np.uint8]
    visible_HW3: NDArray[np.uint8]
    """RGB."""
    boxes: Detections
    """`names` is `streamfuse.train.boxes.CLASSES`."""
    captions: tuple[str, ...] = ()


class LabelledCrops(NamedTuple):
    """A batch."""

    crops: Crops
    boxes: Boxes
    captions: list[tuple[str, ...]]


def load_labelled(folders: Sequence[Path], drawn: int, seed: int) -> list[Labelled]:
    """The training pairs of these folders that have boxes, and so many of the drawn street.

    Raises:
        ConfigError: none of the two gives a picture, or a folder has no training pair with boxes.
        SourceError: a folder is not there.
    """
    found: list[Labelled] = []
    for folder in folders:
        records = [record for record in part(find_pairs(folder), "train") if record.boxes]
        if not records:
            raise ConfigError(f"lesson.sets: {folder} has no training pair with boxes; they belong in labels/ beside ir/ and vi/")
        for record, infrared, visible in load_all(records):
            boxes = load_boxes(record.boxes or Path(), (infrared.shape[0], infrared.shape[1]))
            lines = record.caption.read_text(encoding="utf-8").splitlines() if record.caption else []
            captions = tuple(line.strip() for line in lines if line.strip())
            found.append(Labelled(light=record.light, infrared_HW=infrared, visible_HW3=visible, boxes=boxes, captions=captions))
    if drawn:
        found += [
            Labelled(light=pair.light, infrared_HW=pair.infrared_HW, visible_HW3=pair.visible_HW3, boxes=pair.boxes)
            for pair in scene_pairs(drawn, seed)
        ]
    if not found:
        raise ConfigError("lesson.sets and lesson.drawn give no picture with boxes: name a labelled folder, or draw some")
    return found


class LabelledPool:
    """Each picture is drawn equally often."""

    def __init__(self, pictures: Sequence[Labelled]) -> None:
        self._pictures = list(pictures)

    @property
    def edge_px(self) -> int:
        """Of the largest square crop that some picture holds."""
        return largest_edge_px(self._pictures)

    def crops(self, batch: int, edge_px: int | None, draw: torch.Generator, device: torch.device) -> LabelledCrops:
        """`batch` square crops, each flipped left to right every second time. Pictures that are too small are left out.

        No edge: whole pictures, all of one size, that of a picture drawn first.
        """
        fitting, size = of_one_size(self._pictures, edge_px, draw)
        chosen = [fitting[int(index)] for index in torch.randint(len(fitting), (batch,), generator=draw)]
        cut = [_crop(picture, size, draw) for picture in chosen]
        infrared = torch.from_numpy(np.stack([part.infrared_HW for part in cut]))[:, None]
        visible = torch.from_numpy(np.stack([part.visible_HW3 for part in cut])).permute(0, 3, 1, 2)
        crops = Crops(unit(infrared, device), unit(visible, device), tuple(picture.light for picture in chosen))
        return LabelledCrops(crops, _together([part.boxes for part in cut], device), [picture.captions for picture in chosen])


class _Cut(NamedTuple):
    infrared_HW: NDArray[np.uint8]
    visible_HW3: NDArray[np.uint8]
    boxes: Detections


def _crop(picture: Labelled, size: tuple[int, int], draw: torch.Generator) -> _Cut:
    height, width = picture.infrared_HW.shape
    top, left = (int(torch.randint(room + 1, (), generator=draw)) for room in (height - size[0], width - size[1]))
    flipped = bool(torch.randint(2, (), generator=draw))
    rows, columns, step = slice(top, top + size[0]), slice(left, left + size[1]), -1 if flipped else 1
    boxes = _cut_boxes(picture.boxes, (left, top), size, flipped=flipped)
    return _Cut(picture.infrared_HW[rows, columns][:, ::step], picture.visible_HW3[rows, columns][:, ::step], boxes)


def _cut_boxes(boxes: Detections, corner: tuple[int, int], size: tuple[int, int], *, flipped: bool) -> Detections:
    """In pixels of a crop whose upper left corner is at (x, y); without those that it hardly holds."""
    limit = np.array([size[1], size[0]] * 2, np.float32)
    whole_N4 = boxes.boxes_N4 - np.array(corner * 2, np.float32)
    cut_N4 = whole_N4.clip(0, limit)
    edges_N2, whole_N2 = (b[:, 2:] - b[:, :2] for b in (cut_N4, whole_N4))
    kept = (edges_N2.min(1, initial=np.inf) >= SEEN_PX) & (edges_N2.prod(1) >= SEEN_SHARE * whole_N2.prod(1))
    if flipped:
        cut_N4[:, [0, 2]] = size[1] - cut_N4[:, [2, 0]]
    return Detections(
        boxes_N4=cut_N4[kept],
        scores_N=boxes.scores_N[kept],
        classes_N=boxes.classes_N[kept],
        tracks_N=boxes.tracks_N[kept],
        names=boxes.names,
    )


def _together(boxes: Sequence[Detections], device: torch.device) -> Boxes:
    items = np.repeat(np.arange(len(boxes)), [len(part) for part in boxes])
    classes = np.concatenate([part.classes_N for part in boxes])
    corners = np.concatenate([part.boxes_N4 for part in boxes])
    return Boxes(*(torch.from_numpy(part).to(device) for part in (items, classes.astype(np.int64), corners)))
