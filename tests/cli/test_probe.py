"""`streamfuse probe` on cameras of loopback."""

import json
import socket
from collections.abc import Iterator

import numpy as np
import pytest
from typer.testing import CliRunner

from streamfuse.cli.app import app
from streamfuse.cli.probe import _drift
from streamfuse.frames import Planes
from streamfuse.video import write_video
from tests.conftest import make_clock_report
from tools.faults import Camera, RtspServer


@pytest.fixture(scope="module")
def rig() -> Iterator[RtspServer]:
    """A good camera, and one that wants a password."""
    with RtspServer([Camera(name="a", size=(160, 128)), Camera(name="b", size=(160, 128), password="me:right")]) as server:
        yield server


def probe(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["probe", "--seconds", "3", *arguments])
    return result.exit_code, result.stdout


def test_tells_what_a_camera_sends(rig):
    """Codec, size, rate, clock and reports, and how well the two go together; the password is in none of it."""
    code, said = probe(rig.url("a"), rig.url("b", "me:right"))
    assert code == 0
    assert said.count("h264 160x128") == 2
    assert said.count("15.00 fps") == 2
    assert said.count("clock: rtcp") == 2
    assert "well: by the cameras' own clocks" in said
    assert "nearest pictures up to 33.3 ms apart" in said
    assert "right" not in said


def test_speaks_json(rig, tmp_path):
    """One object, for programs; recordings are taken as well."""
    flat = np.full((48, 64), 80, np.uint8)
    half = np.full((24, 32), 128, np.uint8)
    write_video(tmp_path / "clip.mp4", [Planes(y=flat, u=half, v=half)] * 10, 10)
    code, said = probe(rig.url("a"), str(tmp_path / "clip.mp4"), "--json")
    assert code == 0
    camera, clip = json.loads(said)["sources"]
    assert (camera["codec"], camera["size"], camera["live"], camera["clk_bias"]) == ("h264", [160, 128], True, False)
    assert camera["reports"] >= 1
    assert (clip["pictures"], clip["fps"], clip["clock"]) == (10, 10, "media")
    assert len(json.loads(said)["pairs"]) == 1


def test_every_failure_is_told_and_the_others_go_on(rig):
    """A wrong password and a closed port: each with its cause, and exit code 1."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code, said = probe(rig.url("a"), rig.url("b", "me:wrong"), f"rtsp://127.0.0.1:{port}/x")
    assert code == 1
    assert "refused the credentials" in said
    assert "refused or cut the connection" in said
    assert "15.00 fps" in said
    assert "wrong" not in said


@pytest.mark.parametrize(("kind", "told"), [("rtcp", "needs 25 s"), ("estimated", "needs 25 s"), ("host", "cannot be told")])
def test_more_time_is_asked_for_only_where_it_helps(kind, told):
    """Stamps that do not go with time never show a drift."""
    assert _drift(make_clock_report(kind)).startswith(told)


def test_an_address_that_cannot_be_is_refused():
    """Nothing is opened then."""
    result = CliRunner().invoke(app, ["probe", "gopher://x"])
    assert "video is not read from 'gopher'" in str(result.exception)
