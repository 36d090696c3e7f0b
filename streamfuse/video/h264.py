"""H.264 for the bus: one access unit per picture, without delay."""

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from streamfuse.errors import FrameError, WireError
from streamfuse.frames import Planes
from streamfuse.video.colour import fill, from_av

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

AVCOL_SPC_SMPTE170M = 6  # ITU-T H.273, matrix coefficients of BT.601
MAX_RATE_DENOMINATOR = 1001  # of 30000/1001 and its like


class H264Encoder:
    """BT.601 full range planes -> Annex B access units, tagged so that any player gives the colours back. One thread at a time.

    H.264 in 4:2:0 knows even sizes only: an odd picture is continued by one row or column, and its reader crops it to the size
    that the message names. Bytes are the same on every machine with the same library.
    """

    def __init__(self, size: tuple[int, int], fps: float, gop: int) -> None:
        """`size` is (height, width) in pixels; `gop` the pictures from one key frame to the next."""
        if min(size) < 1 or fps <= 0 or gop < 1:
            raise FrameError(f"an encoder needs a size, a rate and a key frame distance above zero, got {size}, {fps} and {gop}")
        self.size = size
        self._coded = (size[0] + size[0] % 2, size[1] + size[1] % 2)
        self._count = 0
        rate = Fraction(fps).limit_denominator(MAX_RATE_DENOMINATOR)
        context = av.CodecContext.create("libx264", "w")
        context.height, context.width = self._coded
        context.pix_fmt = "yuv420p"
        context.framerate, context.time_base = rate, 1 / rate
        context.gop_size = gop
        context.color_range, context.colorspace = ColorRange.JPEG, AVCOL_SPC_SMPTE170M
        context.thread_count = 1  # the number of slices, and so the bytes, would follow the number of cores
        context.options = {"preset": "ultrafast", "tune": "zerolatency"}
        self._context: VideoCodecContext | None = context

    def encode(self, planes: Planes) -> list[tuple[bytes, bool]]:
        """The access unit of `planes` and whether it is a key frame, which carries the parameter sets; one out per one in."""
        if self._context is None:
            raise FrameError("the encoder is closed")
        if planes.size != self.size:
            raise FrameError(f"this encoder takes {self.size}, got {planes.size}; make one for each size")
        picture = av.VideoFrame(self._coded[1], self._coded[0], "yuv420p")
        fill(picture, 0, _even(planes.y, self._coded))
        fill(picture, 1, planes.u)
        fill(picture, 2, planes.v)
        picture.pts = self._count
        self._count += 1
        return [(bytes(packet), packet.is_keyframe) for packet in self._context.encode(picture)]

    def close(self) -> None:
        """Free the encoder. There is nothing to flush."""
        self._context = None


class H264Decoder:
    """Access units of `H264Encoder` -> planes, BT.601 full range. Start with a key frame. One thread at a time."""

    def __init__(self) -> None:
        context = av.CodecContext.create("h264", "r")
        context.thread_count = 1  # threads would hold pictures back
        self._context = context

    def decode(self, data: bytes) -> Planes | None:
        """The picture in `data`, of even size; None where it completes none. `WireError` if it is no H.264 or has no key frame."""
        if not data:
            raise WireError("an empty H.264 access unit")
        try:
            pictures = self._context.decode(av.Packet(data))
        except av.FFmpegError as exc:
            raise WireError(f"{len(data)} bytes are no H.264 access unit, or follow no key frame ({exc.strerror})") from exc
        if not pictures:
            return None
        if pictures[-1].format.name not in ("yuv420p", "yuvj420p"):
            raise WireError(f"H.264 on the bus is 8-bit 4:2:0, got {pictures[-1].format.name}")
        return from_av(pictures[-1])


def _even(luma: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """`luma` continued to `size` by its last row and column. Chroma of an odd picture already has the size of the even one."""
    rows, columns = size[0] - luma.shape[0], size[1] - luma.shape[1]
    return np.pad(luma, ((0, rows), (0, columns)), mode="edge") if rows or columns else luma
