"""From a recipe to a run: pictures into memory, sentences into embeddings, the network, its lesson and its trainer."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.errors import ConfigError
from streamfuse.fuse.weights_file import load_front, load_weights
from streamfuse.networks import create
from streamfuse.text import uncached
from streamfuse.train.data import PairRecord, find_pairs, load_all, part
from streamfuse.train.detector_trainer import NETWORK as DETECTOR
from streamfuse.train.detector_trainer import prepare_detector
from streamfuse.train.lesson import Material, Tracked, make_lesson, untracked
from streamfuse.train.pool import Picture, Pool
from streamfuse.train.recipe import DataSettings, TrainRecipe
from streamfuse.train.trainer import Trainer
from streamfuse.train.vocabulary import Vocabulary
from streamfuse.train.wordings import corpus


def prepare(recipe: TrainRecipe, root: Path, folder: Path, device: torch.device, tracked: Tracked[Any] = untracked) -> Trainer:
    """All that a run needs, in memory; it goes on from the checkpoint in `folder`, if there is one."""
    torch.manual_seed(recipe.seed)
    if recipe.network.name == DETECTOR:
        return prepare_detector(recipe, root, folder, device)
    reader = uncached(recipe.encoder)
    network = create(recipe.network.name, size=recipe.network.size, text=recipe.network.text, text_dim=reader.dim)
    if recipe.network.start is not None:
        load_weights(network, recipe.network.start, recipe.encoder)
    if recipe.network.front is not None:
        load_front(network, recipe.network.front, recipe.encoder)
    kept = pictures(records(recipe.data, root), tracked, next_frames=recipe.data.next_frames)
    pool = Pool(kept, recipe.data.day_share, recipe.data.shrink)
    vocabulary = Vocabulary(corpus(held_out=False), reader, folder)
    material = Material(pool=pool, vocabulary=vocabulary, cases=recipe.cases, device=device, root=root, tracked=tracked)
    return Trainer(recipe, network, make_lesson(recipe.lesson, material), folder, device)


def records(data: DataSettings, root: Path) -> list[PairRecord]:
    """The training part of all sets; a recording gives every so manieth frame. `ConfigError` names a folder that is not there."""
    found: list[PairRecord] = []
    for named in data.sets:
        where = root / named
        if not where.is_dir():
            raise ConfigError(f"no data at {where}: data.sets in the recipe are folders below --data")
        training = part(find_pairs(where, every=data.every), "train")
        if not training:
            raise ConfigError(f"{where} has no pairs in the training part of the split")
        found += training
    return found


def pictures(pairs: Sequence[PairRecord], tracked: Tracked[PairRecord] = untracked, *, next_frames: bool = False) -> list[Picture]:
    """Loaded, as 8 bits; with `next_frames` those of recordings with the frame after them."""
    found = [_picture(*loaded) for loaded in load_all(tracked(pairs, "reading pictures"))]
    if not next_frames:
        return found
    after = {i: record.after for i, record in enumerate(pairs) if record.after is not None}
    for i, loaded in zip(after, load_all(tracked(list(after.values()), "reading the frames after them")), strict=True):
        found[i] = replace(found[i], after=_picture(*loaded))
    return found


def _picture(record: PairRecord, infrared_HW: NDArray[np.uint8], visible_HW3: NDArray[np.uint8]) -> Picture:
    return Picture(name=record.name, light=record.light, infrared_HW=infrared_HW, visible_HW3=visible_HW3)
