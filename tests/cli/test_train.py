import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from streamfuse.cli.app import app
from tests.train.schooling import SENTENCES

COMMAND = str(Path(sys.executable).parent / "streamfuse")
RECIPE = """
network: {name: nano}
data: {sets: [set]}
stages: [{steps: STEPS, crop_px: 64, batch: 2}]
checkpoint_every_s: 0.1
preview_every_steps: 2
"""


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two pairs, and a short recipe."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    draw = np.random.default_rng(1)
    for camera in ("ir", "vi"):
        (tmp_path / "data" / "set" / camera).mkdir(parents=True)
        for name in ("00001D", "00002D"):
            picture = np.kron(draw.integers(0, 255, (10, 12, 3)), np.ones((8, 8, 1))).astype(np.uint8)
            cv2.imwrite(str(tmp_path / "data" / "set" / camera / f"{name}.png"), picture)
    (tmp_path / "short.yaml").write_text(RECIPE.replace("STEPS", "4"))
    (tmp_path / "long.yaml").write_text(RECIPE.replace("STEPS", "1000000"))
    return tmp_path


@pytest.fixture
def few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handful of sentences instead of thousands, read by the real encoder."""
    monkeypatch.setattr("streamfuse.train.study.corpus", lambda held_out: SENTENCES)


def arguments(school: Path, recipe: str, *more: str) -> list[str]:
    return ["train", str(school / recipe), "--data", str(school / "data"), "--out", str(school / "run"), "--device", "cpu", *more]


@pytest.mark.usefixtures("few_words")
def test_a_short_run_leaves_weights_and_a_picture(school):
    """And says where they are."""
    result = CliRunner().invoke(app, arguments(school, "short.yaml"))
    assert result.exit_code == 0, result.output
    assert "step 4 of 4" in " ".join(result.output.split())
    assert (school / "run" / "nano-small.safetensors").stat().st_size > 100_000
    assert (school / "run" / "preview.png").is_file()


@pytest.mark.usefixtures("few_words")
def test_without_tensorboard_a_run_goes_on_and_says_how_to_get_it(school, monkeypatch):
    """With it, nothing is said."""
    told = "pip install 'streamfuse[train]'"
    assert told not in " ".join(CliRunner().invoke(app, arguments(school, "short.yaml", "--minutes", "0")).output.split())
    monkeypatch.setattr("streamfuse.train.board.find_spec", lambda _name: None)
    result = CliRunner().invoke(app, arguments(school, "short.yaml"))
    assert result.exit_code == 0, result.output
    assert told in " ".join(result.output.split())
    assert len(list((school / "run" / "board").iterdir())) == 1


@pytest.mark.usefixtures("few_words")
def test_a_run_that_is_over_in_time_goes_on_from_where_it_was(school):
    """With the same command."""
    first = CliRunner().invoke(app, arguments(school, "short.yaml", "--minutes", "0"))
    assert "not done yet" in first.output
    again = CliRunner().invoke(app, arguments(school, "short.yaml"))
    assert "step 4 of 4" in " ".join(again.output.split())


@pytest.mark.usefixtures("few_words")
def test_ctrl_c_is_heard_while_cases_are_drawn(school, monkeypatch):
    """Drawing takes minutes: it is left at once, with a checkpoint, and exit code 130."""
    (school / "drawing.yaml").write_text(RECIPE.replace("STEPS", "4") + "lesson: {kind: exposing, cases: 800}\n")
    drawn: list[object] = []

    def interrupted(*given: object) -> dict[str, object]:
        drawn.append(given)
        signal.raise_signal(signal.SIGINT)
        return {}

    monkeypatch.setattr("streamfuse.train.exposing._kept", interrupted)
    result = CliRunner().invoke(app, arguments(school, "drawing.yaml"))
    assert result.exit_code == 130, result.output
    assert "stopped at once, at step 0" in " ".join(result.output.split())
    assert len(drawn) == 1
    assert (school / "run" / "checkpoint.pt").is_file()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda school: (school / "short.yaml").write_text("network: {name: nano}"), "data: missing"),
        (lambda school: (school / "data" / "set").rename(school / "data" / "moved"), "no data at"),
        (lambda school: (school / "short.yaml").write_text(RECIPE.replace("STEPS", "1").replace("nano", "nanno")), "nanno"),
    ],
)
def test_what_is_wrong_is_told_in_words(school, change, told):
    """Not as a traceback."""
    change(school)
    found = subprocess.run([COMMAND, *arguments(school, "short.yaml")], capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 2
    assert told in found.stderr
    assert "Traceback" not in found.stderr
