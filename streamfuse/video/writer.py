"""Pictures -> a video file, for tests and tools."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any, Final, cast

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from streamfuse.errors import FrameError
from streamfuse.frames import Matrix, Planes, Range
from streamfuse.video.colour import RANGES, fill, to_av
from streamfuse.video.faults import translated

MATRIX_TAGS: Final[dict[Matrix, int]] = {"bt601": 6, "bt709": 1}  # ITU-T H.273, table 4
MAX_RATE_DENOMINATOR = 1001


def write_video(
    path: Path,
    frames: Iterable[Planes | NDArray[Any]],
    fps: float,
    codec: str = "libx264",
    tags: tuple[Matrix, Range] | None = ("bt601", "full"),
) -> None:
    """Write pictures of one size: planes, or (H, W) grey of 8 or 16 bits. The suffix of `path` names the container.

    `tags` is what the file says of matrix and range; nothing is converted. None leaves it unsaid. Lossless, odd sizes and
    16 bits: codec `ffv1` in a `.mkv`.
    """
    pictures = iter(frames)
    first = next(pictures, None)
    if first is None:
        raise FrameError(f"{path}: a video needs at least one picture")
    with translated(str(path)), av.open(str(path), "w") as container:
        stream = _stream(container, codec, fps, _picture(first))
        if tags is not None:
            stream.codec_context.colorspace, stream.codec_context.color_range = MATRIX_TAGS[tags[0]], RANGES[tags[1]]
        for number, image in enumerate(chain([first], pictures)):
            picture = _picture(image)
            picture.pts = number
            _mux(container, stream.encode(picture))
        _mux(container, stream.encode())


def _stream(container: OutputContainer, codec: str, fps: float, like: VideoFrame) -> VideoStream:
    stream = cast("VideoStream", container.add_stream(codec, rate=Fraction(fps).limit_denominator(MAX_RATE_DENOMINATOR)))
    stream.width, stream.height, stream.pix_fmt = like.width, like.height, like.format.name
    return stream


def _picture(image: Planes | NDArray[Any]) -> VideoFrame:
    if isinstance(image, Planes):
        return to_av(image)
    height, width = image.shape
    picture = VideoFrame(width, height, "gray16le" if image.dtype == np.uint16 else "gray")
    fill(picture, 0, np.ascontiguousarray(image).view(np.uint8))
    return picture


def _mux(container: OutputContainer, packets: Sequence["av.Packet[Any]"]) -> None:
    for packet in packets:
        container.mux(packet)
