"""YUV 4:2:0 planes <-> RGB through swscale, and planes in and out of libav's frames."""

from typing import Any, Final

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from streamfuse.errors import FrameError
from streamfuse.frames import Matrix, Planes, Range, chroma_size

# swscale.h: SWS_BILINEAR, with SWS_FULL_CHR_H_INT, SWS_FULL_CHR_H_INP, SWS_ACCURATE_RND and SWS_BITEXACT: without them a flat
# colour comes back up to three levels off, and the bytes depend on the processor. Numbers, because PyAV 16 names only the first.
EXACT: Final = 0x2 | 0x2000 | 0x4000 | 0x40000 | 0x80000
# swscale's own threads cost three times what they save on pictures of this size. PyAV 16 has none and does not know the argument.
ONE_THREAD: Final[dict[str, Any]] = {} if av.__version__.startswith("16.") else {"threads": 1}
COLORSPACES: Final[dict[Matrix, Colorspace]] = {"bt601": Colorspace.ITU601, "bt709": Colorspace.ITU709}
RANGES: Final[dict[Range, ColorRange]] = {"limited": ColorRange.MPEG, "full": ColorRange.JPEG}


def to_rgb(planes: Planes, matrix: Matrix = "bt601", range: Range = "full") -> NDArray[np.uint8]:  # noqa: A002  (its name in `Frame`)
    """(H, W, 3) RGB of `planes`, which are YUV by `matrix` and `range`. Flat colours are within two levels."""
    height, width = planes.size
    picture = converted(to_av(planes), "rgb24", matrix, (range, "full"))
    return plane(picture, 0, height, 3 * width).reshape(height, width, 3)


def from_rgb(rgb: NDArray[np.uint8]) -> Planes:
    """(H, W, 3) RGB -> planes, BT.601 full range."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise FrameError(f"RGB must be (H, W, 3) uint8, got {rgb.shape} {rgb.dtype}")
    height, width = rgb.shape[:2]
    picture = av.VideoFrame(width, height, "rgb24")
    fill(picture, 0, rgb.reshape(height, 3 * width))
    return from_av(converted(picture, "yuvj420p", "bt601", ("full", "full")))


def converted(picture: av.VideoFrame, pixel_format: str, matrix: Matrix, ranges: tuple[Range, Range]) -> av.VideoFrame:
    """`picture` in another pixel format; its matrix stays, its range goes from the first of `ranges` to the second.

    RGB has no matrix, and swscale ignores what is said of one; but PyAV 16 sets no matrix at all where both sides name the same,
    so the RGB side names the other. For its sake too, full range YUV is best asked for as yuvj420p.
    """
    rgb_side: Matrix = "bt709" if matrix == "bt601" else "bt601"
    return VideoReformatter().reformat(
        picture,
        format=pixel_format,
        src_colorspace=COLORSPACES[rgb_side if picture.format.is_rgb else matrix],
        dst_colorspace=COLORSPACES[rgb_side if "rgb" in pixel_format else matrix],
        src_color_range=RANGES[ranges[0]],
        dst_color_range=RANGES[ranges[1]],
        interpolation=EXACT,
        **ONE_THREAD,
    )


def to_av(planes: Planes) -> av.VideoFrame:
    """A yuv420p frame with a copy of `planes`; says nothing of matrix and range."""
    height, width = planes.size
    picture = av.VideoFrame(width, height, "yuv420p")
    for index, values in enumerate((planes.y, planes.u, planes.v)):
        fill(picture, index, values)
    return picture


def from_av(picture: av.VideoFrame) -> Planes:
    """The planes of a yuv420p or yuvj420p frame, copied."""
    height, width = picture.height, picture.width
    half = (chroma_size(height), chroma_size(width))
    return Planes(y=plane(picture, 0, height, width), u=plane(picture, 1, *half), v=plane(picture, 2, *half))


def plane(picture: av.VideoFrame, index: int, rows: int, row_bytes: int) -> NDArray[np.uint8]:
    """A copy of one plane as (rows, row_bytes): libav pads its rows, and reuses its memory."""
    source = picture.planes[index]
    lines = np.frombuffer(source, np.uint8).reshape(-1, abs(source.line_size))  # type: ignore[call-overload]
    upright = lines if source.line_size > 0 else lines[::-1]  # pictures stored bottom-up have a negative line size
    return upright[:rows, :row_bytes].copy()  # type: ignore[no-any-return]


def fill(picture: av.VideoFrame, index: int, values: NDArray[np.uint8]) -> None:
    """Write (rows, row_bytes) into one plane."""
    target = picture.planes[index]
    rows, row_bytes = values.shape
    np.frombuffer(target, np.uint8).reshape(-1, target.line_size)[:rows, :row_bytes] = values  # type: ignore[call-overload]
