"""LURE's second stage: what to fuse, learned inside the latent space that `restoring` has made; in RGB, with its chroma."""

import torch

from streamfuse.colour import luma_of
from streamfuse.networks.network import FusionNetwork, State
from streamfuse.train.cases import Cases
from streamfuse.train.lesson import Material, Terms
from streamfuse.train.losses import chroma_difference, ssim
from streamfuse.train.words import WordsLesson, WordsSettings


class FusingSettings(WordsSettings):
    """Those of the lesson `words`, and two more. Their ratio to `pixels` follows Text-IF (CVPR 2024)."""

    structure: float = 0.2
    """Of 1 - SSIM of luma."""
    chroma: float = 2.0
    """For networks of RGB."""


class FusingLesson(WordsLesson):
    """The cases of `words`. That encoder and decoder keep what they know is said in the recipe, by `optimiser.rates`."""

    def __init__(self, settings: FusingSettings, material: Material) -> None:
        super().__init__(settings, material)
        self._weights = settings

    def _fused(self, network: FusionNetwork, cases: Cases, state: State) -> tuple[torch.Tensor, Terms]:
        fused, extra = super()._fused(network, cases, state)
        luma_B1HW = fused if network.colour == "luma" else luma_of(fused)
        extra["structure"] = self._weights.structure * (1 - ssim(luma_B1HW, cases.wanted_B1HW))
        if network.colour == "rgb":
            extra["chroma"] = self._weights.chroma * chroma_difference(fused, cases.wanted_B3HW)
        return fused, extra
