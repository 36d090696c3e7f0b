"""The lesson of the detector `small`: persons, bikes and cars in either camera and in any mixture of both, by one network."""

from pathlib import Path
from typing import Protocol, cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from streamfuse.detect.small import boxes_of
from streamfuse.detect.small_network import SmallNetwork
from streamfuse.networks.network import FusionNetwork
from streamfuse.registry import Settings
from streamfuse.train.centres import centre_loss
from streamfuse.train.detecting_crops import Batch, batch_of
from streamfuse.train.detecting_pictures import LabelledSet, drawn_boxed, load_boxed
from streamfuse.train.lesson import Terms
from streamfuse.train.pasting import cut_outs
from streamfuse.train.recipe import StageSettings
from streamfuse.train.sheet import sheet_of

DRAWN_SEED = 1
PREVIEW_ROWS, PREVIEW_PX, PREVIEW_SCORE = 4, 256, 0.3
BOX_COLOUR = (255, 255, 0)


class DetectingSettings(Settings):
    """What is looked at."""

    sets: list[LabelledSet] = Field(min_length=1)
    drawn: int = Field(60, ge=0)
    """Pictures of the drawn street."""
    drawn_share: float = Field(0.15, ge=0, le=0.25)
    """Of the crops."""
    pasted: float = Field(0.6, ge=0)
    """Persons that are pasted into a crop, in the mean."""


class Place(Protocol):
    """What the lesson wants of its material."""

    @property
    def root(self) -> Path:
        """Below which the sets lie."""
        ...

    @property
    def device(self) -> torch.device:
        """Of the network."""
        ...


class DetectingLesson:
    """Each crop is of another picture, in one view. Nothing is kept between steps."""

    def __init__(self, settings: DetectingSettings, place: Place) -> None:
        self._settings, self._device = settings, place.device
        self._pictures = load_boxed(settings.sets, place.root)
        self._drawn = drawn_boxed(settings.drawn, DRAWN_SEED)
        self._bank = [one for each in self._pictures for one in cut_outs(each.infrared_HW, each.luma_HW, each.boxes)]

    def terms(self, network: FusionNetwork, stage: StageSettings, draw: torch.Generator) -> Terms:
        """`heat` and `edges` of `centre_loss`. The network is a `SmallNetwork`."""
        batch = self._batch(stage.batch, stage.crop_px or PREVIEW_PX, draw)
        found = cast("SmallNetwork", network)(batch.views_B1HW)
        with torch.autocast(self._device.type, enabled=False):
            return centre_loss(found, batch.boxes, batch.unknown_Bhw)

    @torch.no_grad()
    def preview(self, network: FusionNetwork, draw: torch.Generator) -> NDArray[np.uint8]:
        """Per row: a view with the boxes that are there, and with those that are found."""
        batch = self._batch(PREVIEW_ROWS, PREVIEW_PX, draw)
        sheet = sheet_of([batch.views_B1HW, batch.views_B1HW])
        for item, box_4 in zip(batch.boxes.items_N.tolist(), batch.boxes.boxes_N4.tolist(), strict=True):
            _frame(sheet, box_4, 0, item)
        for item, found in enumerate(boxes_of(cast("SmallNetwork", network)(batch.views_B1HW), PREVIEW_SCORE)):
            for box_4 in found.boxes_N4.tolist():
                _frame(sheet, box_4, 1, item)
        return sheet

    def _batch(self, count: int, edge_px: int, draw: torch.Generator) -> Batch:
        chance = np.random.default_rng(int(torch.randint(2**62, (), generator=draw)))
        chosen = []
        for _ in range(count):
            pictures = self._drawn if self._drawn and chance.random() < self._settings.drawn_share else self._pictures
            chosen.append(pictures[int(chance.integers(len(pictures)))])
        batch = batch_of(chosen, edge_px, self._bank, self._settings.pasted, chance)
        boxes = type(batch.boxes)(*(part.to(self._device) for part in batch.boxes))
        return Batch(batch.views_B1HW.to(self._device), boxes, batch.unknown_Bhw.to(self._device))


def _frame(sheet: NDArray[np.uint8], box_4: list[float], column: int, row: int) -> None:
    left, top = column * PREVIEW_PX, row * PREVIEW_PX
    x1, y1, x2, y2 = (round(value) for value in box_4)
    cv2.rectangle(sheet, (left + x1, top + y1), (left + x2 - 1, top + y2 - 1), BOX_COLOUR)
