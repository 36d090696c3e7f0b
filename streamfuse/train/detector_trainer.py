"""A run that trains the detector `small` instead of a fusion network. No words are read."""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch

from streamfuse.detect.small_file import CLASSES, load_small, save_small
from streamfuse.detect.small_network import SmallNetwork
from streamfuse.errors import ConfigError
from streamfuse.networks.network import FusionNetwork
from streamfuse.registry import checked
from streamfuse.train.detecting import DetectingLesson, DetectingSettings
from streamfuse.train.recipe import TrainRecipe
from streamfuse.train.trainer import Trainer

NETWORK, LESSON = "detector", "detecting"


class DetectorTrainer(Trainer):
    """As `Trainer`, which asks nothing of a network that other modules have not, but for its file."""

    def export(self, path: Path) -> None:
        """The averaged weights, as a file that `detect.weights` takes."""
        save_small(cast("SmallNetwork", self.averaged), path)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPlace:
    """All that the lesson wants of its material."""

    root: Path
    device: torch.device


def prepare_detector(recipe: TrainRecipe, root: Path, folder: Path, device: torch.device) -> DetectorTrainer:
    """The run, which goes on from the checkpoint in `folder`, if there is one. `ConfigError` where the lesson is another one's."""
    values = dict(recipe.lesson)
    kind = values.pop("kind", None)
    if kind != LESSON:
        raise ConfigError(f"lesson.kind: the network {NETWORK!r} learns by {LESSON!r}, got {kind!r}")
    settings = checked(DetectingSettings, values, "lesson")
    network = SmallNetwork(CLASSES) if recipe.network.start is None else load_small(recipe.network.start)
    network.requires_grad_(requires_grad=True).to(memory_format=torch.channels_last)  # a tenth faster on a processor
    lesson = DetectingLesson(settings, DataPlace(root=root, device=device))
    return DetectorTrainer(recipe, cast("FusionNetwork", network), lesson, folder, device)
