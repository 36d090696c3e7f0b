"""What TensorBoard reads of a run."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.summary.writer import event_file_writer

from streamfuse.train import board as boards
from streamfuse.train import trainer as trainers
from streamfuse.train.board import FOLDER, Board
from streamfuse.train.lesson import make_lesson
from streamfuse.train.trainer import Trainer
from tests.train.schooling import CPU, material, network, recipe


def events(folder: Path) -> Any:
    """As TensorBoard itself reads them."""
    found = EventAccumulator(str(folder / FOLDER), size_guidance={"scalars": 0, "images": 0})
    found.Reload()
    return found


def steps(folder: Path, name: str) -> list[int]:
    return [event.step for event in events(folder).Scalars(name)]


def trainer(folder: Path, **changed: Any) -> Trainer:
    folder.mkdir(parents=True, exist_ok=True)
    return Trainer(recipe(**changed), network(), make_lesson({"kind": "words"}, material()), folder, CPU)


def until(run: Trainer, step: int) -> Callable[[], bool]:
    return lambda: run.step >= step


@pytest.fixture
def often(monkeypatch) -> None:
    """A line of the log every five steps: runs of seconds."""
    monkeypatch.setattr(trainers, "LOG_EVERY", 5)


@pytest.fixture(autouse=True)
def counted_anew(monkeypatch) -> None:
    """TensorBoard reads files by name, and in the name of those of one second their number in this process: 10 would come before 9.

    Parts of a real run are of processes of their own, and seconds apart.
    """
    monkeypatch.setattr(event_file_writer, "_global_uid", event_file_writer.AtomicCounter(0))


def test_points_and_pictures_are_read_back(tmp_path):
    """Values, steps and pixels."""
    board = Board(tmp_path, 0)
    board.scalars(50, {"loss": 0.5, "rate": 1e-3})
    board.picture(50, "preview", np.full((8, 12, 3), 200, np.uint8))
    board.close()
    found = events(tmp_path)
    assert found.Scalars("loss")[0].value == 0.5
    assert found.Scalars("rate")[0].value == pytest.approx(1e-3)
    (image,) = found.Images("preview")
    assert (image.step, image.width, image.height) == (50, 12, 8)


def test_steps_that_are_done_again_stand_once(tmp_path):
    """A run that was killed at step 150 goes on from its checkpoint at 100: 150 is told by the second part alone."""
    for start, told in ((0, {50: 1.0, 100: 2.0, 150: 3.0}), (100, {150: 4.0, 200: 5.0})):
        board = Board(tmp_path, start)
        for step, value in told.items():
            board.scalars(step, {"loss": value})
        board.close()
    assert [(event.step, event.value) for event in events(tmp_path).Scalars("loss")] == [(50, 1.0), (100, 2.0), (150, 4.0), (200, 5.0)]


@pytest.mark.usefixtures("often")
def test_a_run_tells_its_terms_rate_and_preview(tmp_path):
    """At every line of the log, and in the steps of the preview; a run that was stopped between goes on where it stood."""
    run = trainer(tmp_path, steps=10, preview_every_steps=6)
    run.run(stop=until(run, 7))
    assert trainer(tmp_path, steps=10, preview_every_steps=6).run()
    assert steps(tmp_path, "loss") == steps(tmp_path, "loss/pixels") == steps(tmp_path, "rate") == [5, 10]
    found = events(tmp_path)
    assert [image.step for image in found.Images("preview")] == [6]
    last = {name: found.Scalars(name)[-1].value for name in found.Tags()["scalars"]}
    assert last["loss"] == pytest.approx(sum(value for name, value in last.items() if name.startswith("loss/")), rel=1e-5)


def test_without_tensorboard_nothing_is_written_and_nothing_fails(tmp_path, monkeypatch):
    """The same calls, no folder."""
    monkeypatch.setattr(boards, "find_spec", lambda name: None if name == "tensorboard" else importlib.util.find_spec(name))
    board = Board(tmp_path, 0)
    board.scalars(50, {"loss": 0.5})
    board.picture(50, "preview", np.zeros((8, 8, 3), np.uint8))
    board.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("often")
def test_the_mean_after_a_stop_is_of_the_steps_since(tmp_path):
    """Three steps of a stretch that was broken off count as three, not as five."""
    run = trainer(tmp_path, steps=5)
    run.run(stop=until(run, 2))
    told: list[float] = []
    assert trainer(tmp_path, steps=5).run(told=lambda progress: told.append(progress.loss))
    assert events(tmp_path).Scalars("loss")[-1].value == pytest.approx(np.mean(told), rel=1e-5)
