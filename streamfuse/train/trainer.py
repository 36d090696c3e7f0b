"""Runs a recipe: step by step, to be stopped and taken up again at any step with the same result.

All chance of a step comes from a generator seeded by the recipe's seed and the number of the step, so that a checkpoint holds no dice.
"""

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import torch
from pydantic import ValidationError
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from streamfuse.errors import ConfigError, TrainingError
from streamfuse.fuse.weights_file import save_weights
from streamfuse.networks.network import FusionNetwork
from streamfuse.registry import suggestion
from streamfuse.train import checkpoint
from streamfuse.train.board import Board
from streamfuse.train.lesson import Follower, Learner, Lesson
from streamfuse.train.recipe import OptimiserSettings, TrainRecipe

STEP_STRIDE = 1_000_003  # a prime: seeds of neighbouring runs do not meet
PREVIEW_SEED = 7
LOG_EVERY = 50
"""Steps that a line of the log is the mean of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Told after each step."""

    step: int
    steps: int
    loss: float
    terms: dict[str, float]


class Trainer:
    """One run of a recipe in a folder, which it goes on from if there is a checkpoint in it."""

    def __init__(self, recipe: TrainRecipe, network: FusionNetwork, lesson: Lesson, folder: Path, device: torch.device) -> None:
        self.recipe, self.folder, self.device = recipe, folder, device
        self.network = network.to(device).train()
        self.step = 0
        self._lesson = lesson
        self._average = AveragedModel(self.network, multi_avg_fn=averaging(recipe.optimiser.average), use_buffers=True)
        groups = parameter_groups(self.network, recipe.optimiser.rates)
        self._shares = list(groups)
        self._optimiser = torch.optim.AdamW([{"params": part} for part in groups.values()], weight_decay=recipe.optimiser.weight_decay)
        self._precision = _precision(recipe.precision, device)
        self._take_up()

    def run(
        self, seconds: float = math.inf, told: Callable[[Progress], None] = lambda _: None, stop: Callable[[], bool] = lambda: False
    ) -> bool:
        """Train until the recipe or the time is at its end, or `stop` says so; a checkpoint is written either way. True: all is done.

        What cuts a step off at once (`StopNow`) may leave half of it behind: the checkpoint before stays then.
        """
        self._save()
        began = saved = time.monotonic()
        recent: list[dict[str, float]] = []
        board = Board(self.folder, self.step)
        try:
            while self.step < self.recipe.steps and time.monotonic() - began < seconds and not stop():
                terms = self._one()
                told(Progress(step=self.step, steps=self.recipe.steps, loss=sum(terms.values()), terms=terms))
                self._log(recent, terms, board)
                if self.step % self.recipe.preview_every_steps == 0:
                    self._preview(board)
                if time.monotonic() - saved > self.recipe.checkpoint_every_s:
                    self._save()
                    saved = time.monotonic()
        except TrainingError:
            self._save()  # raised before the weights move
            raise
        finally:
            board.close()
        self._save()
        return self.step >= self.recipe.steps

    def export(self, path: Path) -> None:
        """The averaged weights, as a file that `fuse.weights` takes."""
        save_weights(self.averaged, path, self.recipe.encoder)

    @property
    def averaged(self) -> FusionNetwork:
        """The network with the averaged weights."""
        return cast("FusionNetwork", self._average.module).eval()

    def _one(self) -> dict[str, float]:
        settings = self.recipe.optimiser
        draw = torch.Generator().manual_seed(self.recipe.seed * STEP_STRIDE + self.step)
        for group, share in zip(self._optimiser.param_groups, self._shares, strict=True):
            group["lr"] = share * rate_at(self.step, self.recipe.steps, settings)
        with torch.autocast(self.device.type, self._precision, enabled=self._precision != torch.float32):
            terms = self._lesson.terms(self.network, self.recipe.stage_at(self.step), draw)
        loss = torch.stack([term.float() for term in terms.values()]).sum()
        values = {name: float(term.detach()) for name, term in terms.items()}
        if not math.isfinite(sum(values.values())):
            raise TrainingError(
                f"the loss is {float(loss.detach())} at step {self.step} ({values}): the weights of step {self.step} are kept in "
                f"{self.folder}; a lower optimiser.rate or optimiser.clip_norm may help"
            )
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), settings.clip_norm)
        if not torch.isfinite(norm):
            raise TrainingError(f"the gradient is not finite at step {self.step} ({values}); try precision: fp32 or a lower rate")
        self._optimiser.step()
        if isinstance(self._lesson, Follower):
            self._lesson.after(self.network)
        self._average.update_parameters(self.network)
        self.step += 1
        return values

    def _take_up(self) -> None:
        kept = checkpoint.read(self.folder, self.device)
        if kept is None:
            return
        if not _is_of(kept["recipe"], self.recipe):
            raise TrainingError(f"{self.folder} holds a run of another recipe: name another folder with --out, or remove it")
        self.network.load_state_dict(kept["network"])
        self._average.load_state_dict(kept["average"])
        self._optimiser.load_state_dict(kept["optimiser"])
        if isinstance(self._lesson, Learner):
            self._lesson.load_state_dict(kept["lesson"])
        self.step = int(kept["step"])

    def _save(self) -> None:
        state = {
            "recipe": self.recipe.model_dump_json(),
            "step": self.step,
            "network": self.network.state_dict(),
            "average": self._average.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        if isinstance(self._lesson, Learner):
            state["lesson"] = self._lesson.state_dict()
        checkpoint.write(self.folder, state)

    def _log(self, recent: list[dict[str, float]], terms: dict[str, float], board: Board) -> None:
        """A line of JSON for each stretch of steps, and the same on the board: the mean of each term."""
        recent.append(terms)
        if self.step % LOG_EVERY == 0:
            means = {name: sum(one[name] for one in recent) / len(recent) for name in terms}  # after a stop, of fewer than LOG_EVERY
            line: dict[str, Any] = {"step": self.step, **{name: round(value, 6) for name, value in means.items()}}
            with (self.folder / "log.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            rate = rate_at(self.step - 1, self.recipe.steps, self.recipe.optimiser)
            losses = {f"loss/{name}": value for name, value in means.items()}
            board.scalars(self.step, {"loss": sum(means.values()), "rate": rate, **losses})
            recent.clear()

    def _preview(self, board: Board) -> None:
        pixels = self._lesson.preview(self.averaged, torch.Generator().manual_seed(PREVIEW_SEED))
        cv2.imwrite(str(self.folder / "preview.png"), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        board.picture(self.step, "preview", pixels)


def rate_at(step: int, steps: int, settings: OptimiserSettings) -> float:
    """Linear warm-up, then half a cosine from `rate` to `last_rate` (Loshchilov and Hutter 2017, eq. 5, without restarts)."""
    if step < settings.warm_up_steps:
        return settings.rate * (step + 1) / settings.warm_up_steps
    done = (step - settings.warm_up_steps) / max(1, steps - settings.warm_up_steps)
    return settings.last_rate + (settings.rate - settings.last_rate) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def parameter_groups(network: nn.Module, shares: Mapping[str, float]) -> dict[float, list[nn.Parameter]]:
    """Parameters by their share of the rate, which the longest matching beginning of their name decides; those with 0 are frozen.

    Raises:
        ConfigError: nothing begins like that.
    """
    names = [name for name, _ in network.named_parameters()]
    for start in shares:
        if not any(name.startswith(start) for name in names):
            parts = list(dict.fromkeys(name.split(".")[0] for name in names))
            near = suggestion(start, parts)
            raise ConfigError(f"optimiser.rates: no parameter begins with {start!r}{near} (there are {', '.join(parts)})")
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        share = shares[max(fitting, key=len)] if (fitting := [start for start in shares if name.startswith(start)]) else 1.0
        if share > 0:
            groups.setdefault(share, []).append(parameter)
        else:
            parameter.requires_grad = False
    if not groups:
        raise ConfigError("optimiser.rates freezes every parameter: nothing is left to learn")
    return groups


def averaging(decay: float) -> Callable[[Sequence[torch.Tensor], Sequence[torch.Tensor], object], None]:
    """An exponential moving average of what is a number; indices and counts are taken over as they are: the mean of two is neither."""
    mean = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def averaged(kept: Sequence[torch.Tensor], new: Sequence[torch.Tensor], count: object) -> None:
        if kept[0].is_floating_point():
            mean(kept, new, count)
            return
        for old, now in zip(kept, new, strict=True):
            old.copy_(now)

    return averaged


def _is_of(kept: str, recipe: TrainRecipe) -> bool:
    """A recipe written before a setting was known counts as having its default."""
    try:
        return TrainRecipe.model_validate_json(kept).same_run(recipe)
    except ValidationError:
        return False


def _precision(wanted: str, device: torch.device) -> torch.dtype:
    if wanted != "auto":
        return torch.bfloat16 if wanted == "bf16" else torch.float32
    has_units = torch.cuda.is_bf16_supported() if device.type == "cuda" else torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001  no public way
    return torch.bfloat16 if has_units else torch.float32
