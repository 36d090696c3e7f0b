"""What the cameras of the rig look at, and the number in the corner."""

import numpy as np
import pytest

from streamfuse.errors import ConfigError
from streamfuse.frames import Spectrum
from streamfuse.video import H264Decoder, H264Encoder, write_video
from tools.faults.pictures import STRIP, pictures, read_number, write_number

SIZE = (160, 64)


@pytest.mark.parametrize("number", [0, 1, 255, 256, 12_345_678, 2**24 - 1])
def test_the_number_survives_coding_over_a_restless_picture(number):
    """H.264 at its usual quality, from full and from limited range."""
    luma_HW = np.random.default_rng(number).integers(0, 255, (64, 160)).astype(np.uint8)
    planes = pictures("pattern", Spectrum.VISIBLE, SIZE, 0).at(0.0)
    planes = type(planes)(y=luma_HW, u=planes.u, v=planes.v)
    luma_HW.flags.writeable = True
    write_number(luma_HW, number)
    ((unit, _),) = H264Encoder((64, 160), 30, 10).encode(planes)
    decoded = H264Decoder().decode(unit)
    assert decoded is not None
    assert read_number(decoded.y) == number
    assert read_number((16 + decoded.y * (219 / 255)).astype(np.uint8)) == number


def test_a_picture_without_a_number_has_none():
    """Noise, a flat picture, one that is too small, and a number with a block spoilt."""
    luma_HW = np.random.default_rng(0).integers(0, 255, (64, 160)).astype(np.uint8)
    assert read_number(luma_HW) is None
    assert read_number(np.zeros((64, 160), np.uint8)) is None
    assert read_number(luma_HW[:8]) is None
    write_number(luma_HW, 4711)
    luma_HW[:8, 8:16] = 255 - luma_HW[:8, 8:16]
    assert read_number(luma_HW) is None


def test_random_bits_hardly_pass_for_a_number():
    """Of 20,000 strips of clear blocks at random not one, where eight bits to check would let 78 pass."""
    rng = np.random.default_rng(2)
    for _ in range(20_000):
        bits = rng.integers(0, 2, (STRIP[0] // 8, STRIP[1] // 8)).astype(np.uint8) * 255
        assert read_number(np.kron(bits, np.ones((8, 8), np.uint8))) is None


@pytest.mark.parametrize("what", ["pattern", "scene"])
@pytest.mark.parametrize("spectrum", list(Spectrum))
def test_the_world_moves_and_is_the_same_at_the_same_instant(what, spectrum):
    """Two cameras of one kind see the same; a second later it is something else."""
    one, other = (pictures(what, spectrum, SIZE, 7) for _ in range(2))
    assert one.at(3.0).size == (64, 160)
    assert (one.at(3.0).y == other.at(3.0).y).all()
    assert (one.at(3.0).y != one.at(4.0).y).any()


def test_a_recording_goes_round(tmp_path):
    """Ten pictures at 10 fps, halved in size: at 0.35 s it is number 3, and so it is a second later."""
    levels = [np.full((128, 320), 20 * n, np.uint8) for n in range(10)]
    write_video(tmp_path / "ir.mkv", levels, 10, codec="ffv1")
    recording = pictures(str(tmp_path / "ir.mkv"), Spectrum.INFRARED, SIZE, 0)
    shown = [recording.at(t_s) for t_s in (0.05, 0.35, 1.35)]
    assert [int(planes.y[30, 30]) for planes in shown] == [0, 60, 60]
    assert shown[0].size == (64, 160)


def test_what_cannot_be_shown_is_said():
    """A file that is not there, and a picture with no room for its number."""
    with pytest.raises(ConfigError, match="want pattern, scene or the path of a video"):
        pictures("nowhere.mp4", Spectrum.VISIBLE, SIZE, 0)
    with pytest.raises(ConfigError, match=f"at least {STRIP[1]}x"):
        pictures("pattern", Spectrum.VISIBLE, (64, 64), 0)
