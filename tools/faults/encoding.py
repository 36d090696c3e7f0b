"""Pictures -> access units, as a camera codes them: no delay, a key frame in every group and whenever one is wanted."""

import base64
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Final, cast

import av
from av.video.frame import PictureType
from av.video.reformatter import ColorRange

from streamfuse.frames import Planes
from streamfuse.video.colour import to_av
from tools.faults.rtp import PAYLOAD_TYPE, RTP_CODECS, Codec

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

START_CODE: Final = re.compile(b"\x00\x00\x00?\x01")
LIBRARY: Final[dict[Codec, str]] = {"h264": "libx264", "hevc": "libx265"}
OPTIONS: Final = {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"}
HEVC_OPTIONS: Final = {"x265-params": "log-level=none:pools=none:frame-threads=1"}
# NAL unit types of parameter sets, in the order of their names in SDP. ITU-T H.264, table 7-1; H.265, table 7-1
PARAMETER_SETS: Final[dict[Codec, tuple[int, ...]]] = {"h264": (7, 8), "hevc": (32, 33, 34)}
BT601 = 6  # ITU-T H.273, table 4


class Encoder:
    """Planes of one size -> NAL units. One thread at a time."""

    def __init__(self, codec: Codec, size: tuple[int, int], fps: float, gop: int) -> None:
        """`size` is width and height, `gop` the pictures from one key frame to the next."""
        self.codec, self.size = codec, size
        context = cast("VideoCodecContext", av.CodecContext.create(LIBRARY[codec], "w"))
        context.width, context.height = size
        context.pix_fmt = "yuv420p"
        rate = Fraction(fps).limit_denominator(1001)
        context.framerate, context.time_base = rate, 1 / rate
        context.gop_size = gop
        context.color_range, context.colorspace = ColorRange.JPEG, BT601
        context.thread_count = 1
        context.options = OPTIONS | (HEVC_OPTIONS if codec == "hevc" else {})
        self._context = context
        self._count = 0
        self.parameter_sets: list[bytes] = []
        """Of the last key frame."""

    def encode(self, planes: Planes, *, key: bool) -> tuple[list[bytes], bool]:
        """The NAL units of one picture, and whether it is a key frame; `key` asks for one."""
        picture = to_av(planes)
        picture.pts = self._count
        picture.pict_type = PictureType.I if key or not self._count else PictureType.NONE
        self._count += 1
        (packet,) = self._context.encode(picture)
        nals = [nal for nal in START_CODE.split(bytes(packet)) if nal]
        if packet.is_keyframe:
            self.parameter_sets = [nal for kind in PARAMETER_SETS[self.codec] for nal in nals if self._kind(nal) == kind]
        return nals, packet.is_keyframe

    def sdp(self) -> str:
        """Lines of a session description that tell the format; after the first key frame."""
        name = RTP_CODECS[self.codec]
        sets = [base64.b64encode(nal).decode() for nal in self.parameter_sets]
        if self.codec == "h264":
            told = f"packetization-mode=1;profile-level-id={self.parameter_sets[0][1:4].hex()};sprop-parameter-sets={','.join(sets)}"
        else:
            told = ";".join(f"sprop-{kind}={text}" for kind, text in zip(("vps", "sps", "pps"), sets, strict=True))
        return f"a=rtpmap:{PAYLOAD_TYPE} {name}/90000\r\na=fmtp:{PAYLOAD_TYPE} {told}\r\n"

    def _kind(self, nal: bytes) -> int:
        return nal[0] & 0x1F if self.codec == "h264" else nal[0] >> 1 & 0x3F
