"""A small local page on which someone clicks the same things in both pictures. Loopback only, one visitor, ends with `Done`."""

import json
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.resources import files
from typing import Any, Self

import cv2
import numpy as np

from streamfuse.align.orientation import Picture
from streamfuse.align.pictures import even
from streamfuse.align.points import Points
from streamfuse.errors import RigError

LARGEST_BODY = 1 << 20
POLL_S = 0.2
HOST = "127.0.0.1"


class ClickServer:
    """`with ClickServer(infrared, visible) as server: points = server.wait()`; `url` carries a secret, so that no other page can post."""

    def __init__(self, infrared: Picture, visible: Picture, port: int = 0) -> None:
        self._pictures = {"infrared.png": _png(infrared), "visible.png": _png(visible)}
        self._secret = secrets.token_urlsafe(16)
        self.points_N4: Points | None = None
        try:
            self._server = HTTPServer((HOST, port), self._handler())
        except OSError as exc:
            raise RigError(f"port {port} of this machine is taken; name another with --port, or 0 for any") from exc
        self._server.timeout = POLL_S

    @property
    def url(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self._server.server_address[1]}/{self._secret}/"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.server_close()

    def wait(self) -> Points:
        """Serve until the points were sent: (N, 4) infrared x, y, visible x, y."""
        while self.points_N4 is None:
            self._server.handle_request()
        return self.points_N4

    def answer(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        """Status, content type and body of a GET."""
        name = path.removeprefix(f"/{self._secret}/")
        if name == path:
            return HTTPStatus.NOT_FOUND, "text/plain", b"open the address that the command printed"
        if name in self._pictures:
            return HTTPStatus.OK, "image/png", self._pictures[name]
        if name:
            return HTTPStatus.NOT_FOUND, "text/plain", b"not here"
        return HTTPStatus.OK, "text/html; charset=utf-8", files("streamfuse.align").joinpath("click.html").read_bytes()

    def take(self, path: str, body: bytes) -> tuple[HTTPStatus, str, bytes]:
        """The same of a POST: the points as a JSON list of [x, y, x, y]."""
        if path != f"/{self._secret}/points":
            return HTTPStatus.NOT_FOUND, "text/plain", b"not here"
        try:
            points_N4 = np.array(json.loads(body), np.float64)
        except (ValueError, TypeError):
            return HTTPStatus.BAD_REQUEST, "text/plain", b"want a JSON list of [x, y, x, y]"
        if points_N4.ndim != 2 or points_N4.shape[1] != 4 or len(points_N4) < 3 or not np.isfinite(points_N4).all():
            return HTTPStatus.BAD_REQUEST, "text/plain", b"want three points or more, four numbers each"
        self.points_N4 = points_N4
        return HTTPStatus.OK, "text/plain", b"thank you; the command goes on in its terminal"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5.0  # a visitor that says nothing must not hold the page

            def do_GET(self) -> None:
                self._send(*server.answer(self.path))

            def do_POST(self) -> None:
                length = self.headers.get("Content-Length", "")
                if not length.isdigit() or int(length) > LARGEST_BODY:
                    self._send(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "text/plain", b"too large")
                    return
                self._send(*server.take(self.path, self.rfile.read(int(length))))

            def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
                self.send_response(status)
                for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                """The terminal belongs to the command."""

        return Handler


def _png(picture: Picture) -> bytes:
    return bytes(cv2.imencode(".png", even(picture))[1])
