"""Video files, RTSP, HTTP and V4L2 through PyAV."""

import logging
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from os import SEEK_END
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, field_serializer, field_validator

from streamfuse.clock import Clock, HostClock
from streamfuse.errors import ConfigError, SourceError, UnsupportedInputError
from streamfuse.frames import Frame, Planes, Spectrum
from streamfuse.redaction import redacted
from streamfuse.registry import Settings
from streamfuse.source.address import parsed, unknown_option
from streamfuse.source.depth import Bits, check_depth
from streamfuse.source.timestamps import StampRepair
from streamfuse.video.container import Opening, VideoReader
from streamfuse.video.faults import translated
from streamfuse.video.pictures import infrared, visible

log = logging.getLogger(__name__)

IDENTITY_BYTES = 65536  # from each end of a file: its index lies at one of them


class AvSettings(Settings):
    """A video file or camera. Exactly one of `url` and `url_file` is given."""

    model_config = ConfigDict(hide_input_in_errors=True)  # the input holds the password

    spectrum: Spectrum
    url: str | None = Field(None, repr=False)
    """A path, a device such as /dev/video0, or an URL: file, http(s), rtsp(s), rtmp(s), rtp, udp."""
    url_file: Path | None = None
    """A file that holds the URL, for secrets."""
    format: str | None = None
    """Container or device format, where it cannot be told from the data; `v4l2` is set for devices."""
    options: dict[str, str | int | float] = Field(default_factory=dict)
    """Options for libav, from the allow-list in the documentation."""
    open_timeout_s: float = Field(10.0, gt=0, le=600)
    read_timeout_s: float = Field(5.0, gt=0, le=600)
    bits: Bits = "auto"
    """Infrared: what the stream must have, 16 standing for anything above 8. `auto` takes what comes."""
    creation_time: bool = True
    """Files: start at the time of recording that the file states. Otherwise, and where it states none, at 1970."""

    @field_serializer("url", when_used="json")
    def _no_credentials_in_dumps(self, url: str | None) -> str | None:
        return None if url is None else redacted(url)

    @field_validator("options")
    @classmethod
    def _options_are_allowed(cls, options: dict[str, str | int | float]) -> dict[str, str | int | float]:
        if complaint := unknown_option(options):
            raise ValueError(complaint)
        return options


@dataclass(frozen=True, slots=True)
class Packet:
    """A compressed picture and the instant at which it arrived."""

    raw: Any
    arrival_ns: int
    """UTC."""

    @property
    def size(self) -> int:
        """Bytes."""
        return int(self.raw.size)

    @property
    def is_keyframe(self) -> bool:
        """Whether decoding may start here."""
        return bool(self.raw.is_keyframe)

    @property
    def pts(self) -> int | None:
        """Presentation stamp, in units of `time_base`."""
        stamp: int | None = self.raw.pts
        return stamp

    @property
    def time_base(self) -> Fraction:
        """Seconds per unit of `pts`."""
        return Fraction(self.raw.time_base)


class AvSource:
    """A `PacketSource`. Use either `read`, or `demux` and `decode`; the last two may run on one thread each.

    Files: `clock` is `media`, time runs from the recording's creation by the pts since the start of the stream, so that both
    files of a pair start together. Live: `clock` is `host`, the instant at which the packet that completed the picture arrived.
    """

    def __init__(self, settings: AvSettings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._address = parsed(_url(settings), settings.format, {key: str(value) for key, value in settings.options.items()})
        self._clock = clock or HostClock()
        self._reader: VideoReader | None = None
        self.spectrum = settings.spectrum
        self.name = self._address.name
        self.live = self._address.live
        self.identity = b""
        self.problems: Counter[str] = Counter()

    def open(self) -> None:
        """Connect, or open the file; what is wrong with it is said here as far as it shows before the first picture."""
        self.close()
        if not self.live:
            self.identity = _identity(Path(self._address.target), self.name)
        self._reader = reader = VideoReader(
            Opening(
                url=self._address.target,
                name=self.name,
                format=self._address.format,
                options=self._address.options,
                open_timeout_s=self._settings.open_timeout_s,
                read_timeout_s=self._settings.read_timeout_s,
            )
        )
        self._stamps = StampRepair(reader.time_base, reader.start_pts, reader.period_ns, self.problems)
        self._start_ns = (reader.created_ns or 0) if self._settings.creation_time else 0
        self._joined = False
        self._seq = 0
        self._size: tuple[int, int] | None = None
        self._last_ns = 0
        self._packets: Iterator[Packet] = self.demux()
        self._ready: deque[Frame] = deque()
        self._ended = False

    def read(self) -> Frame | None:
        """The next frame, None at the end."""
        while not self._ready and not self._ended:
            packet = next(self._packets, None)
            self._ended = packet is None
            self._ready.extend(self.decode(packet))
        return self._ready.popleft() if self._ready else None

    def demux(self) -> Iterator[Packet]:
        """Packets as they arrive. A file that breaks off ends here, counted as `truncated`; a camera raises `SourceError`."""
        reader, count, last_pts = self._opened(), 0, 0
        while (raw := self._next_raw(reader)) is not None:
            count += 1
            last_pts = max(last_pts, raw.pts or 0)
            yield Packet(raw, self._clock.utc_ns())
        missing = 0 if self.live else reader.missing(count, last_pts)
        if missing > 0:
            self.problems["truncated"] += missing
            log.warning("%s: truncated: %d pictures came, about %d are missing", self.name, count, missing)

    def decode(self, packet: Packet | None) -> list[Frame]:
        """Frames that `packet` completes; None flushes. A broken packet is counted and skipped."""
        reader = self._opened()
        if packet is not None and not self._joined:
            if not packet.is_keyframe:
                self.problems["before_key"] += 1
                return []
            self._joined = True
        try:
            raws = reader.decode(None if packet is None else packet.raw)
        except SourceError:
            self.problems["decode"] += 1
            return []
        arrival_ns = self._last_ns if packet is None else packet.arrival_ns
        frames = [self._frame(raw, arrival_ns) for raw in raws if not raw.is_corrupt]
        if len(frames) < len(raws):
            self.problems["decode"] += len(raws) - len(frames)
        if packet is None and not self._seq:
            raise SourceError(f"{self.name}: not one picture could be decoded ({dict(self.problems)}); is it a whole video?")
        return frames

    def close(self) -> None:
        """Close the file or connection."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _opened(self) -> VideoReader:
        if self._reader is None:
            raise SourceError(f"{self.name} is not open; call open() first")
        return self._reader

    def _next_raw(self, reader: VideoReader) -> Any:
        try:
            return reader.packet()
        except SourceError:
            if self.live:
                raise
            self.problems["truncated"] += 1
            log.warning("%s: truncated: the data break off", self.name)
            return None

    def _frame(self, raw: Any, arrival_ns: int) -> Frame:
        with translated(self.name):
            picture = infrared(raw) if self.spectrum is Spectrum.INFRARED else visible(raw)
        media_ns = self._start_ns + self._stamps.next_ns(raw.pts)
        self._last_ns = max(arrival_ns, self._last_ns + 1) if self.live else media_ns
        frame = Frame(
            image=picture.image,
            spectrum=self.spectrum,
            t_cap_ns=self._last_ns,
            clock="host" if self.live else "media",
            uncertainty_ns=self._stamps.period_ns if self.live else 0,
            seq=self._seq,
            source=self.name,
            matrix=picture.matrix,
            range=picture.range,
            pts=raw.pts,
            time_base=self._stamps.time_base,
        )
        self._seq += 1
        self._check(frame)
        return frame

    def _check(self, frame: Frame) -> None:
        """Count a change of size; refuse a depth that was not promised."""
        if self._size not in (None, frame.size):
            self.problems["size_change"] += 1
        self._size = frame.size
        if self.spectrum is Spectrum.INFRARED and not isinstance(frame.image, Planes):
            check_depth(frame.image.dtype.itemsize * 8, self._settings.bits, self.name)


def _url(settings: AvSettings) -> str:
    if (settings.url is None) == (settings.url_file is None):
        raise ConfigError(f"source av, {settings.spectrum}: give exactly one of url and url_file")
    if settings.url_file is None:
        return settings.url or ""
    try:
        url = settings.url_file.read_text().strip()
    except OSError as exc:
        raise ConfigError(f"url_file {settings.url_file}: {exc.strerror}") from exc
    if not url:
        raise ConfigError(f"url_file {settings.url_file} is empty; it holds one line, the URL")
    return url


def _identity(path: Path, name: str) -> bytes:
    """The same for the same recording, wherever it lies: 16 bytes over its size, its first and its last 64 KiB."""
    if path.is_dir():
        raise UnsupportedInputError(f"{name}: is a folder; name a file in it, or use the source 'images'")
    try:
        with path.open("rb") as file:
            size = file.seek(0, SEEK_END)
            file.seek(0)
            head = file.read(IDENTITY_BYTES)
            file.seek(max(0, size - IDENTITY_BYTES))
            tail = file.read(IDENTITY_BYTES)
    except OSError as exc:
        raise SourceError(f"{name}: {exc.strerror}; check the path and its permissions") from exc
    if not size:
        raise UnsupportedInputError(f"{name}: the file is empty (0 bytes); copy or record it again")
    return blake2b(size.to_bytes(8) + head + tail, digest_size=16).digest()
