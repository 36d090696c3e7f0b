"""`streamfuse watch`: lines, JSON and pictures from a real bus."""

import json
import signal
import subprocess
import threading

import cv2
import numpy as np
import pytest

from streamfuse.cli.watch import _save
from streamfuse.config import parse_config
from streamfuse.flow.build import recipe_of
from streamfuse.flow.pipeline import Pipeline
from streamfuse.publish.message import Message
from streamfuse.publish.wire import decode_message
from tests.cli.conftest import COUNT
from tests.cli.test_replay import COMMAND, free_endpoint
from tests.publish.conftest import Wire


@pytest.fixture
def bus(recording):
    """A lossless replay that waits for one reader; its endpoint."""
    endpoint = free_endpoint()
    values = {
        "policy": "lossless",
        "wait_subscribers": 1,
        "pairs": [{"stream": "gate", "infrared": str(recording[0]), "visible": str(recording[1])}],
        "detect": "hotspots",
        "publish": [{"kind": "bus", "endpoint": endpoint}],
    }
    pipeline = Pipeline(recipe_of(parse_config(values)))
    runner = threading.Thread(target=pipeline.wait)
    pipeline.start()
    runner.start()
    yield endpoint
    runner.join(30)
    assert not runner.is_alive()


def test_a_line_per_result(streamfuse, bus):
    """Each result is a line with its mode and skew; the end tells what was skipped and lost."""
    said = streamfuse("watch", bus, "--mode", "all")
    lines = said.out.splitlines()
    assert sum(line.startswith("gate ") for line in lines) == COUNT
    assert "fused, skew +0.0 ms" in lines[0]
    assert lines[-1].startswith(f"{COUNT} results read, 0 skipped for newer ones, 0 lost, 0 malformed")


def test_json_for_programs(streamfuse, bus):
    """With `--json` every line is the header as JSON, and nothing else is said."""
    said = streamfuse("watch", bus, "--mode", "all", "--json")
    headers = [json.loads(line) for line in said.out.splitlines()]
    assert [header["seq"] for header in headers] == list(range(headers[0]["seq"], headers[0]["seq"] + COUNT))
    assert {header["kind"] for header in headers} == {"det"}
    assert len(headers[0]["fid"]) == 32


def test_saves_pictures(streamfuse, bus, tmp_path):
    """With `--save` each picture lies in the folder, as it came, at its own size."""
    folder = tmp_path / "new" / "pictures"
    said = streamfuse("watch", bus, "--mode", "all", "--save", folder)
    saved = sorted(folder.iterdir())
    assert len(saved) == COUNT
    shown = cv2.imread(str(saved[0]))
    assert shown is not None
    assert shown.shape == (48, 64, 3)
    assert str(saved[0]) in said.out


@pytest.mark.parametrize("codec", ["raw", "jpeg"])
def test_a_stream_with_a_dot_keeps_its_pictures_apart(tmp_path, codec):
    """Each picture has a file of its own, whatever the stream is called, and shows what was sent."""
    wire = Wire(codec=codec)
    sent = [decode_message(wire("img", number, "gate.north")) for number in range(2)]
    saved = [_save(Message(header=header, parts=parts, received_ns=0), tmp_path) for header, parts in sent]
    assert sorted(tmp_path.iterdir()) == sorted(saved)
    assert len(saved) == len(set(saved))
    assert {path.name.rpartition("-")[0] for path in saved} == {"gate.north"}
    shown = cv2.imread(str(saved[0]))
    assert shown is not None
    assert np.abs(shown[..., ::-1].astype(int) - Message(header=sent[0][0], parts=sent[0][1], received_ns=0).image()).max() < 3


def test_pictures_that_cannot_be_written_are_told(streamfuse, bus, tmp_path):
    """Where a picture cannot be written, the file and the reason are told in words, and the exit code says that it failed."""
    for number in range(COUNT + 1):
        (tmp_path / f"gate-{number:08d}.jpg").mkdir()
    said = streamfuse("watch", bus, "--mode", "all", "--save", tmp_path)
    assert said.code == 1
    assert f"{tmp_path}/gate-" in said.err
    assert "Is a directory" in said.all


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order(bus, number):
    """Ctrl-C or SIGTERM ends it with its summary, and with 0."""
    with subprocess.Popen([COMMAND, "watch", bus, "--mode", "all", "--stats"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(number)
        said, _ = process.communicate(timeout=40)
    assert process.returncode == 0
    assert said.splitlines()[-1].endswith("malformed")


def test_figures(streamfuse, bus):
    """With `--stats` a line holds the stream's figures instead of results."""
    said = streamfuse("watch", bus, "--mode", "all", "--stats")
    lines = said.out.splitlines()
    assert lines[0].startswith("gate: ")
    assert "infrared " in lines[0]
    assert lines[-1].endswith("malformed")
    assert "figures read" in lines[-1]


def test_figures_have_no_pictures(streamfuse, tmp_path):
    """Saving pictures of figures is refused before anything is read."""
    said = streamfuse("watch", free_endpoint(), "--stats", "--save", tmp_path)
    assert said.code == 2
    assert "one of them at a time" in said.all


def test_count_ends_early(streamfuse, bus):
    """`--count N` reads N results and leaves; the publisher finishes without it."""
    said = streamfuse("watch", bus, "--mode", "all", "--count", 3)
    assert said.code == 0
    assert "3 results read" in said.out


def test_nothing_there(streamfuse):
    """With a time-out, a bus that nobody publishes on is an error that names it."""
    endpoint = free_endpoint()
    said = streamfuse("watch", endpoint, "--timeout", "0.2")
    assert said.code == 1
    assert f"nothing came from {endpoint}" in said.all


def test_no_such_endpoint(streamfuse):
    """What is no endpoint is told in words."""
    said = streamfuse("watch", "localhost:99999")
    assert said.code == 1
    assert "localhost:99999" in said.all
    assert "Traceback" not in said.all


def test_a_folder_that_cannot_be_made(streamfuse, tmp_path):
    """Saving where a file stands is refused before anything is read."""
    (tmp_path / "file").write_text("")
    said = streamfuse("watch", free_endpoint(), "--save", tmp_path / "file")
    assert said.code == 2
    assert str(tmp_path / "file") in said.all
