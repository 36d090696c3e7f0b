"""The lesson of the front's fine half: stripes, grain and blur of each camera, as the words ask, before anything is fused.

What the front is taught by a fused picture it learns slowly: where the other camera is brighter, a wrong picture does not show.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.network import FusionNetwork, State
from streamfuse.registry import Settings
from streamfuse.train.cases import POLARITY, CaseMaker, Cases
from streamfuse.train.lesson import Material, Terms, with_dials
from streamfuse.train.losses import log_error
from streamfuse.train.recipe import StageSettings
from streamfuse.train.words import WordsLesson, WordsSettings


class RefiningSettings(Settings):
    """How words are heard."""

    by_hand: float = 0.5
    """As in the lesson `words`."""


class RefiningLesson:
    """See the file's docstring."""

    def __init__(self, settings: RefiningSettings, material: Material) -> None:
        self._maker = CaseMaker(material.pool, material.vocabulary, material.cases, material.device)
        self._words = WordsLesson(WordsSettings(by_hand=settings.by_hand), material)

    def terms(self, network: FusionNetwork, stage: StageSettings, draw: torch.Generator) -> Terms:
        """Of both cameras, at full resolution."""
        student = with_dials(network, "refining")
        cases = self._maker.draw(stage.batch, stage.crop_px, draw)
        state = self._words.state(student, cases.words, cases.strength_B, draw)
        return {"pixels": masked(camera_errors(student, cases, state), counting(cases))}

    def preview(self, network: FusionNetwork, draw: torch.Generator) -> NDArray[np.uint8]:
        """As in the lesson `words`."""
        return self._words.preview(network, draw)


def camera_errors(network: DialledNetwork, cases: Cases, state: State) -> torch.Tensor:
    """(B, 2) `log_error` of infrared and of the visible picture behind the front, against what the words ask of each."""
    infrared, luma = network.front(cases.infrared_B1HW, cases.luma_B1HW, state)
    asked = cases.asked_infrared_B1HW, cases.asked_luma_B1HW
    return torch.stack([log_error(infrared.float(), asked[0]), log_error(luma.float(), asked[1])], 1)


def counting(cases: Cases) -> torch.Tensor:
    """(B, 2) bool: those in which words act in full; of infrared, where it is not to be turned round, which is not the front's to do."""
    full_B = cases.strength_B == 1
    return torch.stack([full_B & (cases.words.dials_BN[:, POLARITY] == 0), full_B], 1)


def masked(values: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
    """Mean of those that count; 0 where none does."""
    return torch.where(counts, values, 0.0).sum() / counts.sum().clamp_min(1)
