"""A real browser for tests: Debian's `chromium-driver`, spoken to in W3C WebDriver over loopback."""

import base64
import json
import subprocess
import urllib.request
from typing import Any, Self

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # W3C WebDriver, 11: the name under which an element is referred to
FLAGS = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--window-size=1200,1000")
TIMEOUT_S = 60.0


class Chromium:
    """`with Chromium(driver) as browser:`, `driver` being the path of chromedriver. Errors of the page raise `HTTPError`."""

    def __init__(self, driver: str) -> None:
        self._driver = driver

    def __enter__(self) -> Self:
        self._process = subprocess.Popen([self._driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            self._root = f"http://127.0.0.1:{self._port()}/session"
            options = {"browserName": "chrome", "goog:chromeOptions": {"args": FLAGS}}
            self._root += "/" + self._ask("", {"capabilities": {"alwaysMatch": options}})["sessionId"]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        try:
            self._ask("", method="DELETE")
        finally:
            self._end()

    def open(self, url: str) -> None:
        """Load a page, to its end."""
        self._ask("/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """What the body of a function returns in the page."""
        return self._ask("/execute/sync", {"script": script, "args": arguments})

    def wait_for(self, condition: str) -> None:
        """Until an expression holds in the page; asked at each picture that it draws."""
        script = f"const done = arguments[0]; const look = () => ({condition}) ? done(true) : requestAnimationFrame(look); look();"
        self._ask("/execute/async", {"script": script, "args": []})

    def click(self, x: float, y: float) -> None:
        """The left button at a place of the window, in its pixels."""
        move = {"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y), "origin": "viewport"}
        steps = [move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._ask("/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": steps}]})

    def press(self, selector: str) -> None:
        """Click the middle of an element."""
        element = self._ask("/element", {"using": "css selector", "value": selector})[ELEMENT]
        self._ask(f"/element/{element}/click", {})

    def picture(self) -> bytes:
        """The window as PNG."""
        return base64.b64decode(self._ask("/screenshot", method="GET"))

    def _ask(self, path: str, body: dict[str, Any] | None = None, method: str = "POST") -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._root + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)["value"]

    def _port(self) -> int:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "started successfully on port" in line:
                return int(line.rsplit(" ", 1)[1].rstrip(".\n"))
        raise RuntimeError(f"{self._driver} ended before it listened")

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
