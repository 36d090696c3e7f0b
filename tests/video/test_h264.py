"""H.264 for the bus."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from streamfuse.errors import FrameError, WireError
from streamfuse.frames import Planes
from streamfuse.video import H264Decoder, H264Encoder, from_rgb, to_rgb


def pictures(count: int, size: tuple[int, int] = (64, 96)) -> list[Planes]:
    texture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (size[0] + count, size[1], 3), np.uint8), (0, 0), 3)
    return [from_rgb(np.ascontiguousarray(texture[i : i + size[0]])) for i in range(count)]


def cropped(planes: Planes, size: tuple[int, int]) -> Planes:
    height, width = size
    return Planes(y=planes.y[:height, :width].copy(), u=planes.u.copy(), v=planes.v.copy())


@pytest.mark.parametrize("size", [(64, 96), (63, 96), (64, 95), (5, 7)])
def test_one_out_for_each_in(size):
    """Every picture gives one access unit at once, and every access unit one picture at once."""
    encoder, decoder = H264Encoder(size, 30, 4), H264Decoder()
    for number, planes in enumerate(pictures(10, size)):
        units = encoder.encode(planes)
        assert len(units) == 1
        data, is_key = units[0]
        assert is_key == (number % 4 == 0)
        back = decoder.decode(data)
        assert back is not None
        assert back.size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
        assert np.abs(back.y[: size[0], : size[1]].astype(int) - planes.y).mean() < 5


@pytest.mark.parametrize("size", [(64, 96), (63, 95)])
def test_colours_come_back(size):
    """A flat colour survives coding within two levels; an odd picture is the crop of what the decoder gives."""
    for rgb in ((200, 60, 40), (0, 255, 0), (255, 255, 255), (10, 20, 200)):
        data, _ = H264Encoder(size, 30, 1).encode(from_rgb(np.full((*size, 3), rgb, np.uint8)))[0]
        back = H264Decoder().decode(data)
        assert back is not None
        assert np.abs(to_rgb(cropped(back, size)).astype(int) - rgb).max() <= 2


def test_says_what_its_colours_mean():
    """Any decoder reads BT.601 full range in the stream itself."""
    data, _ = H264Encoder((64, 96), 30, 1).encode(pictures(1)[0])[0]
    decoder = av.CodecContext.create("h264", "r")
    frame = (decoder.decode(av.Packet(data)) or decoder.decode(None))[0]
    assert (frame.colorspace, frame.color_range) == (6, 2)


def test_every_key_frame_can_be_joined_at():
    """A decoder that starts at any key frame needs nothing from before."""
    encoder = H264Encoder((64, 96), 30, 5)
    units = [unit for planes in pictures(15) for unit in encoder.encode(planes)]
    for start in (0, 5, 10):
        decoder = H264Decoder()
        assert units[start][1]
        assert all(decoder.decode(data) is not None for data, _ in units[start : start + 5])


def test_the_same_pictures_give_the_same_bytes():
    """Encoding is repeatable."""
    runs = [[encoder.encode(planes) for planes in pictures(6)] for encoder in (H264Encoder((64, 96), 25, 3), H264Encoder((64, 96), 25, 3))]
    assert runs[0] == runs[1]


@pytest.mark.parametrize("data", [b"", b"\x00", b"garbage" * 20, b"\x00\x00\x00\x01" + bytes(range(200))])
def test_garbage_is_a_wire_error(data):
    """Bytes that are no H.264 raise, and the decoder goes on with the next key frame."""
    decoder = H264Decoder()
    with pytest.raises(WireError):
        decoder.decode(data)
    assert decoder.decode(H264Encoder((64, 96), 30, 1).encode(pictures(1)[0])[0][0]) is not None


def test_starting_between_key_frames_is_a_wire_error():
    """Without a key frame before it, an access unit cannot be read."""
    encoder = H264Encoder((64, 96), 30, 30)
    units = [encoder.encode(planes)[0][0] for planes in pictures(3)]
    with pytest.raises(WireError, match="follow no key frame"):
        H264Decoder().decode(units[2])


def test_other_profiles_are_refused():
    """4:4:4 is H.264, but not what the bus carries."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 64, 48, "yuv444p", Fraction(30)
    encoder.options = {"tune": "zerolatency"}
    packet = encoder.encode(av.VideoFrame(64, 48, "yuv444p"))[0]
    with pytest.raises(WireError, match="yuv444p"):
        H264Decoder().decode(bytes(packet))


def test_encoder_refuses_what_it_was_not_made_for():
    """Another size, an impossible setting and use after closing are errors that say so."""
    encoder = H264Encoder((64, 96), 30, 1)
    with pytest.raises(FrameError, match="make one for each size"):
        encoder.encode(pictures(1, (64, 94))[0])
    encoder.close()
    encoder.close()
    with pytest.raises(FrameError, match="closed"):
        encoder.encode(pictures(1)[0])
    for size, fps, gop in (((0, 4), 30, 1), ((4, 4), 0, 1), ((4, 4), 30, 0)):
        with pytest.raises(FrameError, match="above zero"):
            H264Encoder(size, fps, gop)
