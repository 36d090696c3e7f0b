"""Single frames out of video files, as arrays: full range, visible as RGB."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamfuse.errors import SourceError, UnsupportedInputError
from streamfuse.frames import Planes
from streamfuse.video import pictures, to_rgb
from streamfuse.video.container import Opening, VideoReader

LIMITED_BLACK, LIMITED_LUMA = 16, 219  # ITU-R BT.601-7, 2.5.3


def length(path: Path) -> int:
    """Number of coded frames, counted without decoding."""
    with closing(_opened(path)) as reader:
        count = 0
        while reader.packet() is not None:
            count += 1
    return count


def infrared(path: Path, numbers: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
    """(H, W) uint8 of the frames with these numbers, which grow."""
    return _frames(path, numbers, _warm)


def visible(path: Path, numbers: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
    """(H, W, 3) RGB uint8 of the frames with these numbers, which grow."""
    return _frames(path, numbers, _seen)


def _frames(path: Path, numbers: Sequence[int], converted: Callable[[Any, Path], NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    wanted = set(numbers)
    with closing(_opened(path)) as reader:
        for number, frame in enumerate(_decoded(reader)):
            if number in wanted:
                wanted.remove(number)
                yield converted(frame, path)
            if not wanted:
                return
    raise SourceError(f"{path}: has no frame {min(wanted)}; is it whole?")


def _decoded(reader: VideoReader) -> Iterator[Any]:
    while (packet := reader.packet()) is not None:
        yield from reader.decode(packet)
    yield from reader.decode(None)


def _warm(frame: Any, path: Path) -> NDArray[np.uint8]:
    picture = pictures.infrared(frame)
    codes = picture.image
    if isinstance(codes, Planes) or codes.dtype != np.uint8:
        raise UnsupportedInputError(f"{path}: infrared of more than 8 bits; tone it to 8 bits first")
    if picture.range == "full":
        return np.array(codes)
    levels: NDArray[np.uint8] = np.rint((np.arange(256) - LIMITED_BLACK) * (255 / LIMITED_LUMA)).clip(0, 255).astype(np.uint8)
    return levels[codes]


def _seen(frame: Any, path: Path) -> NDArray[np.uint8]:
    picture = pictures.visible(frame)
    if not isinstance(picture.image, Planes):
        raise UnsupportedInputError(f"{path}: no colour planes in it; is it the infrared video?")
    return to_rgb(picture.image, picture.matrix, picture.range)


def _opened(path: Path) -> VideoReader:
    return VideoReader(Opening(url=str(path), name=str(path)))
