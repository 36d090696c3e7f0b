"""Decoded frames -> planes or luma with their matrix and range, rotated picture. No colour is converted that need not be."""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

from streamfuse.errors import UnsupportedInputError
from streamfuse.frames import Matrix, Planes, Range, chroma_size
from streamfuse.video.colour import converted, from_av, plane

Gray: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]

HD_LINES = 720  # from here up, video that names no matrix is taken for BT.709
NEUTRAL = 128
# ITU-T H.273, table 4. BT.2020 and SMPTE 240M are read as the nearer of the two that a frame can carry.
MATRICES: Final[dict[int, Matrix]] = {1: "bt709", 4: "bt601", 5: "bt601", 6: "bt601", 7: "bt709", 9: "bt709", 10: "bt709"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """Pixels of a decoded frame, copied out of libav's memory."""

    image: Planes | Gray
    matrix: Matrix
    range: Range


def visible(frame: VideoFrame) -> Picture:
    """Planes as they were coded; what is not 8-bit 4:2:0 is brought to it with matrix and range kept, RGB to BT.601 full range."""
    kind, matrix, range_ = frame.format, _matrix(frame), _range(frame)
    if _is_rgb(kind):
        matrix, range_ = "bt601", "full"
        planes = from_av(converted(frame, "yuvj420p", matrix, (range_, range_)))
    elif kind.name == "gray":
        half = (chroma_size(frame.height), chroma_size(frame.width))
        planes = Planes(y=_luma(frame), u=np.full(half, NEUTRAL, np.uint8), v=np.full(half, NEUTRAL, np.uint8))
    elif kind.name in ("yuv420p", "yuvj420p"):
        planes = from_av(frame)
    else:
        planes = from_av(converted(frame, "yuvj420p" if range_ == "full" else "yuv420p", matrix, (range_, range_)))
    turns = _quarter_turns(frame)
    if turns:
        planes = Planes(y=_turned(planes.y, turns), u=_turned(planes.u, turns), v=_turned(planes.v, turns))
    return Picture(image=planes, matrix=matrix, range=range_)


def infrared(frame: VideoFrame) -> Picture:
    """Luma: (H, W) uint8, or uint16 with the values as coded where it has more than 8 bits. RGB gives BT.601 luma, full range."""
    kind, range_, turns = frame.format, _range(frame), _quarter_turns(frame)
    bits = max(component.bits for component in kind.components)
    if bits > 16:
        raise UnsupportedInputError(f"infrared of {bits} bits ({kind.name}) cannot be read; want at most 16")
    deep = bits > 8
    target = kind.name
    if _is_rgb(kind) or any(component.is_alpha for component in kind.components):
        target, range_ = "gray16le" if deep else "gray", "full"
    elif deep:
        target = kind.name.removesuffix("be") + "le" if kind.is_big_endian else kind.name
    elif bits < 8 or not (kind.is_planar or len(kind.components) == 1):  # packed YUV, or one bit per pixel
        target = "yuvj420p" if range_ == "full" else "yuv420p"
    picture = frame if target == kind.name else converted(frame, target, "bt601", (range_, range_))
    return Picture(image=_turned(_luma(picture, deep=deep), turns), matrix="bt601", range=range_)


def _luma(frame: VideoFrame, *, deep: bool = False) -> Any:
    return plane(frame, 0, frame.height, 2 * frame.width).view("<u2") if deep else plane(frame, 0, frame.height, frame.width)


def _is_rgb(kind: VideoFormat) -> bool:
    return kind.is_rgb or kind.has_palette


def _matrix(frame: VideoFrame) -> Matrix:
    return MATRICES.get(frame.colorspace, "bt709" if frame.height >= HD_LINES else "bt601")


def _range(frame: VideoFrame) -> Range:
    if frame.format.name.startswith("yuvj") or frame.color_range == ColorRange.JPEG:
        return "full"
    untagged_full = frame.format.name.startswith(("gray", "ya", "mono")) and frame.color_range != ColorRange.MPEG
    return "full" if untagged_full else "limited"


def _quarter_turns(frame: VideoFrame) -> int:
    """Counter-clockwise turns that the display matrix asks for. Angles between are left alone: no camera is mounted so."""
    return round(frame.rotation / 90) % 4 if frame.rotation % 90 == 0 else 0


def _turned(image: NDArray[Any], turns: int) -> NDArray[Any]:
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else image
