"""A training recipe: one YAML file that says what is learned from what. Those of the shipped weights are in `configs/train/`."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from streamfuse.errors import ConfigError
from streamfuse.registry import Settings, checked
from streamfuse.train.cases import CaseSettings

BETWEEN_RUNS: dict[str, Any] = {
    "checkpoint_every_s": True,
    "preview_every_steps": True,
    "precision": True,
    "optimiser": {"rate": True, "last_rate": True, "clip_norm": True},
}
"""Keys that may change before a run goes on: how often something is written, and what helps after a loss that is not finite."""


class NetworkChoice(Settings):
    """What is trained."""

    name: str
    size: Literal["base", "small"] = "small"
    text: Literal["guided", "published"] = "guided"
    start: Path | None = None
    """Weights to begin with; none: random ones."""
    front: Path | None = None
    """Weights of any network with dials, whose front (what dials do to both pictures) it begins with."""


class DataSettings(Settings):
    """Pictures to learn from: those of the training part of the split, of all folders."""

    sets: list[Path]
    """Folders with pairs, in any layout that is known; relative ones lie below the root that the command is given."""
    every: int = Field(5, ge=1)
    """Of a recording, every so manieth frame."""
    next_frames: bool = False
    """Beside each frame of a video or a listed recording the next one is kept, for lessons that compare the two (`words` with `video`)."""
    day_share: float | None = Field(None, ge=0, le=1)
    """Of the crops; none: each picture as often as any other. Faults of the visible camera are drawn by day alone."""
    shrink: list[Annotated[float, Field(ge=1)]] = Field([1.0], min_length=1)
    """A crop is cut larger by one of these, drawn for each batch, and scaled down: more of a scene in as many pixels."""


class StageSettings(Settings):
    """A stretch of steps with crops of one size."""

    steps: int = Field(ge=1)
    crop_px: int | None = Field(None, ge=64)
    """Edge of the square crops; none: whole frames."""
    batch: int = Field(ge=1)


class OptimiserSettings(Settings):
    """AdamW under a warm-up and a cosine."""

    rate: float = Field(2e-3, gt=0)
    last_rate: float = Field(2e-5, gt=0)
    warm_up_steps: int = Field(200, ge=0)
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    average: float = Field(0.999, ge=0, lt=1)
    """Decay of the exponential moving average of the weights, which is what is kept."""
    rates: dict[str, Annotated[float, Field(ge=0)]] = Field({})
    """Share of the rate, by how the name of a parameter begins: `{encoder: 0.1}`. The longest beginning counts; 0 leaves it as it is."""


class TrainRecipe(Settings):
    """The whole file."""

    schema_version: Literal[1] = 1
    network: NetworkChoice
    encoder: str = "minilm"
    data: DataSettings
    cases: CaseSettings = CaseSettings()
    lesson: dict[str, Any] = Field({"kind": "words"})
    """What is asked of the network: a lesson by its `kind`, and its settings."""
    stages: list[StageSettings] = Field(min_length=1)
    optimiser: OptimiserSettings = OptimiserSettings()
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: int = 1
    checkpoint_every_s: float = Field(60, gt=0)
    preview_every_steps: int = Field(500, ge=1)

    @property
    def steps(self) -> int:
        """Of all stages."""
        return sum(stage.steps for stage in self.stages)

    def stage_at(self, step: int) -> StageSettings:
        """The stage in which a step lies; the last one for steps beyond the end."""
        for stage in self.stages:
            if step < stage.steps:
                return stage
            step -= stage.steps
        return self.stages[-1]

    def same_run(self, other: "TrainRecipe") -> bool:
        """Whether a run of one may go on with the other: equal in all but `BETWEEN_RUNS`."""
        return self.model_dump(exclude=BETWEEN_RUNS) == other.model_dump(exclude=BETWEEN_RUNS)


def load_recipe(path: Path) -> TrainRecipe:
    """Read and check a file; `ConfigError` names each wrong key."""
    try:
        values = yaml.safe_load(path.read_text())
    except FileNotFoundError as exc:
        raise ConfigError(f"no recipe at {path}") from exc
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise ConfigError(f"{path} is not YAML: {exc}") from exc
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: want a mapping of keys, got {type(values).__name__}")
    return checked(TrainRecipe, values)
