"""A pool of drawn pictures and a handful of sentences: enough to train on for a moment."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.networks import create
from streamfuse.networks.network import FusionNetwork
from streamfuse.text import Encoding
from streamfuse.text.bank import FAULTS
from streamfuse.train.cases import CaseSettings
from streamfuse.train.lesson import Material
from streamfuse.train.pool import Picture, Pool
from streamfuse.train.recipe import TrainRecipe
from streamfuse.train.split import Light
from streamfuse.train.vocabulary import Vocabulary
from streamfuse.train.wordings import Wording

DIM = 8
CPU = torch.device("cpu")


class Hashing:
    """Random vectors out of a hash of the text."""

    name, dim = "hashing", DIM

    def __init__(self) -> None:
        self.asked = 0

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        self.asked += len(texts)
        rngs = [np.random.default_rng(list(hashlib.sha256(text.encode()).digest())) for text in texts]
        tokens = [rng.standard_normal((4, DIM)) for rng in rngs]
        return [Encoding.padded(self.name, token.mean(0), token) for token in tokens]


def said(text: str, faults: dict[str, float] | None = None, denied: tuple[str, ...] = (), dials: dict[str, float] | None = None) -> Wording:
    return Wording(text=text, faults=faults or {}, denied=denied, dials=dials or {}, held_out=False)


SENTENCES = [
    *(said(f"there is {name}", {name: 0.7}) for name in FAULTS),
    *(said(f"{a} and {b}", {a: 0.7, b: 0.7}) for a in FAULTS for b in FAULTS if a < b),
    said("a natural picture"),
    said("no haze", denied=("visible.haze",)),
    said("mostly infrared", dials={"infrared_weight": 1.0}),
    said("black is hot", dials={"infrared_polarity": 1.0}),
]


def vocabulary(cache: Path | None = None) -> Vocabulary:
    return Vocabulary(SENTENCES, Hashing(), cache)


def picture(seed: int, height: int = 80, width: int = 96, light: Light = "day") -> Picture:
    """Blocks in both cameras."""
    draw = np.random.default_rng(seed)

    def blocks(channels: int) -> NDArray[np.uint8]:
        small = draw.integers(20, 230, (height // 8, width // 8, channels))
        return np.ascontiguousarray(np.kron(small, np.ones((8, 8, 1)))).astype(np.uint8)

    return Picture(name=str(seed), light=light, infrared_HW=blocks(1)[..., 0], visible_HW3=blocks(3))


def material(light: Light = "day", **settings: float) -> Material:
    pool = Pool([picture(seed, light=light) for seed in range(4)])
    return Material(pool=pool, vocabulary=vocabulary(), cases=CaseSettings(**settings), device=CPU, root=Path())


def network(name: str = "nano", size: Literal["base", "small"] = "small") -> FusionNetwork:
    torch.manual_seed(1)
    return create(name, size=size, text_dim=DIM)


def recipe(steps: int = 6, **changed: object) -> TrainRecipe:
    values: dict[str, object] = {
        "network": {"name": "nano"},
        "data": {"sets": ["none"]},
        "stages": [{"steps": steps, "crop_px": 64, "batch": 2}],
        "optimiser": {"warm_up_steps": 2},
        "precision": "fp32",
    }
    return TrainRecipe.model_validate(values | changed)
