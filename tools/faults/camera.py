"""A camera: what it is (`Camera`), and its life on the network's other side (`Device`): exposing, coding, its clock, its troubles."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from streamfuse.clock import NS_PER_S
from streamfuse.flow.heap import give_back_freed
from streamfuse.frames import Planes, Spectrum
from tools.faults.clocks import CameraClock, Exposures
from tools.faults.encoding import Encoder
from tools.faults.pictures import Pictures, pictures, write_number
from tools.faults.rtp import Codec

LATE = "this machine was late by"
"""How an event begins that says: the rig itself could not keep up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """What is set about one camera. All times are of the host's UTC, which is the truth of the rig."""

    name: str
    """Its path: rtsp://127.0.0.1:PORT/NAME."""
    spectrum: Spectrum = Spectrum.VISIBLE
    pictures: str = "pattern"
    """`pattern`, `scene` or the path of a recording. Cameras with the same seed and size see the same world."""
    size: tuple[int, int] = (320, 256)
    """Width and height."""
    fps: float = 15.0
    offset_s: float = 0.0
    """Its wall clock is fast by so much when it starts."""
    drift_ppm: float = 0.0
    """Its crystal is fast by so much: exposures, RTP time and wall clock alike."""
    jitter_ms: float = 0.0
    """Standard deviation of the error of an RTP stamp."""
    phase_ms: float = 0.0
    """Its pictures are taken so long after those of a camera with 0."""
    delay_ms: float = 0.0
    """From exposure to the network, at least."""
    delay_jitter_ms: float = 0.0
    """On top: the size of a normal deviate, so never early."""
    first_report_s: float = 0.5
    """From the first picture of a viewer to its first sender report."""
    report_every_s: float = 5.0
    """Between two sender reports; 0: none ever, as behind many restreamers."""
    codec: Codec = "h264"
    gop_s: float = 1.0
    password: str | None = None
    """`user:password` that it asks for."""
    auth: str = "digest"
    """`digest` or `basic`."""
    numbered: bool = True
    """Write the number of each picture into its corner."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Unit:
    """One coded picture."""

    number: int
    true_ns: int
    """When it was exposed."""
    rtp: int
    """Its stamp."""
    nals: list[bytes]
    key: bool
    codec: Codec


@dataclass(slots=True)
class Trouble:
    """What is wrong with a camera at the moment. The plain values mean: nothing."""

    off: bool = False
    """Connections are refused."""
    silent: bool = False
    """Viewers get nothing; what was taken meanwhile is lost."""
    loss: float = 0.0
    """Share of RTP packets that vanish."""
    corrupt: float = 0.0
    """Share of RTP packets with a few bytes changed."""
    kbit_s: float = 0.0
    """Of the link to each viewer; 0: no limit."""
    frozen: bool = False
    """The same picture again and again."""
    torn: bool = False
    """Viewers join in the middle of a group of pictures."""
    password: str | None = None
    """Asked for instead of the right one."""


class Viewer(Protocol):
    """Who watches a device."""

    def offer(self, unit: Unit) -> None:
        """Take a picture; never waits."""
        ...


class Connection(Protocol):
    """Who is connected to a device."""

    def cut(self) -> None:
        """Reset the connection."""
        ...


@dataclass(slots=True, eq=False)
class Device:
    """A running camera. Everything but `expose` happens on the thread of its server."""

    camera: Camera
    exposures: Exposures
    tell: Callable[[str], None]
    """Is told what happens to this camera."""
    clock: CameraClock = field(init=False)
    trouble: Trouble = field(default_factory=Trouble)
    speaking: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear: connections are accepted, then not a word; requests are answered when it is set again."""
    flowing: asyncio.Event = field(default_factory=asyncio.Event)
    """Clear: viewers get nothing now, and all of it afterwards."""
    viewers: set[Viewer] = field(default_factory=set)
    connections: set[Connection] = field(default_factory=set)
    size: tuple[int, int] = field(init=False)
    codec: Codec = field(init=False)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """A key frame was coded, so that the format can be told."""
    _encoder: Encoder | None = None
    _views: dict[tuple[int, int], Pictures] = field(default_factory=dict)
    _last: Planes | None = None
    _key_wanted: bool = True

    def __post_init__(self) -> None:
        self.size, self.codec = self.camera.size, self.camera.codec
        self.speaking.set()
        self.flowing.set()
        self.boot(self.camera.offset_s)

    # --- truth

    def exposed_ns(self, number: int) -> int:
        """The true instant of the picture with that number, UTC."""
        return self.exposures.at_ns(number)

    # --- life

    def boot(self, offset_s: float) -> None:
        """Switch on: both of its clocks start anew."""
        self.clock = CameraClock(boot_ns=time.time_ns(), offset_s=offset_s, drift_ppm=self.camera.drift_ppm, rtp_base=secrets.randbits(32))

    def reform(self, size: tuple[int, int], codec: Codec) -> None:
        """Send another size or codec from the next picture on."""
        self.size, self.codec = size, codec
        self.ready.clear()

    def want_key(self) -> None:
        """The next picture is to be a key frame."""
        self._key_wanted = True

    def cut(self) -> None:
        """Reset all connections."""
        for connection in list(self.connections):
            connection.cut()

    def sdp(self) -> str:
        """The format, once `ready`."""
        assert self._encoder is not None
        return self._encoder.sdp()

    async def run(self) -> None:
        """Take pictures for ever, each at its instant. Where this machine is too busy for that, some are not taken, and it says so."""
        await asyncio.to_thread(self._view)
        number = self.exposures.next_after(time.time_ns())
        while True:
            possible = self.exposures.next_after(time.time_ns() - int(self.exposures.period_ns))
            if possible > number:
                self.tell(f"{LATE} {possible - number} pictures")
                number = possible
            await asyncio.sleep((self.exposed_ns(number) - time.time_ns()) / NS_PER_S)
            key, self._key_wanted = self._key_wanted, False
            unit = await asyncio.to_thread(self.expose, number, key=key)
            if self._encoder is not None and self._encoder.codec == self.codec:
                self.ready.set()
            for viewer in list(self.viewers):
                viewer.offer(unit)
            number += 1

    def expose(self, number: int, *, key: bool) -> Unit:
        """Take and code picture `number`."""
        true_ns, size, codec = self.exposed_ns(number), self.size, self.codec
        if self._encoder is None or (self._encoder.size, self._encoder.codec) != (size, codec):
            gop = max(1, round(self.camera.gop_s * self.camera.fps))
            self._encoder, self._last = Encoder(codec, size, self.camera.fps, gop), None
            give_back_freed()  # of the encoder before
        if self._last is None or not self.trouble.frozen:
            self._last = self._view().at((true_ns - self.exposures.world_ns) / NS_PER_S)
            if self.camera.numbered:
                luma = self._last.y.copy()
                write_number(luma, number)
                self._last = replace(self._last, y=luma)
        nals, is_key = self._encoder.encode(self._last, key=key)
        stamp = self.clock.rtp(true_ns, self.exposures.stamp_error_ns(number))
        return Unit(number, true_ns, stamp, nals, is_key, codec)

    def _view(self) -> Pictures:
        if self.size not in self._views:
            self._views[self.size] = pictures(self.camera.pictures, self.camera.spectrum, self.size, self.camera.seed)
        return self._views[self.size]
