"""`python -m tools.faults`: for people and for programs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from streamfuse.config import load_config
from tests.tools.watching import watching
from tools.faults import KINDS
from tools.faults.__main__ import cameras, main, options

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "tools.faults", "--size", "160x64", "--fps", "30"]


def test_serves_pairs_and_obeys(tmp_path):
    """It says where to watch, writes a configuration for them, takes faults from its input, and stops when that is closed."""
    config = tmp_path / "live.yaml"
    command = [*COMMAND, "--json", "--commands", "--config", str(config), "--password", "user:hunter2", "--offset", "1.5"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        with watching(told["urls"]["p1-visible"].replace("rtsp://", "rtsp://user:hunter2@")) as watcher:
            assert watcher.pictures(1)
        process.stdin.write("nonsense!\np1-infrared/reset\n")
        process.stdin.flush()
        assert any(json.loads(line)["what"] == "begin reset" for line in process.stdout)
        process.stdin.close()
    assert process.returncode == 0
    assert config.stat().st_mode & 0o777 == 0o600
    (pair,) = load_config(config, {}).pairs
    assert pair.stream == "p1"
    assert told["exposures"]["p1-infrared"]["fps"] == 30


def test_cameras_of_a_pair_share_a_world_but_not_a_clock():
    """Offset, drift and rate are the infrared camera's; the seed is the pair's."""
    given = options().parse_args(["--pairs", "2", "--infrared-fps", "9", "--drift", "50", "--no-reports"])
    infrared, visible, other, _ = cameras(given)
    assert [camera.name for camera in (infrared, visible)] == ["p1-infrared", "p1-visible"]
    assert (infrared.fps, visible.fps, infrared.drift_ppm, visible.drift_ppm) == (9, 15, 50, 0)
    assert infrared.seed == visible.seed != other.seed
    assert infrared.report_every_s == 0


@pytest.mark.parametrize(("arguments", "words"), [(["--fault", "stal@1s"], "did you mean 'stall'"), (["--fault", "x/stall"], "no camera")])
def test_says_what_is_wrong(arguments, words, capsys):
    """Before anything is served."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert words in f"{caught.value}{capsys.readouterr().err}"


def test_every_kind_is_documented():
    """The page and the help name all of them."""
    text = (ROOT / "docs" / "11-faults.md").read_text()
    assert not [kind for kind in KINDS if f"| `{kind}` |" not in text or f"  {kind} " not in options().format_help()]
