"""Pictures on their way to one viewer: paced, reported on, and troubled as the device says."""

import asyncio
import secrets
import socket
import struct
import time
from typing import Protocol

import numpy as np

from streamfuse.clock import NS_PER_MS, NS_PER_S
from tools.faults.camera import Device, Unit
from tools.faults.rtp import RtpSender

BACKLOG_S = 3.0  # a camera holds no more than this for a slow viewer; then it goes on at the next key frame
SPOILT_BYTES = 4
RTP_HEADER = 12


class Wire(Protocol):
    """Where packets leave."""

    def send(self, packet: bytes, *, report: bool) -> None:
        """RTP, or RTCP where it is a report."""
        ...

    async def drain(self) -> None:
        """Wait until there is room for more."""
        ...


class Interleaved:
    """Over the RTSP connection itself. RFC 2326, 10.12."""

    def __init__(self, writer: asyncio.StreamWriter, channels: tuple[int, int]) -> None:
        self._writer, self._channels = writer, channels

    def send(self, packet: bytes, *, report: bool) -> None:
        """As `Wire`."""
        self._writer.write(struct.pack(">cBH", b"$", self._channels[report], len(packet)) + packet)

    async def drain(self) -> None:
        """As `Wire`."""
        await self._writer.drain()

    def close(self) -> None:
        """Nothing of its own."""


class Datagrams:
    """Over UDP, from a pair of ports to a pair of ports."""

    def __init__(self, host: str, ports: tuple[int, int]) -> None:
        self._targets = [(host, port) for port in ports]
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in ports]
        for each in self._sockets:
            each.bind(("127.0.0.1", 0))
            each.setblocking(False)

    @property
    def ports(self) -> list[int]:
        """Of this side."""
        return [each.getsockname()[1] for each in self._sockets]

    def send(self, packet: bytes, *, report: bool) -> None:
        """As `Wire`; what finds no room or no reader is lost, as UDP is."""
        try:
            self._sockets[report].sendto(packet, self._targets[report])
        except (BlockingIOError, ConnectionError):
            return

    async def drain(self) -> None:
        """As `Wire`: there is always room."""

    def close(self) -> None:
        """Close both."""
        for each in self._sockets:
            each.close()


class Playback:
    """A `Viewer`: queues pictures of a device and sends them."""

    def __init__(self, device: Device, wire: Wire) -> None:
        self._device, self._wire = device, wire
        self._queue: asyncio.Queue[Unit] = asyncio.Queue(max(4, round(BACKLOG_S * device.camera.fps)))
        self._waits_for_key = not device.trouble.torn
        self._dice = np.random.default_rng()
        self._rtp = RtpSender(secrets.randbits(32), secrets.randbits(16))
        self._link_free_s = 0.0
        self._report_due_s = time.monotonic() + device.camera.first_report_s

    def offer(self, unit: Unit) -> None:
        """Queue a picture. When it has to be left out, so are those after it up to a key frame."""
        if self._waits_for_key and not unit.key:
            return
        device = self._device
        self._waits_for_key = device.trouble.silent or not device.speaking.is_set() or self._queue.full()
        if not self._waits_for_key:
            self._queue.put_nowait(unit)

    async def run(self) -> None:
        """Send for ever."""
        camera = self._device.camera
        while True:
            unit = await self._queue.get()
            delay_ms = camera.delay_ms + abs(float(self._dice.standard_normal())) * camera.delay_jitter_ms
            await asyncio.sleep((unit.true_ns + delay_ms * NS_PER_MS - time.time_ns()) / NS_PER_S)
            await self._device.flowing.wait()
            self._report_when_due()
            await self._send(unit)

    async def _send(self, unit: Unit) -> None:
        trouble = self._device.trouble
        for packet in self._rtp.packets(unit.nals, unit.codec, unit.rtp):
            if trouble.kbit_s:
                now_s = time.monotonic()
                self._link_free_s = max(now_s, self._link_free_s) + len(packet) * 8 / (trouble.kbit_s * 1e3)
                await asyncio.sleep(self._link_free_s - now_s)
            if trouble.loss and self._dice.random() < trouble.loss:
                continue
            spoilt = trouble.corrupt and self._dice.random() < trouble.corrupt
            self._wire.send(self._spoilt(packet) if spoilt else packet, report=False)
        await self._wire.drain()

    def _report_when_due(self) -> None:
        camera = self._device.camera
        if camera.report_every_s and time.monotonic() >= self._report_due_s:
            self._report_due_s = time.monotonic() + camera.report_every_s
            clock, now_ns = self._device.clock, time.time_ns()
            self._wire.send(self._rtp.report(clock.wall_ns(now_ns), clock.rtp(now_ns), camera.name), report=True)

    def _spoilt(self, packet: bytes) -> bytes:
        """Some bytes of the payload replaced by chance."""
        spoilt = bytearray(packet)
        for at in self._dice.integers(RTP_HEADER, len(packet), SPOILT_BYTES):
            spoilt[at] = int(self._dice.integers(256))
        return bytes(spoilt)
