"""Payloads."""

import itertools

import cv2
import msgspec
import numpy as np
import pytest
import simplejpeg

from streamfuse.clock import NS_PER_S
from streamfuse.errors import WireError
from streamfuse.frames import Planes
from streamfuse.publish.codec import H264PictureDecoder, decode, encoder, picture_size
from streamfuse.publish.wire import Part

SIZES = [(24, 32), (25, 33), (1, 1), (2, 1), (3, 5)]
GREEN = (149, 43, 21)  # of (0, 255, 0), ITU-T T.871, 7 (JFIF), in BT.601 full range


def flat(size: tuple[int, int], yuv: tuple[int, int, int]) -> Planes:
    half = ((size[0] + 1) // 2, (size[1] + 1) // 2)
    return Planes(y=np.full(size, yuv[0], np.uint8), u=np.full(half, yuv[1], np.uint8), v=np.full(half, yuv[2], np.uint8))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("codec", ["jpeg", "raw"])
def test_a_picture_of_any_size_comes_back(codec, size):
    """Size and colour survive, odd sizes included, and the description says what the payload holds."""
    part, data = encoder(codec, 90).encode(flat(size, GREEN), 0)
    rgb = decode(part, data)
    assert (part.codec, part.shape, part.layout, part.dtype, part.bytes) == (codec, (*size, 3), "hwc", "uint8", len(data))
    assert rgb.shape == (*size, 3)
    assert np.abs(rgb.astype(int) - (0, 255, 0)).max() <= 3
    assert not rgb.flags.writeable


def test_any_jpeg_reader_sees_the_same_picture(picture):
    """OpenCV, which knows nothing of us, decodes a JPEG to the luma that went in."""
    planes = picture((48, 64))
    _, data = encoder("jpeg", 95).encode(planes, 0)
    grey = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    assert np.abs(grey.astype(int) - planes.y).max() <= 6


def test_quality_is_honoured(picture):
    """A lower quality makes a smaller JPEG."""
    small, large = (encoder("jpeg", quality).encode(picture((48, 64)), 0)[0].bytes for quality in (20, 95))
    assert small < large


def test_jpeg_takes_planes_that_are_slices(picture):
    """Planes need not lie in one piece of memory."""
    wide = picture((24, 64))
    planes = Planes(y=wide.y[:, ::2], u=wide.u[:, ::2], v=wide.v[:, ::2])
    part, data = encoder("jpeg", 90).encode(planes, 0)
    assert decode(part, data).shape == (24, 32, 3)


@pytest.mark.parametrize("size", [(24, 32), (25, 33)])
def test_h264_comes_back_picture_by_picture(picture, size):
    """Each picture is one payload, decoded without delay and cut to its odd size."""
    encode, decoder = encoder("h264", 90).encode, H264PictureDecoder()
    for number in range(3):
        part, data = encode(picture(size, number), number * NS_PER_S // 30)
        rgb = decoder.decode(part, data)
        want = decode(*encoder("raw", 90).encode(picture(size, number), 0))
        assert rgb.shape == (*size, 3)
        assert part.key is (number == 0)
        assert np.abs(rgb.astype(int) - want).mean() < 12


@pytest.mark.parametrize("fps", [9, 25, 30, 60])
def test_h264_can_be_joined_within_a_second(picture, fps):
    """Key frames are at most one second of capture time apart at any frame rate, and not every picture is one."""
    encode = encoder("h264", 90).encode
    keys = [number / fps for number in range(2 * fps + 1) if encode(picture((24, 32), number), number * NS_PER_S // fps)[0].key]
    assert max(b - a for a, b in itertools.pairwise(keys)) <= 1
    assert len(keys) < 10


def test_h264_starts_anew_with_a_new_size(picture):
    """A change of size is a key frame of the new size."""
    stream, decoder = encoder("h264", 90), H264PictureDecoder()
    decoder.decode(*stream.encode(picture((24, 32)), 0))
    part, data = stream.encode(picture((48, 64)), 10)
    assert part.key
    assert decoder.decode(part, data).shape == (48, 64, 3)


def test_a_jpeg_of_another_size_is_refused_before_it_is_decoded(picture, monkeypatch):
    """A few bytes that claim another size than the header are never given to the decoder."""
    part, data = encoder("jpeg", 90).encode(picture((24, 32)), 0)
    monkeypatch.setattr(simplejpeg, "decode_jpeg", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(WireError, match=r"says \(24, 31\), the JPEG is \(24, 32\)"):
        decode(msgspec.structs.replace(part, shape=(24, 31, 3)), data)


@pytest.mark.parametrize("cut", [0, 3, 100, -40])
def test_a_broken_jpeg_is_a_wire_error(picture, cut):
    """Truncated anywhere, a JPEG gives an error and no picture."""
    part, data = encoder("jpeg", 90).encode(picture((24, 32)), 0)
    broken = data[:cut]
    with pytest.raises(WireError, match="part 'fused'"):
        decode(msgspec.structs.replace(part, bytes=len(broken)), broken)


def test_broken_h264_is_a_wire_error(picture):
    """Other bytes, and a size that is not the header's, are refused."""
    part, data = encoder("h264", 90).encode(picture((24, 32)), 0)
    with pytest.raises(WireError):
        H264PictureDecoder().decode(part, b"no such thing")
    with pytest.raises(WireError, match="says"):
        H264PictureDecoder().decode(msgspec.structs.replace(part, shape=(24, 36, 3)), data)


@pytest.mark.parametrize(
    "wrong",
    [{"shape": (24, 32)}, {"shape": (24, 32, 4)}, {"dtype": "uint16"}, {"layout": "chw"}, {"shape": (65536, 65536, 3)}, {"codec": "png"}],
)
def test_a_part_that_is_no_rgb_picture_is_refused(picture, wrong):
    """Only (height, width, 3) uint8 in rows of pixels, of a size that can be true, in a known codec, is decoded."""
    part, data = encoder("raw", 90).encode(picture((24, 32)), 0)
    with pytest.raises(WireError):
        decode(msgspec.structs.replace(part, **wrong), data)


def test_a_length_that_lies_is_refused():
    """The payload is measured again where it is decoded."""
    part = Part(name="fused", codec="raw", dtype="uint8", shape=(2, 2, 3), layout="hwc", bytes=12)
    assert picture_size(part) == (2, 2)
    with pytest.raises(WireError, match="11 came"):
        decode(part, bytes(11))
