"""The lesson of the front alone: both pictures as the words ask for them, before any network fuses them.

What the front is taught by a fused picture it learns slowly: where the other camera is brighter, a wrong exposure does not show.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import avg_pool2d

from streamfuse.errors import ConfigError
from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.network import FusionNetwork, State
from streamfuse.registry import Settings
from streamfuse.train.cases import POLARITY, CaseMaker, Cases
from streamfuse.train.lesson import Material, Terms
from streamfuse.train.losses import charbonnier
from streamfuse.train.recipe import StageSettings
from streamfuse.train.words import WordsLesson, WordsSettings

COARSE_PX = 8
"""Exposure is compared in means over so many pixels along an edge: grain and edges would drown it."""


class ExposingSettings(Settings):
    """Weights of the losses."""

    pixels: float = 1.0
    """At full resolution, where stripes, grain and blur show."""
    by_hand: float = 0.5
    """As in the lesson `words`."""


class ExposingLesson:
    """See the file's docstring."""

    def __init__(self, settings: ExposingSettings, material: Material) -> None:
        self._settings = settings
        self._maker = CaseMaker(material.pool, material.vocabulary, material.cases, material.device)
        self._words = WordsLesson(WordsSettings(by_hand=settings.by_hand), material)

    def terms(self, network: FusionNetwork, stage: StageSettings, draw: torch.Generator) -> Terms:
        """Of both cameras."""
        if not isinstance(network, DialledNetwork):
            raise ConfigError(f"the lesson 'exposing' is for networks with dials, which {network.name} {network.size} has not")
        cases = self._maker.draw(stage.batch, stage.crop_px, draw)
        coarse, fine = misexposure(network, cases, self._words.state(network, cases.words, cases.strength_B, draw))
        return {"exposure": coarse, "pixels": self._settings.pixels * fine}

    def after(self, network: FusionNetwork) -> None:
        """Nothing learns without a gradient here."""

    def preview(self, network: FusionNetwork, draw: torch.Generator) -> NDArray[np.uint8]:
        """As in the lesson `words`."""
        return self._words.preview(network, draw)


def misexposure(network: DialledNetwork, cases: Cases, state: State) -> tuple[torch.Tensor, torch.Tensor]:
    """Charbonnier of both pictures behind the front against what the words ask of each camera: in means of 8x8 pixels, and of pixels.

    Over the cases in which words act in full; polarity is not the front's to turn.
    """
    behind = network.front(cases.infrared_B1HW, cases.luma_B1HW, state)
    full_B = cases.strength_B == 1
    counts = full_B & (cases.words.dials_BN[:, POLARITY] == 0), full_B
    coarse = fine = torch.zeros((), device=full_B.device)
    for seen, asked, count_B in zip(behind, (cases.asked_infrared_B1HW, cases.asked_luma_B1HW), counts, strict=True):
        if bool(count_B.any()):
            apart = seen.float()[count_B] - asked[count_B]
            means = avg_pool2d(apart, COARSE_PX)
            coarse = coarse + charbonnier(means, torch.zeros_like(means))
            fine = fine + charbonnier(apart, torch.zeros_like(apart))
    return coarse, fine
