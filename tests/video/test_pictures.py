"""Decoded frames of many formats -> planes or luma."""

import struct
from collections.abc import Sequence
from typing import Any, cast

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from streamfuse.errors import UnsupportedInputError
from streamfuse.frames import Planes, chroma_size
from streamfuse.video import from_rgb, to_rgb, write_video
from streamfuse.video.container import Opening, VideoReader
from streamfuse.video.pictures import infrared, visible

SIZE = (38, 50)
RGB = (200, 60, 40)
LUMA = round(0.299 * RGB[0] + 0.587 * RGB[1] + 0.114 * RGB[2])  # ITU-R BT.601-7, 2.5.1


def ramp(size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    return np.add.outer(np.arange(size[0]), 2 * np.arange(size[1])).astype(np.uint8)


def frame_of(pixel_format: str, values: Sequence[Any]) -> av.VideoFrame:
    """A frame of SIZE whose plane i holds values[i], given as bytes per row."""
    frame = av.VideoFrame(SIZE[1], SIZE[0], pixel_format)
    for plane, value in zip(frame.planes, values, strict=True):
        lines = np.frombuffer(cast("bytes", plane), np.uint8).reshape(-1, plane.line_size)
        rows = np.ascontiguousarray(value).view(np.uint8)
        lines[: rows.shape[0], : rows.shape[1]] = rows
    return frame


def gray(dtype: type[np.uint8 | np.uint16], pixel_format: str, scale: int = 1) -> tuple[NDArray[Any], av.VideoFrame]:
    values = ramp().astype(dtype) * scale
    return values, frame_of(pixel_format, [values])


def luma_of(frame: av.VideoFrame) -> Any:
    return infrared(frame).image


def yuv(pixel_format: str, chroma: tuple[int, int], tags: tuple[int, int] = (2, 0)) -> av.VideoFrame:
    """Planes y = ramp, u = 90, v = 160; `chroma` is the size of the chroma planes."""
    frame = frame_of(pixel_format, [ramp(), np.full(chroma, 90, np.uint8), np.full(chroma, 160, np.uint8)])
    frame.colorspace, frame.color_range = tags
    return frame


@pytest.mark.parametrize(
    ("pixel_format", "tags", "want"),
    [
        ("yuv420p", (2, 0), ("bt601", "limited")),
        ("yuv420p", (1, 1), ("bt709", "limited")),
        ("yuv420p", (6, 2), ("bt601", "full")),
        ("yuv420p", (5, 0), ("bt601", "limited")),
        ("yuvj420p", (2, 0), ("bt601", "full")),
        ("yuvj420p", (1, 2), ("bt709", "full")),
    ],
)
def test_planes_pass_untouched_and_tags_are_read(pixel_format, tags, want):
    """4:2:0 is copied to the last bit, without the padding of its rows; matrix and range are those of the stream."""
    picture = visible(yuv(pixel_format, (19, 25), tags))
    assert isinstance(picture.image, Planes)
    assert np.array_equal(picture.image.y, ramp())
    assert (picture.image.u == 90).all()
    assert (picture.image.v == 160).all()
    assert (picture.matrix, picture.range) == want


@pytest.mark.parametrize(("lines", "want"), [(718, "bt601"), (720, "bt709")])
def test_untagged_video_goes_by_its_size(lines, want):
    """Without a tag, 720 lines and more are BT.709, fewer BT.601."""
    assert visible(av.VideoFrame(64, lines, "yuv420p")).matrix == want


@pytest.mark.parametrize(("pixel_format", "chroma"), [("yuv422p", (38, 25)), ("yuv444p", (38, 50)), ("yuvj422p", (38, 25))])
@pytest.mark.parametrize("matrix", [1, 6])
def test_finer_chroma_is_brought_down(pixel_format, chroma, matrix):
    """4:2:2 and 4:4:4 keep their luma, their matrix and their range."""
    range_ = 2 if pixel_format.startswith("yuvj") else 1
    picture = visible(yuv(pixel_format, chroma, (matrix, range_)))
    assert isinstance(picture.image, Planes)
    assert np.abs(picture.image.y.astype(int) - ramp()).max() <= 1
    assert np.abs(picture.image.u.astype(int) - 90).max() <= 1
    assert np.abs(picture.image.v.astype(int) - 160).max() <= 1
    assert (picture.matrix, picture.range) == ("bt709" if matrix == 1 else "bt601", "full" if range_ == 2 else "limited")


def test_nv12_and_packed_yuv():
    """The formats of cameras and hardware give the same planes as the planar one."""
    nv12 = frame_of("nv12", [ramp(), np.tile(np.array([90, 160], np.uint8), (19, 25))])
    packed = np.full((38, 100), 90, np.uint8)
    packed[:, ::2], packed[:, 3::4] = ramp(), 160
    for frame in (nv12, frame_of("yuyv422", [packed])):
        image = visible(frame).image
        assert isinstance(image, Planes)
        assert np.abs(image.y.astype(int) - ramp()).max() <= 1
        assert np.abs(image.u.astype(int) - 90).max() <= 1
        assert np.abs(image.v.astype(int) - 160).max() <= 1
        assert np.abs(luma_of(frame).astype(int) - ramp()).max() <= 1


@pytest.mark.parametrize("pixel_format", ["rgb24", "bgr24", "rgba", "bgr0", "gbrp"])
def test_rgb_becomes_bt601_full(pixel_format):
    """RGB of any layout gives its colour back, and as infrared its luma."""
    order = {"r": RGB[0], "g": RGB[1], "b": RGB[2], "a": 255, "0": 0}
    letters = [letter for letter in pixel_format if letter in order]
    if pixel_format == "gbrp":
        frame = frame_of(pixel_format, [np.full(SIZE, order[c], np.uint8) for c in "gbr"])
    else:
        pixel = [order[c] for c in (letters if pixel_format not in ("rgb24", "bgr24") else letters[:3])]
        frame = frame_of(pixel_format, [np.tile(np.array(pixel, np.uint8), (SIZE[0], SIZE[1]))])
    picture = visible(frame)
    assert isinstance(picture.image, Planes)
    assert (picture.matrix, picture.range) == ("bt601", "full")
    assert np.abs(to_rgb(picture.image).astype(int) - RGB).max() <= 2
    assert infrared(frame).range == "full"
    assert luma_of(frame).dtype == np.uint8
    assert np.abs(luma_of(frame).astype(int) - LUMA).max() <= 1


def test_grey_video():
    """Grey is full range unless it says otherwise; as visible it gets neutral chroma."""
    values, frame = gray(np.uint8, "gray")
    for tag, want in ((0, "full"), (2, "full"), (1, "limited")):
        frame.color_range = tag
        assert infrared(frame).range == want
        assert np.array_equal(luma_of(frame), values)
    picture = visible(frame)
    assert isinstance(picture.image, Planes)
    assert np.array_equal(picture.image.y, values)
    assert set(np.unique(picture.image.u)) == set(np.unique(picture.image.v)) == {128}


@pytest.mark.parametrize("pixel_format", ["gray10le", "gray12le", "gray16le"])
def test_deep_grey_keeps_its_bits(pixel_format):
    """Infrared of more than 8 bits comes as uint16 with the values as coded."""
    values, frame = gray(np.uint16, pixel_format, 4)
    image = luma_of(frame)
    assert image.dtype == np.uint16
    assert np.array_equal(image, values)


def test_big_endian_grey():
    """The byte order of a file is not the byte order of the frame."""
    values, _ = gray(np.uint16, "gray16le", 200)
    assert np.array_equal(luma_of(frame_of("gray16be", [values.astype(">u2")])), values)


def test_deep_yuv():
    """Ten-bit video is deep as infrared and 8-bit as visible."""
    frame = frame_of("yuv420p10le", [ramp().astype(np.uint16) * 4, np.full((19, 25), 360, np.uint16), np.full((19, 25), 640, np.uint16)])
    assert np.array_equal(luma_of(frame), ramp().astype(np.uint16) * 4)
    image = visible(frame).image
    assert isinstance(image, Planes)
    assert np.abs(image.y.astype(int) - ramp()).max() <= 1
    assert np.abs(image.u.astype(int) - 90).max() <= 1


def test_grey_with_alpha():
    """Alpha of an infrared picture is left out."""
    values = np.dstack([ramp(), np.full(SIZE, 255, np.uint8)]).reshape(SIZE[0], -1)
    assert np.array_equal(luma_of(frame_of("ya8", [values])), ramp())


def test_floating_point_is_refused():
    """Infrared in floating point is no picture that can be read."""
    with pytest.raises(UnsupportedInputError, match="32 bits"):
        infrared(av.VideoFrame(8, 8, "grayf32le"))


def test_pixels_are_the_frames_own():
    """Writing to libav's memory afterwards changes nothing that was handed out."""
    _, frame = gray(np.uint8, "gray")
    image = luma_of(frame)
    np.frombuffer(cast("bytes", frame.planes[0]), np.uint8)[:] = 0
    assert np.array_equal(image, ramp())


# The matrix of a track header, as fixed point numbers: a b u, c d v, x y w (ISO/IEC 14496-12, 8.3.2). Degrees are clockwise.
TURNED = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("size", [(38, 50), (39, 51)])
def test_rotation_of_the_display_is_applied(tmp_path, degrees, size):
    """A recording that was held askew comes out upright, luma and chroma alike."""
    rgb = np.zeros((*size, 3), np.uint8)
    rgb[: size[0] // 2, : size[1] // 2] = RGB
    path = tmp_path / "a.mov"
    write_video(path, [from_rgb(rgb)] * 2, 30, "mjpeg", ("bt601", "full"))
    data = bytearray(path.read_bytes())
    if degrees:
        at = data.index(b"tkhd") + 4 + 40
        a, b, c, d = (value * 65536 for value in TURNED[degrees])
        data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
        path.write_bytes(data)
    reader = VideoReader(Opening(url=str(path), name="a"))
    frames = reader.decode(reader.packet()) or reader.decode(None)
    reader.close()
    upright = visible(frames[0]).image
    assert isinstance(upright, Planes)
    want = np.rot90(rgb, -degrees // 90)
    assert upright.size == want.shape[:2]
    assert upright.u.shape == (chroma_size(want.shape[0]), chroma_size(want.shape[1]))
    assert np.abs(to_rgb(upright).astype(int) - want).mean() < 6
    assert np.abs(luma_of(frames[0]).astype(int) - from_rgb(np.ascontiguousarray(want)).y).mean() < 6
