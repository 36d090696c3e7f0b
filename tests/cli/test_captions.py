"""`streamfuse captions`."""

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

from streamfuse.cli import captions
from streamfuse.errors import SourceError

app = typer.Typer()
app.command("captions")(captions.command)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


@pytest.fixture
def pairs(tmp_path):
    """Two pairs, one with boxes."""
    ramp = np.tile(np.linspace(60, 200, 64).astype(np.uint8), (48, 1))
    for folder in ("ir", "vi"):
        (tmp_path / folder).mkdir()
        for stem in "12":
            assert cv2.imwrite(str(tmp_path / folder / f"{stem}.png"), ramp)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/1.txt").write_text("2 0.9 0.5 0.1 0.2\n")
    return tmp_path


def test_writes_a_text_for_each_pair(pairs):
    """Sentences lie in `text/`, one a line, with objects where boxes are."""
    said = run(str(pairs))
    assert said.exit_code == 0
    assert "2 captions written" in said.stderr
    lines = (pairs / "text/1.txt").read_text().splitlines()
    assert lines == ["One vehicle on the right.", "The visible picture is clear.", "The infrared picture is clear."]
    assert (pairs / "text/2.txt").read_text().startswith("A scene.\n")


def test_keeps_what_is_there(pairs):
    """A text written by hand stays, unless `--overwrite` is given."""
    (pairs / "text").mkdir()
    (pairs / "text/1.txt").write_text("mine\n")
    assert "1 captions written, 1 kept" in run(str(pairs)).stderr
    assert (pairs / "text/1.txt").read_text() == "mine\n"
    run(str(pairs), "--overwrite")
    assert (pairs / "text/1.txt").read_text() != "mine\n"


def test_boxes_may_come_from_elsewhere(pairs):
    """`--boxes` counts instead of what lies beside the pictures."""
    (pairs / "checked").mkdir()
    (pairs / "checked/2.txt").write_text("0 0.1 0.5 0.1 0.2\n")
    run(str(pairs), "--boxes", str(pairs / "checked"))
    assert (pairs / "text/1.txt").read_text().startswith("A scene.")
    assert (pairs / "text/2.txt").read_text().startswith("One person on the left.")


def test_a_folder_without_pairs_is_an_error(tmp_path):
    """The error of the search comes through."""
    assert isinstance(run(str(tmp_path)).exception, SourceError)
