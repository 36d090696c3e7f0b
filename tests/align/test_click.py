"""The page for clicking, asked over loopback."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from streamfuse.align.click import ClickServer
from streamfuse.errors import RigError

POINTS = [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 1.0, 2.0, 3.0]]


@pytest.fixture
def serving() -> Iterator[tuple[ClickServer, threading.Thread]]:
    picture = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64)
    with ClickServer(picture, picture) as server:
        thread = threading.Thread(target=server.wait, name="streamfuse-test-click")
        thread.start()
        yield server, thread
        server.take(server.url[server.url.index("/", 8) :] + "points", json.dumps(POINTS).encode())
        thread.join(10)
        assert not thread.is_alive()


def ask(url: str, body: bytes | None = None) -> tuple[int, str, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read()


def test_shows_page_and_pictures(serving):
    """The page names both pictures, and they are there."""
    server, _ = serving
    status, kind, body = ask(server.url)
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert b"Mark the same things" in body
    for name in ("infrared.png", "visible.png"):
        assert ask(server.url + name)[2].startswith(b"\x89PNG")


def test_points_end_the_waiting(serving):
    """What was posted is what `wait` returns."""
    server, thread = serving
    assert ask(server.url + "points", json.dumps(POINTS).encode())[0] == 200
    thread.join(10)
    assert not thread.is_alive()
    assert server.points_N4 is not None
    assert server.points_N4.tolist() == POINTS


@pytest.mark.parametrize("body", [b"", b"{}", b"[[1, 2]]", b"[[1, 2, 3, 4]]", b'[["a", 2, 3, 4]]', b"[[NaN, 1, 2, 3]]"])
def test_nonsense_is_refused(serving, body):
    """And the page goes on waiting."""
    server, thread = serving
    assert ask(server.url + "points", body)[0] == 400
    assert thread.is_alive()


def test_nobody_else_can_post(serving):
    """Without the secret of the address there is no page and no posting: another site in the browser cannot know it."""
    server, _ = serving
    root = server.url.rsplit("/", 2)[0]
    assert ask(root + "/")[0] == 404
    assert ask(root + "/points", json.dumps(POINTS).encode())[0] == 404
    assert server.points_N4 is None


def test_a_body_too_large_is_not_read(serving):
    """A megabyte is more than anyone clicks."""
    server, _ = serving
    try:
        status = ask(server.url + "points", b" " * (1 << 21))[0]
    except (ConnectionError, urllib.error.URLError):  # closed while we were still sending
        return
    assert status == 413


def test_listens_on_loopback_only():
    """Nobody else on the network sees the cameras' pictures; a port that is taken is told."""
    picture: Any = np.zeros((8, 8), np.uint8)
    with ClickServer(picture, picture) as server:
        assert server.url.startswith("http://127.0.0.1:")
        with pytest.raises(RigError, match="taken"):
            ClickServer(picture, picture, int(server.url.split(":")[2].split("/")[0]))
