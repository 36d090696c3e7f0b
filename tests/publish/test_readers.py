"""Readers of other languages, from the documentation alone."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

READER = Path(__file__).parent.parent.parent / "tools" / "readers" / "read.mjs"


@pytest.fixture
def node():
    """Starts the JavaScript reader on a bus; skipped where there is no Node."""
    if shutil.which("node") is None:
        pytest.skip("needs node")
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> "subprocess.Popen[str]":
        started.append(subprocess.Popen(["node", str(READER), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_javascript_reader_gets_everything(bench, node, result):
    """Every message comes with its header, each part with its length, and the reader ends with the stream."""
    sink = bench.sink(batch_messages=40)
    reader = node(sink.endpoint)
    bench.wait_for_readers(sink, 1)
    bench.publish(sink, *(result(number, size=(480, 640), skew_ns=-5, ext={"deep": [1, -2, 3.5, None, True]}) for number in range(20)))
    sink.end("cam1", {"published": 20})
    output, errors = reader.communicate(timeout=60)
    lines = [json.loads(line) for line in output.splitlines()]
    assert (reader.returncode, errors) == (0, "")
    assert [line["header"]["kind"] for line in lines] == ["hello", *["det", "img"] * 20, "eos"]
    assert all(line["lost"] == 0 for line in lines)
    first = lines[2]["header"]
    assert (first["fid"], first["t_cap"], first["dt"]) == (result(0).fid.hex(), str(result(0).t_cap_ns), -5)
    assert first["det"] == [[0, 1, 2, 3, 1, 0, -1], [4, 5, 6, 7, 0.25, 1, 0]]
    assert first["ext"] == {"deep": [1, -2, 3.5, None, True]}
    assert lines[2]["parts"] == [first["parts"][0]["bytes"]]
    assert lines[-1]["header"]["totals"] == {"published": 20}


def test_it_answers_heartbeats(bench, node, result):
    """A reader that is asked whether it is there, and has nothing to read meanwhile, is not cut off."""
    sink = bench.sink({"heartbeat_ms": 150})
    reader = node(sink.endpoint, "sf1/det/")
    bench.wait_for_readers(sink, 1)
    sink._bus.read_events(1000)  # returns at once with the event if the reader is cut off: twice its allowance
    assert sink.tick() == 1
    bench.publish(sink, result(0))
    sink.end("cam1", {})
    output, _ = reader.communicate(timeout=60)
    assert [json.loads(line)["topic"] for line in output.splitlines()] == ["sf1/hello/cam1/", "sf1/det/cam1/", "sf1/eos/cam1/"]


def test_it_names_what_it_cannot_reach(node):
    """Without a publisher the reader says so and fails."""
    reader = node("tcp://127.0.0.1:1")
    _, errors = reader.communicate(timeout=60)
    assert reader.returncode == 1
    assert "tcp://127.0.0.1:1" in errors


def test_it_fits_on_a_page():
    """The reader shows how little is needed: under 100 lines, no packages."""
    text = READER.read_text()
    assert len(text.splitlines()) < 100
    assert [line for line in text.splitlines() if line.startswith("import")] == ['import net from "node:net";']


def test_the_reader_in_the_documentation_works(bench, result, tmp_path):
    """The last Python block of docs/7-publish.md, run as it stands, reads a stream to its end."""
    page = (READER.parent.parent.parent / "docs" / "7-publish.md").read_text()
    block = page.rpartition("```python\n")[2].partition("```")[0]
    (tmp_path / "reader.py").write_text(block)
    sink = bench.sink()
    reader = subprocess.Popen([sys.executable, str(tmp_path / "reader.py"), sink.endpoint], stdout=subprocess.PIPE, text=True)
    bench.wait_for_readers(sink, 1)
    bench.publish(sink, result(0), result(1))
    sink.end("cam1", {})
    output, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    boxes = "[[0.0, 1.0, 2.0, 3.0, 1.0, 0, -1], [4.0, 5.0, 6.0, 7.0, 0.25, 1, 0]]"
    assert output.splitlines() == [
        "sf1/hello/cam1/ 0 lost 0 None",
        f"sf1/det/cam1/ 0 lost 0 {boxes}",
        f"sf1/det/cam1/ 1 lost 0 {boxes}",
        "sf1/eos/cam1/ 0 lost 0 None",
    ]
