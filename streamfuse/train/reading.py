"""The lesson in reading alone: what sentences stand for, told to a network's dials. For when the grammar has learned new words."""

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.networks.network import FusionNetwork
from streamfuse.registry import Settings
from streamfuse.train.lesson import Material, Terms, with_dials
from streamfuse.train.reading_loss import BLUR, reading_loss
from streamfuse.train.recipe import StageSettings
from streamfuse.train.words import WordsLesson, WordsSettings


class ReadingSettings(Settings):
    """How the sentences are blurred."""

    blur: float = BLUR


class ReadingLesson:
    """Moves nothing but the text head."""

    def __init__(self, settings: ReadingSettings, material: Material) -> None:
        self._settings, self._material = settings, material

    def terms(self, network: FusionNetwork, stage: StageSettings, draw: torch.Generator) -> Terms:
        """Of sentences of all sorts; pictures play no part."""
        m = self._material
        return {"dials": reading_loss(with_dials(network, "reading"), m.vocabulary, self._settings.blur, draw, m.device)}

    def preview(self, network: FusionNetwork, draw: torch.Generator) -> NDArray[np.uint8]:
        """As in the lesson `words`: the pictures show how sentences are understood."""
        return WordsLesson(WordsSettings(), self._material).preview(network, draw)
