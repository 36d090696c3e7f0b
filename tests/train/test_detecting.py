"""The lesson `detecting` and the run that teaches it."""

from pathlib import Path

import pytest
import torch

from streamfuse.detect.small_file import load_small
from streamfuse.errors import ConfigError
from streamfuse.train.recipe import TrainRecipe
from streamfuse.train.study import prepare
from tests.train.labelled_pairs import labelled_folder
from tests.train.schooling import CPU


def recipe(steps: int = 4, **lesson: object) -> TrainRecipe:
    return TrainRecipe.model_validate(
        {
            "network": {"name": "detector"},
            "data": {"sets": []},
            "lesson": {"kind": "detecting", "sets": [{"pairs": "pairs", "boxes": "pairs/labels"}], "drawn": 2} | lesson,
            "stages": [{"steps": steps, "crop_px": 64, "batch": 2}],
            "optimiser": {"rate": 0.005, "warm_up_steps": 2, "clip_norm": 10.0},
            "precision": "fp32",
        }
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    labelled_folder(tmp_path / "pairs")
    return tmp_path


def test_the_loss_falls(data):
    """Within some steps the same batches cost much less."""
    trainer = prepare(recipe(40), data, data / "run", CPU)
    losses: list[float] = []
    trainer.run(told=lambda progress: losses.append(progress.loss))
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


def test_resumed_is_as_straight_through(data):
    """Stopped after two steps and taken up again, the weights are the same to the bit."""
    straight = prepare(recipe(), data, data / "straight", CPU)
    straight.run()
    first = prepare(recipe(), data, data / "parts", CPU)
    first.run(stop=lambda: first.step >= 2)
    second = prepare(recipe(), data, data / "parts", CPU)
    assert second.step == 2
    second.run()
    for one, other in zip(straight.averaged.state_dict().values(), second.averaged.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_the_file_goes_into_the_detector(data):
    """What a run exports is what `detect.weights` takes, and what a further run may start from."""
    trainer = prepare(recipe(), data, data / "run", CPU)
    trainer.run()
    trainer.export(data / "w.safetensors")
    load_small(data / "w.safetensors")
    again = recipe().model_copy(update={"network": recipe().network.model_copy(update={"start": data / "w.safetensors"})})
    prepare(again, data, data / "further", CPU).run()


def test_preview_shows_views_twice(data):
    """Once with the boxes that are there, once with those that are found."""
    trainer = prepare(recipe(), data, data / "run", CPU)
    sheet = trainer._lesson.preview(trainer.averaged, torch.Generator().manual_seed(1))
    assert sheet.shape == (4 * 256, 2 * 256, 3)


def test_the_drawn_street_is_at_most_a_quarter(data):
    """Drawn pictures teach what drawn things look like."""
    with pytest.raises(ConfigError, match="drawn_share"):
        prepare(recipe(drawn_share=0.5), data, data / "run", CPU)


def test_sets_without_boxes_are_refused(data):
    """The error names the folder."""
    with pytest.raises(ConfigError, match="elsewhere"):
        prepare(recipe(sets=[{"pairs": "pairs", "boxes": "elsewhere"}]), data, data / "run", CPU)


def test_another_lesson_is_refused(data):
    """The detector does not learn by words."""
    with pytest.raises(ConfigError, match="detecting"):
        prepare(recipe(kind="words"), data, data / "run", CPU)
