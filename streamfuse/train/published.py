"""UP-Fusion's own lesson: clean pairs, one prompt, its three losses. Kept for fidelity: in it words select nothing."""

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.errors import ConfigError
from streamfuse.networks.network import FusionNetwork, State
from streamfuse.registry import Settings
from streamfuse.train.lesson import Material, Terms
from streamfuse.train.losses import upfusion_terms
from streamfuse.train.recipe import StageSettings
from streamfuse.train.sheet import sheet_of

PROMPT = (
    "The image contains multiple views of the same scene captured from different modalities, each providing complementary information. "
    "Focus on preserving fine details, semantic structures, and key regions that contribute to understanding the scene."
)
"""The authors' one prompt, for training and use alike."""
PREVIEW_ROWS, PREVIEW_PX = 6, 192


class PublishedSettings(Settings):
    """Weights of the three losses, as in the authors' code."""

    intensity: float = 10.0
    edges: float = 10.0
    structure: float = 10.0


class PublishedLesson:
    """See the file's docstring."""

    def __init__(self, settings: PublishedSettings, material: Material) -> None:
        self._settings, self._material = settings, material
        self._words = material.vocabulary.words_of([PROMPT], material.device)

    def terms(self, network: FusionNetwork, stage: StageSettings, draw: torch.Generator) -> Terms:
        """Of random crops. The visible picture of the losses is the mean of R, G and B, as in the authors' code; the network sees luma."""
        if network.colour != "luma":
            raise ConfigError(f"lesson upfusion is for networks of luma, {network.name} has colours: set lesson.kind to words")
        crops = self._material.pool.crops(stage.batch, stage.crop_px, draw, self._material.device)
        fused = network(crops.infrared_B1HW, crops.luma_B1HW, self._state(network, stage.batch)).float()
        found = upfusion_terms(crops.infrared_B1HW, crops.visible_B3HW.mean(1, keepdim=True), fused)
        return {name: getattr(self._settings, name) * term for name, term in found.items()}

    @torch.no_grad()
    def preview(self, network: FusionNetwork, draw: torch.Generator) -> NDArray[np.uint8]:
        """Per row: infrared, visible, fused."""
        edge_px = min(PREVIEW_PX, self._material.pool.edge_px)
        crops = self._material.pool.crops(PREVIEW_ROWS, edge_px, draw, self._material.device)
        fused = network(crops.infrared_B1HW, crops.luma_B1HW, self._state(network, PREVIEW_ROWS))
        return sheet_of([crops.infrared_B1HW, crops.visible_B3HW, fused])

    def _state(self, network: FusionNetwork, batch: int) -> State:
        words = self._words
        state = network.encode_text(words.pooled_BD, words.tokens_BLD, words.mask_BL)
        return {name: tensor.expand(batch, *tensor.shape[1:]) for name, tensor in state.items()}
