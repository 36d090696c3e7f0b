"""Pictures with a known content, and an RTSP camera on loopback."""

import base64
import itertools
import re
import socketserver
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import pytest

from streamfuse.frames import Planes
from streamfuse.video import H264Encoder, from_rgb

SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    "a=fmtp:96 packetization-mode=1\r\na=control:track1\r\n"
)
TICKS = 3000  # of 90 kHz, at 30 pictures a second


@pytest.fixture(scope="session")
def moving() -> list[Planes]:
    """Sixty small pictures of a texture that slides by."""
    texture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (200, 240, 3), np.uint8), (0, 0), 3)
    return [from_rgb(np.ascontiguousarray(texture[i : i + 120, i : i + 160])) for i in range(60)]


@dataclass
class RtspCamera:
    """Serves access units once per connection, over interleaved TCP, one NAL unit per RTP packet."""

    units: list[bytes]
    credentials: str | None = None
    port: int = 0
    seen: list[str] = field(default_factory=list)


class Session(socketserver.StreamRequestHandler):
    camera: RtspCamera

    def handle(self) -> None:
        while lines := self._request():
            self.camera.seen.append(lines[0])
            head = {key.lower(): value for key, value in (line.split(": ", 1) for line in lines[1:])}
            verb, cseq = lines[0].split()[0], f"CSeq: {head['cseq']}\r\n"
            want = self.camera.credentials and "Basic " + base64.b64encode(self.camera.credentials.encode()).decode()
            if want and head.get("authorization") != want:
                self._send("401 Unauthorized", cseq + 'WWW-Authenticate: Basic realm="camera"\r\n')
            elif verb == "DESCRIBE":
                self._send("200 OK", f"{cseq}Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n", SDP)
            elif verb == "SETUP":
                self._send("200 OK", f"{cseq}Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n")
            else:
                self._send("200 OK", f"{cseq}Session: 1\r\nPublic: DESCRIBE, SETUP, PLAY\r\n")
            if verb == "PLAY":
                self._play()
                return

    def _request(self) -> list[str]:
        """The lines of one request, none at the end of the connection."""
        return [line.decode().strip() for line in itertools.takewhile(bytes.strip, iter(self.rfile.readline, b""))]

    def _send(self, status: str, head: str, body: str = "") -> None:
        self.wfile.write(f"RTSP/1.0 {status}\r\n{head}\r\n{body}".encode())

    def _play(self) -> None:
        number = itertools.count()
        for index, unit in enumerate(self.camera.units):
            nals = [nal for nal in re.split(b"\x00\x00\x00?\x01", unit) if nal]
            for nal in nals:
                marker = 0x80 if nal is nals[-1] else 0
                packet = struct.pack(">BBHII", 0x80, 96 | marker, next(number), index * TICKS, 7) + nal
                self.wfile.write(struct.pack(">cBH", b"$", 0, len(packet)) + packet)


@pytest.fixture
def rtsp_camera(moving: list[Planes]) -> Iterator[Any]:
    """`start(skip, credentials)` serves a clip without its first `skip` pictures."""
    servers: list[socketserver.ThreadingTCPServer] = []

    def start(skip: int = 0, credentials: str | None = None) -> RtspCamera:
        encoder = H264Encoder((120, 160), 30, 10)
        units = [unit for planes in moving for unit, _ in encoder.encode(planes)]
        camera = RtspCamera(units[skip:], credentials)
        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), type("Handler", (Session,), {"camera": camera}))
        camera.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.01,), name="rtsp", daemon=True).start()
        servers.append(server)
        return camera

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
