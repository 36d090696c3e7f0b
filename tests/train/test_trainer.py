import json
from pathlib import Path

import pytest
import torch

from streamfuse.cli.signals import StopNow
from streamfuse.errors import ConfigError, TrainingError
from streamfuse.fuse.weights_file import load_weights
from streamfuse.train.lesson import Terms, make_lesson
from streamfuse.train.recipe import TrainRecipe
from streamfuse.train.trainer import Progress, Trainer, parameter_groups, rate_at
from tests.train.schooling import CPU, material, network, recipe


def trainer(folder: Path, wanted: TrainRecipe | None = None, name: str = "nano") -> Trainer:
    folder.mkdir(parents=True, exist_ok=True)
    return Trainer(wanted or recipe(), network(name), make_lesson({"kind": "words"}, material()), folder, CPU)


def weights(run: Trainer) -> dict[str, torch.Tensor]:
    return {**run.network.state_dict(), **{f"average.{name}": tensor for name, tensor in run.averaged.state_dict().items()}}


@pytest.mark.parametrize("name", ["nano", "textpixels"])
def test_stopped_and_resumed_is_the_same_as_straight_through(tmp_path, name):
    """To the bit, in the weights, their average and the codes of a codebook."""
    straight = trainer(tmp_path / "straight", name=name)
    assert straight.run()
    for stop_at in (2, 5, 6):
        parts = trainer(tmp_path / "parts", name=name)
        parts.run(stop=lambda stop_at=stop_at, parts=parts: parts.step >= stop_at)  # type: ignore[misc]
        assert parts.step == stop_at
    for key, tensor in weights(straight).items():
        assert torch.equal(tensor, weights(parts)[key]), key


def test_progress_and_log_tell_each_step(tmp_path):
    """Steps count up to the recipe's; the log holds a line for each stretch."""
    told: list[Progress] = []
    run = trainer(tmp_path, recipe(steps=50))
    assert run.run(told=told.append)
    assert [progress.step for progress in told] == list(range(1, 51))
    assert all(progress.loss == pytest.approx(sum(progress.terms.values())) for progress in told)
    (line,) = (json.loads(text) for text in (tmp_path / "log.jsonl").read_text().splitlines())
    assert line["step"] == 50
    assert line["pixels"] == pytest.approx(sum(progress.terms["pixels"] for progress in told) / 50, abs=1e-5)


def test_time_that_is_over_leaves_a_checkpoint(tmp_path):
    """And says that there is more to do."""
    run = trainer(tmp_path)
    assert not run.run(seconds=0)
    assert (tmp_path / "checkpoint.pt").is_file()


def test_loss_that_is_no_number_stops_with_an_error(tmp_path):
    """The weights before that step are kept."""

    class Broken:
        def terms(self, student: torch.nn.Module, *_: object) -> Terms:
            return {"pixels": next(student.parameters()).sum() * float("nan")}

    run = Trainer(recipe(), network(), Broken(), tmp_path, CPU)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match=r"nan at step 0 .*optimiser\.rate"):
        run.run()
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert all(torch.isfinite(tensor).all() for tensor in kept["network"].values())


def test_a_follower_is_told_once_the_weights_have_moved(tmp_path):
    """After each step, and never before its optimiser."""
    moved: list[bool] = []

    class Following:
        def terms(self, student: torch.nn.Module, *_: object) -> Terms:
            self.before = next(student.parameters()).detach().clone()
            return {"pixels": next(student.parameters()).square().sum()}

        def after(self, student: torch.nn.Module) -> None:
            moved.append(not torch.equal(self.before, next(student.parameters())))

    Trainer(recipe(steps=3), network(), Following(), tmp_path, CPU).run()  # type: ignore[arg-type]
    assert moved == [True] * 3


def test_folder_of_another_recipe_is_refused(tmp_path):
    """Its checkpoint is left as it is."""
    trainer(tmp_path).run(seconds=0)
    with pytest.raises(TrainingError, match="another recipe"):
        trainer(tmp_path, recipe(seed=2))


def test_what_helps_after_a_bad_loss_may_be_changed(tmp_path):
    """The run goes on at a lower rate, under a tighter clip and in full precision, as its errors advise; not with another decay."""
    trainer(tmp_path).run(seconds=0)
    calmer = {"warm_up_steps": 2, "rate": 1e-4, "last_rate": 1e-5, "clip_norm": 0.1}
    assert trainer(tmp_path, recipe(optimiser=calmer, precision="auto")).step == 0
    with pytest.raises(TrainingError, match="another recipe"):
        trainer(tmp_path, recipe(optimiser=calmer | {"weight_decay": 0.5}))


def test_exported_weights_are_the_average(tmp_path):
    """In a file that says what it is for."""
    run = trainer(tmp_path)
    run.run()
    run.export(tmp_path / "nano.safetensors")
    again = network()
    load_weights(again, tmp_path / "nano.safetensors", "minilm")
    for key, tensor in run.averaged.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[key])


def test_indices_are_not_averaged(tmp_path):
    """What a network keeps beside its weights to pick dials by stays as it is; the mean of 5 and 5 would be cut down to 4."""
    run = trainer(tmp_path, recipe(optimiser={"warm_up_steps": 2, "average": 0.997}))
    run.run()
    kept, indices = dict(run.averaged.named_buffers()), [name for name, part in run.network.named_buffers() if part.dtype == torch.int64]
    assert any(name.endswith("luma_dials") for name in indices)
    for name in indices:
        assert torch.equal(kept[name], run.network.get_buffer(name)), name


def test_a_step_that_is_cut_off_is_not_kept(tmp_path):
    """Stopped at once between the weights and their count, the checkpoint before stays: to go on from it is as straight through."""

    class CutOff:
        def terms(self, student: torch.nn.Module, *_: object) -> Terms:
            return {"pixels": next(student.parameters()).square().sum()}

        def after(self, student: torch.nn.Module) -> None:
            raise StopNow

    run = Trainer(recipe(), network(), CutOff(), tmp_path, CPU)  # type: ignore[arg-type]
    with pytest.raises(StopNow):
        run.run()
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert kept["step"] == 0
    for name, tensor in network().state_dict().items():
        assert torch.equal(kept["network"][name], tensor), name


def test_rate_warms_up_and_falls_by_a_cosine():
    """From near nothing to the whole rate, and down to the last one."""
    settings = recipe(optimiser={"rate": 1.0, "last_rate": 0.1, "warm_up_steps": 10}).optimiser
    rates = [rate_at(step, 110, settings) for step in range(111)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[60] == pytest.approx(0.55)
    assert rates[110] == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_preview_is_written_as_a_picture(tmp_path):
    """Every so many steps."""
    trainer(tmp_path, recipe(preview_every_steps=3)).run()
    assert (tmp_path / "preview.png").stat().st_size > 1000


def test_the_longest_beginning_of_a_name_decides_its_rate():
    """All else has the whole rate; a share of 0 freezes, and is left out."""
    student = network("lure")
    names = {parameter: name for name, parameter in student.named_parameters()}
    groups = parameter_groups(student, {"": 0.1, "decoder": 0.5, "decoder_tgas": 0.0, "meetings": 1.0})
    found = {share: {names[parameter].split(".")[0] for parameter in part} for share, part in groups.items()}
    assert found[0.5] == {"decoder"}
    assert found[1.0] == {"meetings"}
    assert {"encoder", "exit", "camera"} <= found[0.1]
    assert {name.split(".")[0] for parameter, name in names.items() if not parameter.requires_grad} == {"decoder_tgas"}


@pytest.mark.parametrize(("rates", "told"), [({"encodr": 0.1}, "did you mean 'encoder'"), ({"": 0.0}, "freezes every parameter")])
def test_rates_that_mean_nothing_are_refused(rates, told):
    """A beginning that no parameter has, and a network in which nothing would learn."""
    with pytest.raises(ConfigError, match=told):
        parameter_groups(network("lure"), rates)


def test_a_run_goes_on_after_a_setting_was_added(tmp_path):
    """A checkpoint that does not know a setting counts as one with its default."""
    trainer(tmp_path).run(seconds=0)
    kept = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    older = json.loads(kept["recipe"])
    del older["optimiser"]["rates"], older["preview_every_steps"]
    torch.save(kept | {"recipe": json.dumps(older)}, tmp_path / "checkpoint.pt")
    assert trainer(tmp_path).step == 0
    torch.save(kept | {"recipe": json.dumps(older | {"gone": 1})}, tmp_path / "checkpoint.pt")
    with pytest.raises(TrainingError, match="another recipe"):
        trainer(tmp_path)
