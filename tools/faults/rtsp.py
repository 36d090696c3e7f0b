"""One connection to one camera: the requests of RTSP 1.0 (RFC 2326)."""

import asyncio
import base64
import hashlib
import re
import secrets
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from tools.faults.camera import Device
from tools.faults.playback import Datagrams, Interleaved, Playback
from tools.faults.rtp import PAYLOAD_TYPE

REALM = "camera"
WRITE_BUFFER = 65_536
READY_S = 10.0  # for the first picture after switching on
WITH_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: close by a reset
PUBLIC = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"
GONE = (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError, struct.error)


@dataclass(frozen=True, slots=True)
class Request:
    """The first line and the headers, their names in lower case."""

    verb: str
    uri: str
    headers: Mapping[str, str]


class Session:
    """Serves one connection until either side ends it."""

    def __init__(self, device: Device, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._device, self._name = device, device.camera.name
        self._reader, self._writer = reader, writer
        self._id, self._nonce = secrets.token_hex(4), secrets.token_hex(8)
        self._wire: Interleaved | Datagrams | None = None
        self._playback: Playback | None = None
        self._playing: asyncio.Task[None] | None = None

    def cut(self) -> None:
        """Reset the connection: whatever is under way is lost."""
        raw = self._writer.get_extra_info("socket")
        if raw is not None and not self._writer.is_closing():
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, WITH_RESET)
        self._writer.transport.abort()

    async def run(self) -> None:
        """Answer requests, and play beside it, until the end."""
        self._device.connections.add(self)
        self._writer.transport.set_write_buffer_limits(WRITE_BUFFER)
        try:
            while (request := await self._request()) is not None and await self._answer(request):
                pass
        except GONE:
            pass  # the viewer is gone, or speaks something else
        finally:
            await self._end()

    async def _end(self) -> None:
        self._device.connections.discard(self)
        if self._playback is not None:
            self._device.viewers.discard(self._playback)
            self._device.tell("left")
        if self._playing is not None:
            self._playing.cancel()
            await asyncio.gather(self._playing, return_exceptions=True)
        if self._wire is not None:
            self._wire.close()
        self._writer.close()

    async def _request(self) -> Request | None:
        """The next request; what a viewer reports of its reception is skipped. None at the end."""
        while (first := await self._reader.read(1)) == b"$":
            _, size = struct.unpack(">BH", await self._reader.readexactly(3))
            await self._reader.readexactly(size)
        if not first:
            return None
        lines = (first + await self._reader.readuntil(b"\r\n\r\n")).decode("latin1").strip().split("\r\n")
        verb, uri, _version = lines[0].split()
        headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines[1:])}
        await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Request(verb, uri, headers)

    async def _answer(self, request: Request) -> bool:
        """Reply; False where the conversation is over."""
        await self._device.speaking.wait()
        if request.verb == "OPTIONS":
            self._reply(request, "200 OK", Public=PUBLIC)
        elif not self._admitted(request):
            if "authorization" in request.headers:  # everyone asks once without, to learn how
                self._device.tell("refused a password")
            self._reply(request, "401 Unauthorized", **{"WWW-Authenticate": self._challenge()})
        elif not re.search(rf"/{re.escape(self._name)}(/track1|/)?$", request.uri):
            self._reply(request, "404 Not Found")
        elif request.verb == "DESCRIBE":
            await asyncio.wait_for(self._device.ready.wait(), READY_S)
            base = {"Content-Type": "application/sdp", "Content-Base": request.uri.rstrip("/") + "/"}
            self._reply(request, "200 OK", self._description(), **base)
        elif request.verb == "SETUP":
            self._set_up(request)
        elif request.verb == "PLAY" and self._wire is not None:
            self._reply(request, "200 OK", Session=self._id, Range="npt=now-")
            self._play(self._wire)
        elif request.verb in ("GET_PARAMETER", "TEARDOWN"):
            self._reply(request, "200 OK", Session=self._id)
        else:
            self._reply(request, "405 Method Not Allowed")
        await self._writer.drain()
        return request.verb != "TEARDOWN"

    def _reply(self, request: Request, status: str, body: str = "", **headers: str) -> None:
        told = {"CSeq": request.headers.get("cseq", "0"), **headers, **({"Content-Length": str(len(body))} if body else {})}
        head = "".join(f"{key}: {value}\r\n" for key, value in told.items())
        self._writer.write(f"RTSP/1.0 {status}\r\n{head}\r\n{body}".encode())

    def _challenge(self) -> str:
        return f'Basic realm="{REALM}"' if self._device.camera.auth == "basic" else f'Digest realm="{REALM}", nonce="{self._nonce}"'

    def _admitted(self, request: Request) -> bool:
        """Whether user and password are right. RFC 2617, digest without `qop`."""
        want = self._device.trouble.password or self._device.camera.password
        if want is None:
            return True
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if self._device.camera.auth == "basic":
            return scheme == "Basic" and given == base64.b64encode(want.encode()).decode()
        fields = dict(re.findall(r'(\w+)="([^"]*)"', given))
        user, _, password = want.partition(":")
        secret, what = _md5(f"{user}:{REALM}:{password}"), _md5(f"{request.verb}:{fields.get('uri', '')}")
        return scheme == "Digest" and fields.get("response") == _md5(f"{secret}:{self._nonce}:{what}")

    def _description(self) -> str:
        camera, origin = self._device.camera, self._device.clock.boot_ns
        return (
            f"v=0\r\no=- {origin} 1 IN IP4 127.0.0.1\r\ns={camera.name}\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=range:npt=now-\r\n"
            f"m=video 0 RTP/AVP {PAYLOAD_TYPE}\r\n{self._device.sdp()}a=framerate:{camera.fps:g}\r\na=control:track1\r\n"
        )

    def _set_up(self, request: Request) -> None:
        transport = request.headers.get("transport", "")
        if self._wire is not None:
            self._wire.close()
        if over_tcp := re.search(r"interleaved=(\d+)-(\d+)", transport):
            self._wire = Interleaved(self._writer, (int(over_tcp[1]), int(over_tcp[2])))
            told = f"RTP/AVP/TCP;unicast;{over_tcp[0]}"
        elif over_udp := re.search(r"client_port=(\d+)-(\d+)", transport):
            host = self._writer.get_extra_info("peername")[0]
            self._wire = wire = Datagrams(host, (int(over_udp[1]), int(over_udp[2])))
            told = f"RTP/AVP;unicast;{over_udp[0]};server_port={'-'.join(map(str, wire.ports))}"
        else:
            self._reply(request, "461 Unsupported Transport")
            return
        self._reply(request, "200 OK", Session=f"{self._id};timeout=60", Transport=told)

    def _play(self, wire: Interleaved | Datagrams) -> None:
        if self._playback is not None:
            return
        self._playback = Playback(self._device, wire)
        self._device.viewers.add(self._playback)
        if not self._device.trouble.torn:
            self._device.want_key()
        self._device.tell("watched")
        self._playing = asyncio.create_task(self._playback.run())


def _md5(text: str) -> str:
    """What digest authentication of that age uses."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
