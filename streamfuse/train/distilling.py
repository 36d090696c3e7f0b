"""Distillation: a small network learns what larger ones have found out, case by case, and only where they were right.

Legend: B batch, T teachers, H W pixels.
"""

from pathlib import Path

import torch
from pydantic import Field

from streamfuse.colour import luma_of
from streamfuse.errors import ConfigError
from streamfuse.fuse.salience import salience
from streamfuse.fuse.weights_file import network_of
from streamfuse.networks.network import FusionNetwork
from streamfuse.train.cases import CaseMaker, Cases
from streamfuse.train.lesson import Material
from streamfuse.train.words import WordsLesson, WordsSettings


class DistillingSettings(WordsSettings):
    """Those of the lesson `words`, and who teaches."""

    teachers: list[Path] = Field(min_length=1)
    """Weights files of fusion networks, trained with the same text encoder."""


class DistillingLesson(WordsLesson):
    """The lesson `words`, with the teachers' pictures for targets where those are better than R."""

    def __init__(self, settings: DistillingSettings, material: Material) -> None:
        super().__init__(settings, material)
        teachers = [_teacher(path, material) for path in settings.teachers]
        self._maker = TaughtCases(teachers, material)


class TaughtCases(CaseMaker):
    """Cases whose wanted picture is the best teacher's, unless R of the pictures as they are comes as near to what was wanted.

    Where the words ask for nothing, and infrared is not misregistered, R is what was wanted, and so the target stays. Nearness is the mean
    absolute difference of luma.
    """

    def __init__(self, teachers: list[FusionNetwork], material: Material) -> None:
        super().__init__(material.pool, material.vocabulary, material.cases, material.device)
        self.teachers = teachers

    @torch.no_grad()
    def draw(self, batch: int, edge_px: int | None, draw: torch.Generator) -> Cases:
        """As drawn, then taught, in the precision of training."""
        cases = super().draw(batch, edge_px, draw)
        answers_TB1HW = torch.stack([_answer(teacher, cases) for teacher in self.teachers])
        taught_B1HW = best_answer(answers_TB1HW, cases)
        return cases._replace(wanted_B1HW=taught_B1HW, wanted_B3HW=cases.wanted_B3HW + (taught_B1HW - cases.wanted_B1HW))


def best_answer(answers_TB1HW: torch.Tensor, cases: Cases) -> torch.Tensor:
    """Of each case the nearest answer, where it is nearer to what was wanted than R of what was seen; else what was wanted."""
    as_is_B1HW = salience(cases.infrared_B1HW, cases.luma_B1HW)
    off_TB = (answers_TB1HW - cases.wanted_B1HW).abs().mean((2, 3, 4))
    off_B, best_B = off_TB.min(0)
    better_B = off_B < (as_is_B1HW - cases.wanted_B1HW).abs().mean((1, 2, 3))
    chosen_B1HW = answers_TB1HW[best_B, torch.arange(len(best_B), device=best_B.device)]
    return torch.where(better_B.view(-1, 1, 1, 1), chosen_B1HW, cases.wanted_B1HW)


def _answer(teacher: FusionNetwork, cases: Cases) -> torch.Tensor:
    words = cases.words
    state = teacher.temper(teacher.encode_text(words.pooled_BD, words.tokens_BLD, words.mask_BL), cases.strength_B)
    if teacher.colour == "rgb":
        return luma_of(teacher(cases.infrared_B1HW, cases.visible_B3HW, state).float()).clamp(0, 1)
    fused: torch.Tensor = teacher(cases.infrared_B1HW, cases.luma_B1HW, state)
    return fused.float().clamp(0, 1)


def _teacher(path: Path, material: Material) -> FusionNetwork:
    network, encoder = network_of(path)
    width = material.vocabulary.words([0], torch.device("cpu")).pooled_BD.shape[1]
    if network.text_dim != width:
        raise ConfigError(
            f"lesson.teachers: {path} reads embeddings of {network.text_dim} numbers ({encoder}), this recipe's encoder gives {width}: "
            "name weights that were trained with the encoder of the recipe"
        )
    return network.to(material.device)
