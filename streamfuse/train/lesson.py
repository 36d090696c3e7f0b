"""What a lesson is: it draws its own material and says how wrong a network is about it. One entry per recipe kind."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.errors import ConfigError
from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.network import FusionNetwork
from streamfuse.registry import Registry, Settings
from streamfuse.train.cases import CaseSettings
from streamfuse.train.pool import Pool
from streamfuse.train.recipe import StageSettings
from streamfuse.train.vocabulary import Vocabulary

T = TypeVar("T")
Tracked = Callable[[Sequence[T], str], Iterable[T]]
"""Passes a sequence on, and may show how far it has come; the text says what is being done."""
Terms = dict[str, torch.Tensor]
"""Weighted losses by name, each a scalar; their sum is minimised."""


def untracked(items: Sequence[T], _: str) -> Iterable[T]:
    """Shows nothing."""
    return items


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What lessons draw from."""

    pool: Pool
    vocabulary: Vocabulary
    cases: CaseSettings
    device: torch.device
    root: Path
    """Below which a lesson's own folders lie, if it names any."""
    tracked: Tracked[int] = untracked
    """For what takes a lesson long."""


class Lesson(Protocol):
    """Nothing is kept between steps, so that a run that is resumed is the same as one that never stopped; else it is a `Learner` too."""

    def terms(self, network: FusionNetwork, stage: StageSettings, draw: torch.Generator) -> Terms:
        """The losses of one step."""
        ...

    def preview(self, network: FusionNetwork, draw: torch.Generator) -> NDArray[np.uint8]:
        """Rows of pictures (H, W, 3) RGB: what goes in, what comes out, what should."""
        ...


@runtime_checkable
class Follower(Protocol):
    """A lesson of which a part learns by other means than the trainer's gradient, as a codebook does."""

    def after(self, network: FusionNetwork) -> None:
        """Called once the weights have moved."""
        ...


@runtime_checkable
class Learner(Protocol):
    """A lesson that itself learns, as one with a detector does. What it has come to is kept in the checkpoint."""

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers and text in dicts and lists, on any device."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        ...


LESSONS: Registry[Lesson] = Registry(
    "lesson",
    {
        "words": "streamfuse.train.words:WordsLesson",
        "reading": "streamfuse.train.reading:ReadingLesson",
        "refining": "streamfuse.train.refining:RefiningLesson",
        "exposing": "streamfuse.train.exposing:ExposingLesson",
        "upfusion": "streamfuse.train.published:PublishedLesson",
        "lure_restore": "streamfuse.train.restoring:RestoringLesson",
        "lure_fuse": "streamfuse.train.fusing:FusingLesson",
        "textpixels_bilevel": "streamfuse.train.bilevel:BilevelLesson",
        "distil": "streamfuse.train.distilling:DistillingLesson",
        "detecting": "streamfuse.train.detecting:DetectingLesson",
    },
)


def make_lesson(values: dict[str, object], material: Material) -> Lesson:
    """A lesson by its `kind` and settings; `ConfigError` names what is wrong."""
    rest = dict(values)
    kind = str(rest.pop("kind", "words"))
    settings: Settings | None = LESSONS.settings(kind, rest, "lesson")
    return LESSONS.factory(kind)(material) if settings is None else LESSONS.factory(kind)(settings, material)


def with_dials(network: FusionNetwork, kind: str) -> DialledNetwork:
    """The network, which this kind of lesson wants to have dials; `ConfigError` where it has none."""
    if not isinstance(network, DialledNetwork):
        raise ConfigError(f"the lesson {kind!r} is for networks with dials, which {network.name} {network.size} has not")
    return network
