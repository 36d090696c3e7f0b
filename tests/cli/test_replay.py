"""`streamfuse replay`: whole runs, read from outside, and every kind of bad input."""

import hashlib
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from streamfuse.cli import replay
from streamfuse.fuse import FUSERS
from streamfuse.video import write_video
from tests.cli.conftest import COUNT, moving

Received = tuple[bytes, dict[str, Any], list[bytes]]
COMMAND = str(Path(sys.executable).parent / "streamfuse")
CLIPS = {"m3svd_0111_1716": 151, "m3svd_0117_1605": 407, "m3svd_1230_1202": 205}


def read_all(endpoint: str, found: list[Received]) -> None:
    """A plain reader, by the documented layout and nothing of the package."""
    context = zmq.Context()
    with context.socket(zmq.SUB) as bus:
        bus.setsockopt(zmq.RCVHWM, 0)
        bus.setsockopt(zmq.RCVTIMEO, 60_000)
        bus.connect(endpoint)
        bus.subscribe(b"sf1/")
        while not found or not found[-1][0].startswith(b"sf1/eos/"):
            topic, header, *parts = bus.recv_multipart()
            found.append((topic, msgspec.msgpack.decode(header), parts))
    context.term()


def free_endpoint() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


def replayed(streamfuse, infrared: Path, visible: Path, *more: str) -> list[Received]:
    """Every message of one lossless replay."""
    endpoint = free_endpoint()
    found: list[Received] = []
    reader = threading.Thread(target=read_all, args=(endpoint, found))
    reader.start()
    said = streamfuse(
        "replay", "--infrared", infrared, "--visible", visible, "--speed", 0, "--bus", endpoint, "--wait-subscribers", 1, *more
    )
    reader.join(60)
    assert said.code == 0, said.all
    return found


def digest(messages: list[Received]) -> str:
    """Over all that may not change between two runs."""
    told = hashlib.sha256()
    for topic, header, parts in messages:
        if topic.startswith(b"sf1/img/"):
            told.update(repr([header[key] for key in ("fid", "t_cap", "mode", "dt", "det")]).encode())
            told.update(b"".join(parts))
    return told.hexdigest()


def hold(messages: list[Received], count: int) -> None:
    for kind in (b"sf1/det/", b"sf1/img/"):
        headers = [header for topic, header, _ in messages if topic.startswith(kind)]
        assert len(headers) == count
        first = headers[0]["seq"]
        assert [header["seq"] for header in headers] == list(range(first, first + count))
        assert {(header["dt"], header["mode"]) for header in headers} == {(0, "fused")}


def test_every_pair_reaches_a_plain_reader_and_a_second_run_is_the_same(streamfuse, recording):
    """Lossless: all pairs, no gap in `seq`, skew 0, and the same digest twice."""
    first = replayed(streamfuse, *recording, "--detector", "hotspots")
    hold(first, COUNT)
    assert digest(first) == digest(replayed(streamfuse, *recording, "--detector", "hotspots"))


@pytest.mark.needs_data
@pytest.mark.parametrize(("clip", "count"), CLIPS.items())
def test_the_recordings(streamfuse, data, clip, count):
    """The three recordings give 151, 407 and 205 results, twice the same."""
    pair = (data / "replay" / clip / "ir.mp4", data / "replay" / clip / "vi.mp4")
    first = replayed(streamfuse, *pair)
    hold(first, count)
    assert digest(first) == digest(replayed(streamfuse, *pair))


def test_in_time_and_without_readers(streamfuse, recording):
    """At its own pace it ends by itself, whoever listens, and tells what it did."""
    said = streamfuse("replay", "--infrared", recording[0], "--visible", recording[1], "--bus", "tcp://127.0.0.1:*")
    assert said.code == 0
    assert "publishing at tcp://127.0.0.1:" in said.out
    assert "replay: " in said.out


def test_one_camera_alone(streamfuse, recording):
    """A replay of one recording is valid, and its mode says so."""
    said = streamfuse("replay", "--visible", recording[1], "--speed", 0, "--bus", "tcp://127.0.0.1:*")
    assert said.code == 0
    assert f"{COUNT} results ({COUNT} visible_only)" in said.all


def test_frames_ends_early(streamfuse, recording):
    """`--frames N` ends after N pairs, also in a loop."""
    said = streamfuse(
        "replay",
        "--infrared",
        recording[0],
        "--visible",
        recording[1],
        "--speed",
        0,
        "--loop",
        "--frames",
        30,
        "--bus",
        "tcp://127.0.0.1:*",
    )
    assert "30 results (30 fused)" in said.all


def test_a_truncated_video_gives_what_is_left(streamfuse, recording, tmp_path):
    """The frames before the damage come out, and the rest of the pair in a mode that says what is missing; nothing hangs."""
    whole = recording[0].read_bytes()
    path = tmp_path / "cut.mkv"
    write_video(path, moving(60), fps=30)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert len(whole)
    long = tmp_path / "vi.mkv"
    write_video(long, moving(60, bright=60), fps=30)
    said = streamfuse("replay", "--infrared", path, "--visible", long, "--speed", 0, "--bus", "tcp://127.0.0.1:*")
    assert "60 results" in said.all
    assert "visible_only" in said.all
    assert "Traceback" not in said.all


@pytest.mark.parametrize(
    ("made", "told"),
    [
        pytest.param(lambda path: None, "No such file", id="missing"),
        pytest.param(lambda path: path.write_bytes(b""), "", id="zero bytes"),
        pytest.param(lambda path: path.write_text("not a video"), "", id="text"),
    ],
)
def test_a_file_that_is_no_video(streamfuse, recording, tmp_path, made, told):
    """The path is named, the exit code says that it failed, and there is no traceback."""
    path = tmp_path / "camera.mp4"
    made(path)
    said = streamfuse("replay", "--infrared", path, "--visible", recording[1], "--speed", 0, "--bus", "tcp://127.0.0.1:*")
    assert said.code == 1
    assert "camera.mp4" in said.err
    assert told in said.err
    assert "Traceback" not in said.all


def test_sizes_that_differ_without_a_rig(streamfuse, recording, tmp_path):
    """Both sizes and the way out are named."""
    small = tmp_path / "small.mp4"
    write_video(small, moving(COUNT, size=(24, 32)), fps=30)
    said = streamfuse("replay", "--infrared", small, "--visible", recording[1], "--speed", 0, "--bus", "tcp://127.0.0.1:*")
    assert said.code == 1
    assert "infrared is 32x24, visible 64x48" in said.all
    assert "rig" in said.all


@pytest.mark.parametrize(
    ("options", "told"),
    [
        pytest.param(["--fuser", "laplacien"], "did you mean 'laplacian'", id="fuser"),
        pytest.param(["--detector", "hotspot"], "did you mean 'hotspots'", id="detector"),
        pytest.param(["--detector", "nowhere.pt"], "nowhere.pt", id="weights"),
        pytest.param(["--bus", "tcp://0.0.0.0:5560"], "127.0.0.1", id="open to the world"),
        pytest.param(["--rig", "nowhere.yaml"], "nowhere.yaml", id="rig"),
        pytest.param(["--speed", "-1"], "speed", id="speed"),
        pytest.param(["--codec", "png"], "codec", id="codec"),
        pytest.param(["--device", "tpu"], "device", id="device"),
    ],
)
def test_a_wrong_option_is_told_before_anything_starts(streamfuse, recording, options, told):
    """Exit code 2, the option or the nearest right name in the message, no traceback."""
    said = streamfuse("replay", "--infrared", recording[0], "--visible", recording[1], *options)
    assert said.code == 2
    assert told in said.all
    assert "Traceback" not in said.all


def test_no_camera_at_all(streamfuse):
    """A replay of nothing is a mistake that is named."""
    said = streamfuse("replay")
    assert said.code == 2
    assert "--infrared, --visible or both" in said.all


def test_a_port_in_use(streamfuse, recording):
    """The endpoint is named."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        said = streamfuse("replay", "--infrared", recording[0], "--visible", recording[1], "--bus", endpoint)
    assert said.code == 1
    assert endpoint in said.all


def test_a_folder_of_pictures(streamfuse, recording, tmp_path):
    """Folders replay with `--fps`, and say what is missing without it."""
    import cv2

    for name in ("ir", "vi"):
        (tmp_path / name).mkdir()
        for number, planes in enumerate(moving(4)):
            cv2.imwrite(str(tmp_path / name / f"{number:04d}.png"), planes.y)
    folders = ("replay", "--infrared", tmp_path / "ir", "--visible", tmp_path / "vi", "--speed", 0, "--bus", "tcp://127.0.0.1:*")
    assert "4 results (4 fused)" in streamfuse(*folders, "--fps", 25).all
    said = streamfuse(*folders)
    assert said.code != 0
    assert "fps" in said.all


@pytest.mark.parametrize("signals", [1, 2])
def test_ctrl_c(recording, signals):
    """Once: it ends in order, with a summary, exit code 0. Twice while a reader blocks it: at once, exit code 130."""
    endpoint = free_endpoint()
    context = zmq.Context()
    with context.socket(zmq.SUB) as bus:
        bus.setsockopt(zmq.RCVHWM, 1)
        bus.connect(endpoint)
        bus.subscribe(b"sf1/")
        process = subprocess.Popen(
            [
                COMMAND,
                "replay",
                "--infrared",
                recording[0],
                "--visible",
                recording[1],
                "--loop",
                "--bus",
                endpoint,
                "--wait-subscribers",
                "1",
            ]
            + (["--speed", "0"] if signals == 2 else []),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        said = ""
        # one line a second; a reader that blocks it shows in two that tell the same number
        while len(told := re.findall(r"(\d+) results,", said)) < signals or len(set(told[-signals:])) > 1:
            said += process.stdout.readline()
            assert process.poll() is None, said
        for _ in range(signals):
            process.send_signal(2)
            if signals == 2:
                threading.Event().wait(0.3)  # a person's second Ctrl-C; sent at once, the two would be one signal
        rest, _ = process.communicate(timeout=40)
    context.term()
    said += rest
    assert "Traceback" not in said
    assert process.returncode == (0 if signals == 1 else 130), said
    assert "dropped" in said


def test_help_names_every_fuser(streamfuse):
    """The list in the help is that of the registry."""
    assert sorted(FUSERS) == sorted(replay.FUSERS.split(", "))
    assert replay.FUSERS in streamfuse("replay", "--help").all


def test_a_path_that_cannot_be_asked_for_is_told(streamfuse):
    """What the system says of a path is told in words, as a failure."""
    said = streamfuse("replay", "--infrared", "x" * 5000)
    assert said.code == 1
    assert "Traceback" not in said.all
    assert "xxx" in said.err


def test_the_command_is_installed():
    """The entry point answers."""
    assert shutil.which(COMMAND)
    said = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.startswith("streamfuse ")
