"""Picture <-> payload: `jpeg`, `raw` and `h264`. PyAV is loaded only for `raw` on the way out and `h264` both ways."""

import math
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from streamfuse.clock import NS_PER_S
from streamfuse.errors import WireError
from streamfuse.frames import Planes
from streamfuse.publish.wire import Buffer, Part, check_part

if TYPE_CHECKING:
    from streamfuse.video import H264Encoder

Codec: TypeAlias = Literal["jpeg", "raw", "h264"]

MAX_PICTURE_PX = 64 * 1024 * 1024  # twice an 8K picture; more is a mistake or an attack
GROUP_OF_PICTURES = 30
"""Frames from key frame to key frame, where a second does not end sooner."""
NOMINAL_FPS = 30
"""Rate given to the encoder, which only counts by it; pictures are encoded one by one as they come."""


class PictureEncoder(Protocol):
    """Encodes the pictures of one stream. One thread."""

    def encode(self, image: Planes, t_cap_ns: int) -> tuple[Part, bytes]:
        """The part's description and its payload."""
        ...

    def close(self) -> None:
        """Free the encoder; the next picture starts anew, with a key frame."""
        ...


def encoder(codec: Codec, quality: int) -> PictureEncoder:
    """A new encoder for one stream; `quality` from 1 to 100 counts for JPEG."""
    if codec == "jpeg":
        return JpegEncoder(quality)
    return RawEncoder() if codec == "raw" else H264PictureEncoder()


class JpegEncoder:
    """JFIF is BT.601 full range with the same chroma as `Planes`: no pixel is converted on the way."""

    def __init__(self, quality: int = 90) -> None:
        self._quality = quality

    def encode(self, image: Planes, t_cap_ns: int) -> tuple[Part, bytes]:
        """One JPEG, 4:2:0."""
        u, v = np.ascontiguousarray(image.u), np.ascontiguousarray(image.v)
        data: bytes = simplejpeg.encode_jpeg_yuv_planes(_with_even_memory(image.y), u, v, self._quality)
        return _part("jpeg", image, data), data

    def close(self) -> None:
        """Nothing to free."""


def _with_even_memory(luma: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """TurboJPEG reads the luma of 4:2:0 up to an even size, beyond the end of an odd plane: continue the memory, not the picture."""
    height, width = luma.shape
    return np.ascontiguousarray(np.pad(luma, ((0, height % 2), (0, width % 2)), mode="edge") if height % 2 or width % 2 else luma)[
        :height, :width
    ]


class RawEncoder:
    """RGB bytes, row by row: what a reader on the same machine wants."""

    def encode(self, image: Planes, t_cap_ns: int) -> tuple[Part, bytes]:
        """(H, W, 3) uint8."""
        from streamfuse.video import to_rgb  # noqa: PLC0415  loads PyAV

        data = to_rgb(image).tobytes()
        return _part("raw", image, data), data

    def close(self) -> None:
        """Nothing to free."""


class H264PictureEncoder:
    """One access unit per picture, with a key frame (parameter sets included) at least once in a second of capture time.

    A new size, a jump in time or the end of a second starts a new encoder, which starts with a key frame.
    """

    def __init__(self) -> None:
        self._encoder: H264Encoder | None = None
        self._key_ns = 0
        self._last_ns = 0

    def encode(self, image: Planes, t_cap_ns: int) -> tuple[Part, bytes]:
        """One access unit in the format of Annex B."""
        period_ns, self._last_ns = t_cap_ns - self._last_ns, t_cap_ns
        in_group = 0 <= t_cap_ns - self._key_ns <= NS_PER_S - period_ns  # the next one still comes within the second
        if self._encoder is None or image.size != self._encoder.size or not in_group:
            self._encoder = self._new(image.size)
        packets = self._encoder.encode(image)
        data, key = b"".join(packet for packet, _ in packets), any(key for _, key in packets)
        if key:
            self._key_ns = t_cap_ns
        return _part("h264", image, data, key=key), data

    def close(self) -> None:
        """Free the encoder."""
        if self._encoder is not None:
            self._encoder.close()
        self._encoder = None

    def _new(self, size: tuple[int, int]) -> "H264Encoder":
        from streamfuse.video import H264Encoder  # noqa: PLC0415  loads PyAV

        self.close()
        return H264Encoder(size, fps=NOMINAL_FPS, gop=GROUP_OF_PICTURES)


class H264PictureDecoder:
    """Access units of one stream, in order from a key frame -> pictures. One thread."""

    def __init__(self) -> None:
        from streamfuse.video import H264Decoder, to_rgb  # noqa: PLC0415  loads PyAV

        self._decoder = H264Decoder()
        self._to_rgb = to_rgb

    def feed(self, payload: Buffer) -> Planes | None:
        """Decode one access unit without turning it into RGB."""
        return self._decoder.decode(bytes(payload))

    def decode(self, part: Part, payload: Buffer) -> NDArray[np.uint8]:
        """The picture of `part`, (H, W, 3) RGB; H.264 pads odd sizes to even ones, which is cut off."""
        height, width = picture_size(part)
        planes = self.feed(payload)
        if planes is None or planes.size != (height + height % 2, width + width % 2):
            raise WireError(f"part {part.name!r}: the header says {(height, width)}, the H.264 holds {planes and planes.size}")
        rgb = self._to_rgb(planes)[:height, :width]
        rgb.flags.writeable = False
        return rgb


def _part(codec: Codec, image: Planes, data: bytes, *, key: bool | None = None) -> Part:
    return Part(name="fused", codec=codec, dtype="uint8", shape=(*image.size, 3), layout="hwc", bytes=len(data), key=key)


def picture_size(part: Part) -> tuple[int, int]:
    """(height, width) of a part that holds an RGB picture of a size that can be true."""
    if part.dtype != "uint8" or part.layout != "hwc" or len(part.shape) != 3 or part.shape[2] != 3:
        raise WireError(f"part {part.name!r}: want (height, width, 3) uint8 hwc, got {part.shape} {part.dtype} {part.layout}")
    if math.prod(part.shape[:2]) > MAX_PICTURE_PX:
        raise WireError(f"part {part.name!r}: {part.shape} is larger than the {MAX_PICTURE_PX} pixels allowed")
    return (part.shape[0], part.shape[1])


def decode(part: Part, payload: Buffer) -> NDArray[np.uint8]:
    """A `jpeg` or `raw` payload as read-only (H, W, 3) RGB; raw shares its memory. `WireError` for everything that does not fit."""
    size = picture_size(part)
    check_part(part, payload)
    if part.codec == "raw":
        rgb: NDArray[np.uint8] = np.frombuffer(payload, np.uint8).reshape(part.shape)
    elif part.codec == "jpeg":
        rgb = _decode_jpeg(part, size, payload)
    else:
        raise WireError(f"part {part.name!r}: no codec {part.codec!r} that can be decoded alone (known: jpeg, raw)")
    rgb.flags.writeable = False
    return rgb


def _decode_jpeg(part: Part, size: tuple[int, int], payload: Buffer) -> NDArray[np.uint8]:
    """The size in the JPEG is compared before a pixel is decoded: a few bytes may claim gigabytes."""
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(payload)
        found = (height, width)
        rgb: NDArray[np.uint8] | None = simplejpeg.decode_jpeg(payload, "RGB") if found == size else None
    except ValueError as exc:
        raise WireError(f"part {part.name!r}: not a JPEG: {exc}") from exc
    if rgb is None:
        raise WireError(f"part {part.name!r}: the header says {size}, the JPEG is {found}")
    return rgb
