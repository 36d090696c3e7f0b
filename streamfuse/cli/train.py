"""`streamfuse train RECIPE`: learn weights, in parts if need be."""

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn, track

from streamfuse.cli.signals import EXIT_INTERRUPTED, StopNow, stop_signals

if TYPE_CHECKING:
    from streamfuse.train.trainer import Progress as Told
    from streamfuse.train.trainer import Trainer

RUNS = Path("runs")
T = TypeVar("T")


def command(
    recipe: Annotated[Path, typer.Argument(help="A recipe, as in configs/train/.", metavar="RECIPE")],
    data: Annotated[Path, typer.Option(help="The folder below which the recipe's data.sets lie.")] = Path("data"),
    out: Annotated[Path | None, typer.Option(help="Where the run is kept, and goes on from. [runs/RECIPE]")] = None,
    minutes: Annotated[float | None, typer.Option(help="Stop after so long, with a checkpoint; the same command goes on from it.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1 ...; auto takes a GPU where there is one.")] = "auto",
    threads: Annotated[int | None, typer.Option(help="Of the processor; all by default.")] = None,
) -> None:
    """Train a network by a recipe. Ctrl-C keeps a checkpoint; the same command goes on from there, to the step."""
    import torch

    from streamfuse.batch.lane import make_lane
    from streamfuse.train import board
    from streamfuse.train.recipe import load_recipe
    from streamfuse.train.study import prepare

    if threads:
        torch.set_num_threads(threads)
    console = Console()
    wanted = load_recipe(recipe)
    folder = out or RUNS / recipe.stem
    if not board.installed():
        console.print(board.NOTE, markup=False)
    chosen = make_lane(device).device
    tracker = Tracker()
    trainer = prepare(wanted, data, folder, chosen, tracker)
    done = _run(trainer, tracker, console, minutes)
    path = folder / f"{wanted.network.name}-{wanted.network.size}.safetensors"
    trainer.export(path)
    console.print(f"step {trainer.step} of {wanted.steps}; weights in {path}, pictures in {folder / 'preview.png'}")
    if not done:
        console.print("not done yet: the same command goes on from here")


def _run(trainer: "Trainer", tracker: "Tracker", console: Console, minutes: float | None) -> bool:
    """With a bar; the first signal ends it after the step, or at once where a lesson still draws its cases; the second at once."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    seconds = math.inf if minutes is None else 60 * minutes
    try:
        with stop_signals() as asked, Progress(*columns, console=console) as bar:
            tracker.bar, tracker.stop = bar, asked.is_set
            task = bar.add_task("training", total=trainer.recipe.steps, completed=trainer.step)
            smooth = Smooth()

            def told(progress: "Told") -> None:
                bar.update(task, completed=progress.step, description=f"loss {smooth(progress.loss):.4f}")

            return trainer.run(seconds, told, asked.is_set)
    except StopNow:
        console.print(f"stopped at once, at step {trainer.step}; the same command goes on from the last checkpoint")
        raise typer.Exit(EXIT_INTERRUPTED) from None


class Smooth:
    """A running mean, so that a number can be read while it changes."""

    def __init__(self, memory: float = 0.98) -> None:
        self._memory, self._mean, self._weight = memory, 0.0, 0.0

    def __call__(self, value: float) -> float:
        """The mean with this value."""
        self._mean = self._memory * self._mean + (1 - self._memory) * value
        self._weight = self._memory * self._weight + 1 - self._memory
        return self._mean / self._weight


class Tracker:
    """Shows how far anything has come: in a bar of its own, or, while training, below that of the steps."""

    def __init__(self) -> None:
        self.bar: Progress | None = None
        self.stop: Callable[[], bool] = lambda: False
        """Asked before each item while training; `StopNow` is raised where it says so."""

    def __call__(self, items: Sequence[T], doing: str) -> Iterable[T]:
        """The items, one after the other."""
        return track(items, doing, transient=True) if self.bar is None else self._below(self.bar, items, doing)

    def _below(self, bar: Progress, items: Sequence[T], doing: str) -> Iterable[T]:
        task = bar.add_task(doing, total=len(items))
        for item in bar.track(items, task_id=task):
            if self.stop():
                raise StopNow
            yield item
        bar.remove_task(task)
