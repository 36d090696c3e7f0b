"""From Text to Pixels' bilevel lesson: the fusion serves a detector, which learns from what the fusion shows it.

    detector   min over w_d of  L^det(w_d; f*(w_f))
    fusion     f* = argmin over w_f of  L^str + L^cc + weight L^det(D(f))

First order: the two take turns, a step each. The gradient of L^det goes through the detector, which is held fast, into the fusion
network; then the detector takes a step on the same pictures, cut off from the fusion network. L^str and L^cc are named in the abstract of
arXiv 2401.00421 and not explained where we could read it. Our reading of L^str is structure, edges and intensity by `upfusion_terms`, that
of L^cc stands in `textpixels_loss`. The fused luma gets the chroma of the visible camera before the detector sees it (as in TarDAL, 2022).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from streamfuse.colour import luma_of
from streamfuse.networks.network import FusionNetwork, State
from streamfuse.networks.textpixels import TextPixels
from streamfuse.networks.textpixels_loss import Reading, consistency
from streamfuse.registry import Settings
from streamfuse.train.boxes import CLASSES
from streamfuse.train.detection_loss import Boxes, DetectionLoss
from streamfuse.train.labelled import LabelledCrops, LabelledPool, load_labelled
from streamfuse.train.lesson import Material, Terms
from streamfuse.train.losses import upfusion_terms
from streamfuse.train.pool import Crops
from streamfuse.train.recipe import StageSettings
from streamfuse.train.sheet import sheet_of
from streamfuse.train.vocabulary import Words
from streamfuse.train.words import WordsLesson, WordsSettings

PROMPT = "an infrared and visible image of a street with people and cars"
"""Of pairs without a caption."""
REMEMBERED = 4096
"""Captions whose embeddings are kept."""
PREVIEW_ROWS, PREVIEW_PX = 4, 320
BOX_COLOUR = (255, 255, 0)


class BilevelSettings(Settings):
    """Weights of the losses, and the detector."""

    sets: list[Path] = Field([])
    """Folders with pairs and boxes, below the folder of the training data."""
    drawn: int = Field(0, ge=0)
    """Pictures of the drawn street among those with boxes."""
    detector: str = "yolo11n"
    """A detector of ultralytics, with random weights at first."""
    detector_rate: float = Field(1e-3, gt=0)
    weight: float = Field(0.05, ge=0)
    """Of L^det in the fusion step. TarDAL has 0.5, of a detector whose loss is about a tenth as large."""
    warm_up_steps: int = Field(500, ge=0)
    """Steps in which only the detector looks at boxes: what it says at first is worth nothing."""
    intensity: float = 1.0
    edges: float = 10.0
    structure: float = 1.0
    consistency: float = 1.0
    """Of L^cc."""
    reading: Reading = "codebook"
    words: WordsSettings | None = None
    """Beside all this the lesson `words`, with a batch of its own, so that they are not unlearned."""


class Shown(NamedTuple):
    """What the detector is to learn from."""

    rgb_B3HW: torch.Tensor
    boxes: Boxes


class BilevelLesson:
    """See the file's docstring. A `Learner`: it keeps the detector, its optimiser and the count of its steps."""

    def __init__(self, settings: BilevelSettings, material: Material) -> None:
        self._settings, self._device = settings, material.device
        folders = [material.root / folder for folder in settings.sets]
        self._pool = LabelledPool(load_labelled(folders, settings.drawn, seed=1))
        self._words_of = _remembering(material)
        self._obeying = None if settings.words is None else WordsLesson(settings.words, material)
        self.detection = DetectionLoss(settings.detector, len(CLASSES)).to(material.device)
        self._optimiser = torch.optim.AdamW(self.detection.parameters(), settings.detector_rate)
        self._step = 0
        self._shown: Shown | None = None
        self._codes: tuple[torch.Tensor, torch.Generator] | None = None

    def terms(self, network: FusionNetwork, stage: StageSettings, draw: torch.Generator) -> Terms:
        """The fusion step: L^str, L^cc, and after the warm-up L^det."""
        s = self._settings
        labelled = self._pool.crops(stage.batch, stage.crop_px, draw, self._device)
        crops = labelled.crops
        fused, terms = self._fused(network, crops, self._state(network, labelled.captions, draw), draw)
        luma_B1HW = fused if network.colour == "luma" else luma_of(fused)
        found = upfusion_terms(crops.infrared_B1HW, crops.luma_B1HW, luma_B1HW)
        terms |= {name: getattr(s, name) * term for name, term in found.items()}
        rgb_B3HW = coloured(fused, crops)
        if s.weight > 0 and self._step >= s.warm_up_steps:
            self.detection.requires_grad_(requires_grad=False)
            terms["detection"] = s.weight * self.detection(rgb_B3HW, labelled.boxes)
        self._shown = Shown(rgb_B3HW.detach(), labelled.boxes)
        if self._obeying is not None:
            terms |= {f"words_{name}": term for name, term in self._obeying.terms(network, stage, draw).items()}
        return terms

    def after(self, network: FusionNetwork) -> None:
        """The detector's step, on pictures that do not lead back to the fusion network. Then codes move."""
        assert self._shown is not None
        self.detection.requires_grad_(requires_grad=True)
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(self.detection(*self._shown))
        self._optimiser.step()
        self._step += 1
        if isinstance(network, TextPixels) and self._codes is not None:
            vectors_BDN, chance = self._codes
            network.prior.codebook.learn(vectors_BDN, generator=chance)
        if self._obeying is not None:
            self._obeying.after(network)

    @torch.no_grad()
    def preview(self, network: FusionNetwork, draw: torch.Generator) -> NDArray[np.uint8]:
        """Per row: infrared, visible, fused in colour with the boxes that are there."""
        labelled = self._pool.crops(PREVIEW_ROWS, min(PREVIEW_PX, self._pool.edge_px), draw, self._device)
        crops = labelled.crops
        seen = crops.luma_B1HW if network.colour == "luma" else crops.visible_B3HW
        fused = network(crops.infrared_B1HW, seen, self._state(network, labelled.captions, draw)).float()
        sheet = sheet_of([crops.infrared_B1HW, crops.visible_B3HW, coloured(fused, crops)])
        return _with_boxes(sheet, labelled, 2 * crops.infrared_B1HW.shape[3])

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"detection": self.detection.state_dict(), "optimiser": self._optimiser.state_dict(), "step": self._step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.detection.load_state_dict(state["detection"])
        self._optimiser.load_state_dict(state["optimiser"])
        self._step = int(state["step"])

    def _fused(self, network: FusionNetwork, crops: Crops, state: State, draw: torch.Generator) -> tuple[torch.Tensor, Terms]:
        if isinstance(network, TextPixels):
            trace = network.trace(crops.infrared_B1HW, crops.luma_B1HW, state)
            chance = torch.Generator().manual_seed(int(torch.randint(2**31, (), generator=draw)))
            self._codes = trace.vectors_BDhw.flatten(2).detach().float(), chance
            cost = consistency(network, trace, self._settings.reading).float()
            return trace.fused_B1HW.float(), {"consistency": self._settings.consistency * cost}
        seen = crops.luma_B1HW if network.colour == "luma" else crops.visible_B3HW
        return network(crops.infrared_B1HW, seen, state).float(), {}

    def _state(self, network: FusionNetwork, captions: Sequence[tuple[str, ...]], draw: torch.Generator) -> State:
        """One caption of each pair."""
        texts = [lines[int(torch.randint(len(lines), (), generator=draw))] if lines else PROMPT for lines in captions]
        parts = [self._words_of(text) for text in texts]
        pooled, tokens, mask = (torch.cat(column) for column in zip(*((w.pooled_BD, w.tokens_BLD, w.mask_BL) for w in parts), strict=True))
        return network.encode_text(pooled, tokens, mask)


def coloured(fused: torch.Tensor, crops: Crops) -> torch.Tensor:
    """(B, 3, H, W) in [0, 1]: a fused luma with Cb and Cr of the visible picture, which is the same step on R, G and B; RGB as it is."""
    rgb_B3HW = fused if fused.shape[1] == 3 else crops.visible_B3HW + (fused - crops.luma_B1HW)
    return rgb_B3HW.clamp(0, 1)


def _remembering(material: Material) -> Callable[[str], Words]:
    @lru_cache(REMEMBERED)
    def words_of(text: str) -> Words:
        with torch.autocast(material.device.type, enabled=False):
            return material.vocabulary.words_of([text], material.device)

    return words_of


def _with_boxes(sheet: NDArray[np.uint8], labelled: LabelledCrops, left: int) -> NDArray[np.uint8]:
    height = labelled.crops.infrared_B1HW.shape[2]
    for item, box in zip(labelled.boxes.items_N.tolist(), labelled.boxes.boxes_N4.tolist(), strict=True):
        x1, y1, x2, y2 = (round(value) for value in box)
        cv2.rectangle(sheet, (left + x1, item * height + y1), (left + x2 - 1, item * height + y2 - 1), BOX_COLOUR)
    return sheet
