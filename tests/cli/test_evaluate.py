"""`streamfuse evaluate`."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch

from tests.evaluate.conftest import save_pairs

ROWS = {"average", "maximum", "laplacian", "blend", "salience", "infrared", "visible"}
QUICK = ("--metrics", "EN,VIF,Qabf")


@pytest.fixture
def pairs(tmp_path):
    return save_pairs(tmp_path / "set")


def test_tells_a_table(streamfuse, pairs):
    """Every baseline has a row, every metric a column."""
    said = streamfuse("evaluate", "--data", pairs, *QUICK)
    assert said.code == 0
    assert all(name in said.out for name in (*ROWS, "EN", "VIF", "Qabf", "2 pairs"))


def test_writes_json_and_a_page(streamfuse, pairs, tmp_path):
    """The JSON holds means by fuser and metric beside the provenance; the page is one file."""
    files = tmp_path / "out.json", tmp_path / "out.html"
    said = streamfuse("evaluate", "--data", pairs, "--fuser", "laplacian", *QUICK, "--json", files[0], "--html", files[1])
    assert said.code == 0
    told = json.loads(files[0].read_text())
    assert set(told["fusers"]) == ROWS
    assert set(told["fusers"]["blend"]) == {"EN", "VIF", "Qabf"}
    assert told["provenance"]["settings"]["fusers"] == ["laplacian"]
    assert len(told["pairs"]) == 2
    assert files[1].read_text().startswith("<!doctype html>")


def test_limit_spreads(streamfuse, tmp_path):
    """Of five pairs two are taken, not the first two."""
    data = save_pairs(tmp_path / "set", 5)
    assert streamfuse("evaluate", "--data", data, "--metrics", "EN", "--limit", "2", "--json", tmp_path / "a.json").code == 0
    assert [name.split("/")[-1] for name in json.loads((tmp_path / "a.json").read_text())["pairs"]] == ["000D", "002D"]


def test_examines_words(streamfuse, pairs, tmp_path):
    """With `--words`, the fusers asked for, and R beside them, are examined by fault."""
    said = streamfuse("evaluate", "--data", pairs, "--metrics", "EN", "--words", "1", "--json", tmp_path / "a.json")
    assert said.code == 0
    assert "words, salience" in said.all
    assert "salience: better than classical repair in" in said.all
    assert "infrared.stripes" in json.loads((tmp_path / "a.json").read_text())["words"]["salience"]


def test_examines_words_of_own_fusers(streamfuse, pairs, tmp_path):
    """Whose names hold a colon."""
    own = "streamfuse.fuse.pixelwise:Average"
    said = streamfuse("evaluate", "--data", pairs, "--fuser", own, "--metrics", "EN", "--words", "1", "--json", tmp_path / "a.json")
    assert said.code == 0
    assert own in json.loads((tmp_path / "a.json").read_text())["words"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there(streamfuse, pairs):
    """Is an error in words."""
    said = streamfuse("evaluate", "--data", pairs, "--metrics", "EN", "--device", "cuda")
    assert said.code == 1
    assert "PyTorch sees no CUDA device" in said.all


def test_measures_videos(streamfuse, tmp_path):
    """With `--video`, a folder is a recording."""
    data = save_pairs(tmp_path / "gate", 3, (64, 72))
    said = streamfuse("evaluate", "--data", data, "--metrics", "EN", "--video")
    assert said.code == 0
    assert "BiSWE" in said.out
    assert "of maximum" in said.out


def test_a_limit_takes_neighbours_of_each_video(streamfuse, tmp_path):
    """From its middle: frames that are spread are no video."""
    for name, frames in (("gate", 7), ("yard", 4)):
        save_pairs(tmp_path / "videos" / name, frames, (64, 72))
    file = tmp_path / "a.json"
    said = streamfuse("evaluate", "--data", tmp_path / "videos", "--metrics", "EN", "--video", "--limit", "3", "--json", file)
    assert said.code == 0
    assert json.loads(file.read_text())["pairs"] == [f"gate/00{i}D" for i in (2, 3, 4)] + [f"yard/00{i}D" for i in (0, 1, 2)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--fuser", "laplacain"), "no fuser called 'laplacain'; did you mean 'laplacian'?"),
        (("--metrics", "Qafb"), "did you mean 'Qabf'?"),
        (("--conventions", "cddfus"), "did you mean 'cddfuse'?"),
        (("--labels", "."), "--labels needs --detector"),
        (("--detector", "smal"), "did you mean 'small'?"),
        (("--detector", "hotspots"), "want small or yolo=FILE"),
        (("--json", "no/such/folder/a.json"), "there is no folder"),
        (("--steady",), "--steady needs --video"),
        (("--steady", "--video"), "--steady needs --fuser"),
    ],
)
def test_wrong_options(streamfuse, pairs, arguments, told):
    """What is misspelt or does not go together is told with what to do, as a usage error."""
    said = streamfuse("evaluate", "--data", pairs, *arguments)
    assert said.code == 2
    assert told in said.all


def test_no_pairs(streamfuse, tmp_path):
    """A folder without pairs is told with what was looked for."""
    said = streamfuse("evaluate", "--data", tmp_path)
    assert said.code == 1
    assert "no pairs in it" in said.all


def test_pictures_that_do_not_fit(streamfuse, pairs):
    """Unaligned sizes and 16 bits are refused with the pair's name."""
    cv2.imwrite(str(pairs / "ir" / "000D.png"), np.zeros((20, 20), np.uint8))
    said = streamfuse("evaluate", "--data", pairs, *QUICK)
    assert said.code == 1
    assert "infrared is 20x20, visible 56x48" in said.all
    cv2.imwrite(str(pairs / "ir" / "000D.png"), np.zeros((48, 56), np.uint16))
    assert "want 8 bits per channel, got uint16" in streamfuse("evaluate", "--data", pairs, *QUICK).all


def test_importing_the_command_loads_no_torch():
    """`--help` is quick."""
    code = "import sys; import streamfuse.cli.evaluate; print({'torch', 'cv2', 'supervision'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "set()"
