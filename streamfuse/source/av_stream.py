"""Video files, RTSP, HTTP and V4L2 through PyAV."""

import logging
import threading
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from streamfuse.clock import Clock, ClockReport, HostClock
from streamfuse.errors import SourceError
from streamfuse.frames import Frame, Planes, Spectrum
from streamfuse.source.address import parsed
from streamfuse.source.av_settings import AvSettings
from streamfuse.source.clocks import Stamp
from streamfuse.source.depth import check_depth
from streamfuse.source.held_back import HeldBack
from streamfuse.source.identity import identity
from streamfuse.source.live_time import LiveTime
from streamfuse.source.packet import Packet
from streamfuse.source.timestamps import StampRepair
from streamfuse.video.container import Opening, VideoReader
from streamfuse.video.faults import translated
from streamfuse.video.pictures import infrared, visible
from streamfuse.video.prft import wall_ns

log = logging.getLogger(__name__)


class AvSource:
    """A `PacketSource`. Use either `read`, or `demux` and `decode`; the last two may run on one thread each.

    Files: `clock` is `media`, time runs from the recording's creation by the pts since the start of the stream, so that both
    files of a pair start together. Live: the best clock of `source.clocks` that there is.
    """

    def __init__(self, settings: AvSettings, clock: Clock | None = None) -> None:
        self._settings = settings
        self._address = parsed(settings.address(), settings.format, {key: str(value) for key, value in settings.options.items()})
        self._clock = clock or HostClock()
        self._lock = threading.RLock()  # of the next three: a thread that hangs in `open` or `demux` may come back at any time
        self._reader: VideoReader | None = None
        self._demuxed: VideoReader | None = None
        self._opening: object = None
        self._time: StampRepair | LiveTime | None = None
        self._packets: Iterator[Packet] | None = None
        self.spectrum = settings.spectrum
        self.name = self._address.name
        self.live = self._address.live
        self.identity = b""
        self.problems: Counter[str] = Counter()

    @property
    def clock_report(self) -> ClockReport | None:
        """What is known of a live camera's clock; None for recordings, and in the first second."""
        time = self._time
        return time.report if isinstance(time, LiveTime) else None

    def assume_delay(self, delay_ns: int) -> None:
        """Of the camera and the network, until reports tell it."""
        if isinstance(self._time, LiveTime):
            self._time.assume_delay(delay_ns)

    @property
    def facts(self) -> dict[str, Any]:
        """What is open: `codec`, `size` [width, height] and `pixel_format`."""
        return self._opened().facts

    def open(self) -> None:
        """Connect, or open the file; what is wrong with it is said here as far as it shows before the first picture."""
        self.close()
        if not self.live:
            self.identity = identity(Path(self._address.target), self.name)
        ticket = self._opening = object()
        asked_ns = self._clock.now_ns()
        reader = VideoReader(
            Opening(
                url=self._address.target,
                name=self.name,
                format=self._address.format,
                options=self._address.options,
                open_timeout_s=self._settings.open_timeout_s,
                read_timeout_s=self._settings.read_timeout_s,
            )
        )
        with self._lock:
            if self._opening is ticket:
                self._begin(reader, self._clock.now_ns() - asked_ns)
                return
        reader.close()
        raise SourceError(f"{self.name}: opened too late, nobody waits for it any more")

    def abandon(self) -> None:
        """Forget the connection at once, while another thread hangs in `open` or `demux`: that one closes it when it comes back."""
        with self._lock:
            reader, self._reader, self._opening = self._reader, None, None
            if reader is not None and reader is not self._demuxed:
                reader.close()

    def _begin(self, reader: VideoReader, opening_ns: int) -> None:
        self._reader = reader
        if self.live:
            time = LiveTime(
                self._settings.clock,
                container=reader.container,
                time_base=reader.time_base,
                period_ns=reader.period_ns,
                problems=self.problems,
                opening_ns=opening_ns,
            )
            if isinstance(self._time, LiveTime):
                time.go_on_from(self._time)
            self._time = time
        else:
            self._time = StampRepair(reader.time_base, reader.start_pts, reader.period_ns, self.problems)
        self._start_ns = (reader.created_ns or 0) if self._settings.creation_time else 0
        self._joined = False
        self._held = HeldBack()
        self._seq = 0
        self._size: tuple[int, int] | None = None
        self._ready: deque[Frame] = deque()
        self._ended = False

    def read(self) -> Frame | None:
        """The next frame, None at the end."""
        if self._packets is None:
            self._packets = self.demux()
        while not self._ready and not self._ended:
            packet = next(self._packets, None)
            self._ended = packet is None
            self._ready.extend(self.decode(packet))
        return self._ready.popleft() if self._ready else None

    def demux(self) -> Iterator[Packet]:
        """Packets as they arrive. A file that breaks off ends here, counted as `truncated`; a camera raises `SourceError`."""
        with self._lock:
            self._demuxed = reader = self._opened()
        return self._demux(reader)

    def _demux(self, reader: VideoReader) -> Iterator[Packet]:
        count, last_pts, before_ns = 0, 0, None
        try:
            while (raw := self._next_raw(reader)) is not None:
                count += 1
                last_pts = max(last_pts, raw.pts or 0)
                now_ns = self._clock.now_ns()
                begun_ns = now_ns - reader.period_ns if before_ns is None else before_ns  # the one before was whole when this one began
                arrival_ns, before_ns = begun_ns if reader.one_late else now_ns, now_ns
                yield Packet(raw=raw, arrival_ns=arrival_ns, utc_offset_ns=self._clock.utc_ns() - now_ns, wall_ns=wall_ns(raw))
        finally:
            with self._lock:
                self._demuxed = None if self._demuxed is reader else self._demuxed
                orphaned = self._reader is not reader
            if orphaned:
                reader.close()
        missing = 0 if self.live else reader.missing(count, last_pts)
        if missing > 0:
            self.problems["truncated"] += missing
            log.warning("%s: truncated: %d pictures came, about %d are missing", self.name, count, missing)

    def decode(self, packet: Packet | None) -> list[Frame]:
        """Frames that `packet` completes; None flushes. A broken packet is counted and skipped."""
        reader = self._opened()
        if packet is not None and isinstance(self._time, LiveTime):
            self._time.see(packet)
        if packet is not None and not self._joined:
            if not packet.is_keyframe:
                self.problems["before_key"] += 1
                return []
            self._joined = True
        try:
            raws = self._raws(reader, packet)
        except SourceError:
            self.problems["decode"] += 1
            return []
        frames = [self._frame(raw) for raw in raws if not raw.is_corrupt]
        if len(frames) < len(raws):
            self.problems["decode"] += len(raws) - len(frames)
        if packet is None and not self._seq:
            raise SourceError(f"{self.name}: not one picture could be decoded ({dict(self.problems)}); is it a whole video?")
        return frames

    def _raws(self, reader: VideoReader, packet: Packet | None) -> list[Any]:
        """Decoded, by a new decoder where a live camera's holds back more than it needs."""
        raws: list[Any] = []
        if packet is not None and self.live:
            if packet.is_keyframe and self._held.grown:
                raws += reader.renew_decoder()
                self._held.renewed()
                self.problems["decoder_renewed"] += 1
            self._held.fed(packet.pts)
        raws += reader.decode(None if packet is None else packet.raw)
        for raw in raws:
            self._held.came(raw.pts)
        return raws

    def close(self) -> None:
        """Close the file or connection."""
        self._packets = None
        with self._lock:
            reader, self._reader, self._opening = self._reader, None, None
        if reader is not None:
            reader.close()

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

    def _frame(self, raw: Any) -> Frame:
        with translated(self.name):
            picture = infrared(raw) if self.spectrum is Spectrum.INFRARED else visible(raw)
        stamp = self._stamp(raw.pts)
        frame = Frame(
            image=picture.image,
            spectrum=self.spectrum,
            t_cap_ns=stamp.t_cap_ns,
            clock=stamp.clock,
            uncertainty_ns=stamp.uncertainty_ns,
            seq=self._seq,
            epoch=stamp.epoch,
            source=self.name,
            matrix=picture.matrix,
            range=picture.range,
            pts=raw.pts,
            time_base=self._time.time_base if self._time else None,
        )
        self._seq += 1
        self._check(frame)
        return frame

    def _stamp(self, pts: int | None) -> Stamp:
        if isinstance(self._time, LiveTime):
            return self._time.stamp(pts)
        assert self._time is not None, "open first"
        return Stamp(self._start_ns + self._time.next_ns(pts), "media", 0, 0)

    def _check(self, frame: Frame) -> None:
        """Count a change of size; refuse a depth that was not promised."""
        if self._size not in (None, frame.size):
            self.problems["size_change"] += 1
        self._size = frame.size
        if self.spectrum is Spectrum.INFRARED and not isinstance(frame.image, Planes):
            check_depth(frame.image.dtype.itemsize * 8, self._settings.bits, self.name)


__all__ = ["AvSettings", "AvSource"]
