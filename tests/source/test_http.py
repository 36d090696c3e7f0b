"""AvSource on servers of loopback: what a network may do to it."""

import http.server
import logging
import socket
import threading
import traceback
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import pytest

from streamfuse.errors import SourceAuthError, SourceError
from streamfuse.frames import Frame, Spectrum
from streamfuse.source.av_stream import AvSettings, AvSource
from streamfuse.video import write_video


@pytest.fixture
def server():
    """`start(answer)` runs a server whose GET is `answer(handler)`, and returns its port."""
    running = []

    def start(answer):
        handler = type("Handler", (http.server.BaseHTTPRequestHandler,), {"do_GET": answer, "log_message": lambda *_: None})
        made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        made.daemon_threads = True
        threading.Thread(target=made.serve_forever, args=(0.01,), name="http", daemon=True).start()
        running.append(made)
        return made.server_port

    yield start
    for made in running:
        made.shutdown()
        made.server_close()


def source_of(port: int, *, path: str = "clip.ts", scheme: str = "http", user: str = "", read_timeout_s: float = 0.5) -> AvSource:
    url = f"{scheme}://{user}127.0.0.1:{port}/{path}"
    return AvSource(AvSettings(spectrum=Spectrum.VISIBLE, url=url, open_timeout_s=0.5, read_timeout_s=read_timeout_s))


def sends(content: bytes, pause: threading.Event | None = None) -> Callable[[Any], None]:
    """Answers with `content`; with `pause`, promises more and then says nothing until it is set."""

    def answer(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content) * (2 if pause else 1)))
        handler.end_headers()
        handler.wfile.write(content)
        if pause:
            pause.wait(30)

    return answer


@pytest.fixture(scope="module")
def stream(moving, tmp_path_factory):
    """A transport stream, as a camera would send it."""
    path = tmp_path_factory.mktemp("stream") / "clip.ts"
    write_video(path, moving, 30)
    return path.read_bytes()


def test_reads_over_http(server, stream):
    """What an HTTP server sends is decoded as it arrives, and is live."""
    source = source_of(server(sends(stream)))
    source.open()
    frames = list(iter(source.read, None))
    source.close()
    assert source.live
    assert len(frames) == 60
    assert frames[0].clock == "host"
    assert frames[0].uncertainty_ns > 0
    assert all(a.t_cap_ns < b.t_cap_ns for a, b in pairwise(frames))


@pytest.mark.parametrize("spectrum", list(Spectrum))
def test_reads_motion_jpeg(server, spectrum):
    """The endless JPEGs of simple cameras are read until the camera hangs up, which is an error where the stream is live."""
    jpegs = [cv2.imencode(".jpg", np.full((48, 64, 3), 5 * number, np.uint8))[1].tobytes() for number in range(40)]

    def answer(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=part")
        handler.end_headers()
        for jpeg in jpegs:
            handler.wfile.write(b"--part\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg))

    source = AvSource(AvSettings(spectrum=spectrum, url=f"http://127.0.0.1:{server(answer)}/video"))
    source.open()
    frames: list[Any] = []
    with pytest.raises(SourceError, match="was lost"):
        frames.extend(iter(source.read, None))
    source.close()
    luma = [np.asarray(f.image if spectrum is Spectrum.INFRARED else f.image.y) for f in frames]
    assert [round(image.mean() / 5) for image in luma] == list(range(40))
    assert {frame.range for frame in frames} == {"full"}


def test_a_server_cannot_point_at_local_files(server, stream, tmp_path):
    """Neither a redirection nor a play list makes a camera read a file of this machine."""
    (tmp_path / "local.ts").write_bytes(stream)
    local = f"file://{tmp_path}/local.ts"
    play_list = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{local}\n#EXT-X-ENDLIST\n"

    def redirects(handler: Any) -> None:
        handler.send_response(302)
        handler.send_header("Location", local)
        handler.end_headers()

    for answer, path in ((redirects, "clip.ts"), (sends(play_list.encode()), "list.m3u8")):
        with pytest.raises(SourceError):  # the words differ with the version of FFmpeg
            source_of(server(answer), path=path).open()


@pytest.mark.parametrize(("status", "kind"), [(401, SourceAuthError), (403, SourceAuthError), (404, SourceError), (500, SourceError)])
def test_refusals_are_told_apart(server, caplog, status, kind):
    """A refused password is an error of its own; it shows in no message, cause or log, and neither does a token."""
    caplog.set_level(logging.DEBUG)
    source = source_of(server(lambda handler: handler.send_error(status)), path="cam?token=s3cr3t", user="admin:hunter2@")
    with pytest.raises(SourceError) as caught:
        source.open()
    assert type(caught.value) is kind
    assert f"{status}"[0] in str(caught.value)
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + source.name + repr(source._settings)
    assert "hunter2" not in shown
    assert "s3cr3t" not in shown


def test_nobody_listens():
    """A port without a server is a refused connection."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(SourceError, match="refused"):
        source_of(port).open()


@pytest.mark.parametrize(("scheme", "words"), [("http", "timeout"), ("rtsp", "no answer")])
def test_accepts_and_says_nothing(scheme, words):
    """A server that takes the connection and stays silent is given up after the time allowed."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(SourceError, match=words):
        source_of(silent.getsockname()[1], scheme=scheme).open()


def test_stalls_midway(server, stream):
    """A stream that stops without ending raises after the time allowed; the frames before it came."""
    pause = threading.Event()
    source = source_of(server(sends(stream, pause)), read_timeout_s=0.3)
    source.open()
    frames: list[Frame] = []
    with pytest.raises(SourceError, match="timeout"):
        frames.extend(iter(source.read, None))
    pause.set()
    source.close()
    assert "truncated" not in source.problems
