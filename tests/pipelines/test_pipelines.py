"""The recipes in `pipelines/` run as they stand."""

import importlib.util
import threading
from pathlib import Path
from types import ModuleType

import pytest

from streamfuse.flow.pipeline import Pipeline
from streamfuse.publish.memory import MemorySettings, MemorySink
from streamfuse.text import bank
from streamfuse.video import write_video
from tests.cli.conftest import moving

FOLDER = Path(__file__).parent.parent.parent / "pipelines"

pytestmark = pytest.mark.usefixtures("no_threads_left")


def recipe_module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_demo():
    """The street goes through every stage and comes out fused, with warm things found."""
    recipe = recipe_module("demo").demo("tcp://127.0.0.1:*", frames=20)
    recipe.sinks = [MemorySink()]
    with Pipeline(recipe) as pipeline:
        assert pipeline.wait(60)
    results = list(recipe.sinks[0])
    assert {"fused"} == {result.mode for result in results}
    assert any(len(result.detections) for result in results)


def test_replay(tmp_path):
    """Two recordings give a result per pair, and none is lost however many there are."""
    many = MemorySettings().limit + 10
    for name, bright in (("ir", 0), ("vi", 60)):
        write_video(tmp_path / f"{name}.mp4", moving(many, bright=bright), fps=30)
    told = []
    recipe_module("replay").replay(
        str(tmp_path / "ir.mp4"), str(tmp_path / "vi.mp4"), lambda result: told.append((result.seq, result.model["network"])), "maximum"
    )
    assert told == [(number, "maximum") for number in range(many)]


def test_live(tmp_path):
    """A configuration makes a pipeline that is started, reworded and stopped by hand."""
    path = tmp_path / "live.yaml"
    path.write_text("pairs:\n  - {stream: gate, infrared: scene, visible: scene}\npublish: [memory]\n")
    module = recipe_module("live")
    pipeline = module.live(str(path))
    some = threading.Event()

    def look(result):
        some.set()
        return result

    pipeline.recipe.after("detect", look)
    with pipeline:
        assert some.wait(60)
        assert pipeline.streams() == ["gate"]
        assert pipeline.prompt("gate", module.PEOPLE)
    assert module.PEOPLE.text in bank.prompts()  # else it would need an encoder, which may not be installed


def test_own_stage():
    """Stages of a user's own change pictures and add keys."""
    module = recipe_module("own_stage")
    recipe = module.own_stage()
    recipe.sinks, recipe.frames = [MemorySink()], 5
    with Pipeline(recipe) as pipeline:
        assert pipeline.wait(60)
    results = list(recipe.sinks[0])
    assert results
    assert {result.ext["site"] for result in results} == {"north gate"}
    assert all(result.image.v.mean() > 128 for result in results)
