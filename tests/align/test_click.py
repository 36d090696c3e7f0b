"""The page for clicking, asked over loopback, and in a real browser where there is one."""

import json
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from streamfuse.align.click import ClickServer
from streamfuse.errors import RigError
from tests.align.chromium import Chromium

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


@pytest.fixture
def browser() -> Iterator[Chromium]:
    driver = shutil.which("chromedriver")
    if driver is None:
        pytest.skip("no browser to drive; `apt-get install chromium-driver` brings one")
    with Chromium(driver) as chromium:
        yield chromium


def shown(browser: Chromium, script: str) -> Any:
    return browser.run(f"return {script}")


def click_pixel(browser: Chromium, name: str, x: float, y: float) -> None:
    """Where a pixel of one of the two pictures is on the screen."""
    left, top, across, down = browser.run(
        "const c = document.getElementById(arguments[0]), r = c.getBoundingClientRect();"
        "return [r.left, r.top, r.width / c.width, r.height / c.height]",
        name,
    )
    browser.click(left + (x + 0.5) * across, top + (y + 0.5) * down)


def test_points_are_clicked_in_a_browser(serving, browser):
    """Clicks arrive as pixels of the pictures to within one on the screen; one in the wrong picture or taken back counts for nothing."""
    server, thread = serving
    browser.open(server.url)
    browser.wait_for("pictures.filter(Boolean).length === 2")
    assert shown(browser, "document.getElementById('done').disabled")
    wanted = [[8.0, 6.0, 9.0, 7.0], [50.0, 5.0, 52.0, 6.0], [30.0, 40.0, 33.0, 41.0]]
    click_pixel(browser, "visible", 3, 3)
    assert shown(browser, "document.getElementById('said').textContent") == "the infrared picture is next"
    click_pixel(browser, "infrared", 60, 44)
    assert "without its partner" in shown(browser, "document.getElementById('count').textContent")
    browser.press("#undo")
    for x, y, u, v in wanted:
        click_pixel(browser, "infrared", x, y)
        click_pixel(browser, "visible", u, v)
    assert shown(browser, "document.getElementById('count').textContent") == "3 pairs"
    assert browser.picture().startswith(b"\x89PNG")
    browser.press("#done")
    browser.wait_for("sent")
    thread.join(10)
    assert server.points_N4 is not None
    on_screen = shown(browser, "document.getElementById('visible').getBoundingClientRect().width / 64")
    assert np.abs(server.points_N4 - wanted).max() <= 1 / on_screen
    click_pixel(browser, "infrared", 20, 20)
    assert shown(browser, "marks[0].length") == 3
