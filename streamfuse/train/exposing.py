"""The lesson of exposure: from what a camera shows at large to what the words ask of it at large.

Exposure sees means over 8x8 pixels and acts on such, so cases are kept as those: a thousand times less than pictures, and a step on many of
them takes as long as one on a few pictures. How bright a scene without haze would be is guessed from many scenes, not from few.

Legend: K cases that are kept, B batch, C what exposure sees, D width of the embedding, N dials, y x an eighth of the picture.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import avg_pool2d

from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.exposure import COARSE, coarse, scaling
from streamfuse.networks.front import Front
from streamfuse.networks.layers import EDGE
from streamfuse.networks.network import FusionNetwork
from streamfuse.registry import Settings
from streamfuse.train.cases import CaseMaker
from streamfuse.train.lesson import Material, Terms, with_dials
from streamfuse.train.losses import log_error
from streamfuse.train.recipe import StageSettings
from streamfuse.train.refining import counting, masked
from streamfuse.train.words import WordsLesson, WordsSettings

DRAWN_AT_ONCE = 8
BANK_SEED = 2**40
"""Far from the seeds of steps."""
OVER = 0.2
"""How far beyond [0, 1] a picture still counts as it is."""


class ExposingSettings(Settings):
    """What is kept, and how words are heard."""

    cases: int = 32_000
    """So many for each stage: 15 kB each in crops of 192 pixels."""
    by_hand: float = 0.5
    """As in the lesson `words`."""
    loosely: float = 0.3
    """Dials by hand are drawn between 1 - this and 1: those that are read from words are not quite 1 either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """Cases as exposure sees them."""

    coarse_KCyx: torch.Tensor
    asked_K2yx: torch.Tensor
    """Means of infrared and of the visible luma, as the words ask for them."""
    pooled_KD: torch.Tensor
    dials_KN: torch.Tensor
    counts_K2: torch.Tensor

    @classmethod
    def filled(cls, front: Front, maker: CaseMaker, edge_px: int, count: int, material: Material) -> "Bank":
        """The same each time for the same front and material; it takes minutes, and shows how far it has come."""
        steps = material.tracked(range(-(-count // DRAWN_AT_ONCE)), "drawing cases")
        with torch.no_grad(), torch.autocast(material.device.type, enabled=False):
            parts = [_kept(front, maker, edge_px, torch.Generator().manual_seed(BANK_SEED + step)) for step in steps]
            return cls(**{name: torch.cat([part[name] for part in parts]) for name in parts[0]})

    def some(self, count: int, draw: torch.Generator) -> tuple[torch.Tensor, ...]:
        """Coarse pictures, what is asked, embeddings, dials and what counts, of a batch; half of the batches from right to left."""
        at = torch.randint(len(self.counts_K2), (count,), generator=draw)
        seen, asked = self.coarse_KCyx[at].float(), self.asked_K2yx[at].float()
        if int(torch.randint(2, (), generator=draw)):
            seen, asked = seen.flip(3), asked.flip(3)
        return seen, asked, self.pooled_KD[at], self.dials_KN[at], self.counts_K2[at]


class ExposingLesson:
    """See the file's docstring."""

    def __init__(self, settings: ExposingSettings, material: Material) -> None:
        self._settings, self._material = settings, material
        self._maker = CaseMaker(material.pool, material.vocabulary, material.cases, material.device)
        self._words = WordsLesson(WordsSettings(by_hand=settings.by_hand), material)
        self._banks: dict[int, Bank] = {}

    def terms(self, network: FusionNetwork, stage: StageSettings, draw: torch.Generator) -> Terms:
        """Of both cameras, in means of 8x8 pixels."""
        student = with_dials(network, "exposing")
        seen, asked, pooled_BD, by_hand_BN, counts_B2 = self._bank(student, stage.crop_px).some(stage.batch, draw)
        dials_BN = self._heard(student, pooled_BD, by_hand_BN, draw)
        front = student.front
        said = front.exposure(seen, front.luma(dials_BN).index_select(1, front.exposing_dials)).float()
        gain, offset = scaling(said, (seen.shape[2], seen.shape[3]))
        found = (gain * seen[:, :2] - offset).clamp(-OVER, 1 + OVER)
        errors = torch.stack([log_error(found[:, i : i + 1], asked[:, i : i + 1]) for i in range(2)], 1)
        return {"exposure": masked(errors, counts_B2)}

    def preview(self, network: FusionNetwork, draw: torch.Generator) -> NDArray[np.uint8]:
        """As in the lesson `words`."""
        return self._words.preview(network, draw)

    def _bank(self, network: DialledNetwork, crop_px: int | None) -> Bank:
        edge_px = crop_px or self._material.pool.edge_px
        if edge_px not in self._banks:
            self._banks = {edge_px: Bank.filled(network.front, self._maker, edge_px, self._settings.cases, self._material)}
        return self._banks[edge_px]

    def _heard(self, network: DialledNetwork, pooled_BD: torch.Tensor, by_hand_BN: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        """For each case the dials that the network reads, or those that the sentence stands for."""
        s, count = self._settings, len(pooled_BD)
        loose_BN = by_hand_BN * (1 - s.loosely * torch.rand(count, 1, generator=draw).to(by_hand_BN))
        by_hand_B1 = (torch.rand(count, 1, generator=draw) < s.by_hand).to(pooled_BD.device)
        return torch.where(by_hand_B1, loose_BN, network.front.dial_head(pooled_BD.float()))


def _kept(front: Front, maker: CaseMaker, edge_px: int, draw: torch.Generator) -> dict[str, torch.Tensor]:
    cases = maker.draw(DRAWN_AT_ONCE, edge_px, draw)
    a, b = front.smoothed(cases.infrared_B1HW, cases.luma_B1HW, front.luma(cases.words.dials_BN))
    asked = torch.cat([cases.asked_infrared_B1HW, cases.asked_luma_B1HW], 1)
    return {
        "coarse_KCyx": coarse(a, b).half(),
        "asked_K2yx": avg_pool2d(asked, EDGE * COARSE, ceil_mode=True, count_include_pad=False).half(),
        "pooled_KD": cases.words.pooled_BD,
        "dials_KN": cases.words.dials_BN,
        "counts_K2": counting(cases),
    }
