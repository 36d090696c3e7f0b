"""An open file or camera: packets of its video stream, decoded where the caller wants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any, Final, cast

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streamfuse.clock import NS_PER_S
from streamfuse.errors import SourceError, UnsupportedInputError
from streamfuse.video.faults import translated

DECODE_THREADS = 2  # 720p H.264 on 2 cores: 1229 fps with 1, 1763 with 2 slice threads; 1288 with 2 frame threads
TOLERATED_NS: Final = NS_PER_S  # the last picture of a variable rate may stand for a while
USUAL_RATE: Final = Fraction(25)  # where a stream names none
PARSED, PARSED_CODECS = ("mpegts", "rtp", "rtsp"), ("h264", "hevc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What to open, and how long to wait for it."""

    url: str = field(repr=False)
    """With credentials; goes to libav and nowhere else."""
    name: str
    """The same for people."""
    format: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    """Already checked: everything in here reaches libav."""
    open_timeout_s: float = 10.0
    read_timeout_s: float = 5.0


class VideoReader:
    """The video stream of one container. `packet` and `decode` may be called by two threads, one each."""

    def __init__(self, opening: Opening) -> None:
        """Open it; `SourceError` says why not."""
        self._name = opening.name
        with translated(self._name):
            self._container: InputContainer = av.open(
                opening.url,
                format=opening.format,
                options=dict(opening.options),
                metadata_errors="replace",  # titles in odd encodings are no reason to refuse a video
                timeout=(opening.open_timeout_s, opening.read_timeout_s),
            )
        try:
            self._stream = self._video_stream()
            self._decoder = self._prepared_decoder()
        except UnsupportedInputError:
            self.close()
            raise
        self._packets = self._container.demux(self._stream)

    @property
    def time_base(self) -> Fraction:
        """Seconds per unit of pts."""
        return Fraction(self._stream.time_base or 1)

    @property
    def container(self) -> str:
        """FFmpeg's names of the container or protocol, with commas."""
        return self._container.format.name

    @property
    def one_late(self) -> bool:
        """Whether a packet is complete only when the next one begins to arrive: so FFmpeg cuts a bare stream into pictures."""
        return self._decoder.name in PARSED_CODECS and any(name in PARSED for name in self.container.split(","))

    @property
    def facts(self) -> dict[str, Any]:
        """`codec`, `size` [width, height], `pixel_format`, for people and programs."""
        codec = self._decoder
        return {"codec": codec.name, "size": [codec.width, codec.height], "pixel_format": codec.pix_fmt}

    @property
    def start_pts(self) -> int | None:
        """The pts at which the stream says it starts."""
        return self._stream.start_time

    @property
    def period_ns(self) -> int:
        """Time between two pictures by what the container says; nominal."""
        rate = self._stream.average_rate or self._stream.guessed_rate or USUAL_RATE
        return round(NS_PER_S / Fraction(rate))

    @property
    def created_ns(self) -> int | None:
        """When the recording was made, UTC, if the container says so."""
        return _utc_ns(self._container.metadata.get("creation_time") or self._stream.metadata.get("creation_time"))

    def packet(self) -> "av.Packet[Any] | None":
        """The next packet with data in it, None at the end; `SourceError` if it broke, or took longer than the time allowed."""
        with translated(self._name):
            return next((packet for packet in self._packets if packet.size), None)

    def decode(self, packet: "av.Packet[Any] | None") -> list[VideoFrame]:
        """Pictures that `packet` completes; None flushes. `SourceError`: nothing can be made of it, the next one may be good."""
        with translated(self._name):
            return self._decoder.decode(packet)

    def renew_decoder(self) -> list[VideoFrame]:
        """Begin anew with a decoder that knows nothing of the past, at a key frame. What the old one still holds comes out."""
        try:
            left = self.decode(None)
        except SourceError:
            left = []
        decoder = cast("VideoCodecContext", av.CodecContext.create(self._decoder.codec.name, "r"))
        decoder.extradata = self._decoder.extradata
        self._decoder = _threaded(decoder)
        return left

    def missing(self, count: int, last_pts: int) -> int:
        """About how many pictures fewer than promised came; `count` packets did, up to `last_pts`. 0 where nothing was promised."""
        if self._stream.frames:
            return max(0, self._stream.frames - count)
        if len(self._container.streams) > 1 or not self._container.duration:
            return 0  # the length of a container is that of its longest stream, which need not be the video
        came_ns = round((last_pts - (self.start_pts or 0)) * self.time_base * NS_PER_S)
        short_ns = self._container.duration * NS_PER_S // av.time_base - came_ns
        return short_ns // self.period_ns if short_ns > TOLERATED_NS else 0

    def close(self) -> None:
        """Free all of it."""
        self._container.close()

    def _video_stream(self) -> VideoStream:
        for stream in self._container.streams.video:
            if not stream.disposition & stream.disposition.attached_pic:  # the cover of a music file
                return stream
        kinds = ", ".join(sorted({stream.type for stream in self._container.streams})) or "nothing"
        raise UnsupportedInputError(f"{self._name}: no video in it, only {kinds}; name a file or camera that has pictures")

    def _prepared_decoder(self) -> VideoCodecContext:
        decoder = self._stream.codec_context
        if decoder is None:
            raise UnsupportedInputError(f"{self._name}: the installed FFmpeg knows no decoder for its video")
        return _threaded(decoder)


def _threaded(decoder: VideoCodecContext) -> VideoCodecContext:
    decoder.thread_type = "SLICE"  # frame threads hold back a picture each
    decoder.thread_count = DECODE_THREADS
    return decoder


def _utc_ns(stamp: str | None) -> int | None:
    """ISO 8601 -> nanoseconds since 1970; a time without a zone is UTC. None where it is missing or not one."""
    try:
        instant = datetime.fromisoformat(stamp or "")
    except ValueError:
        return None
    since = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return max(0, since // timedelta(microseconds=1) * 1000)
