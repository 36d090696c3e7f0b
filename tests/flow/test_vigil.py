"""When a connection is given up."""

import pytest

from streamfuse.clock import NS_PER_S
from streamfuse.flow.vigil import Vigil


def shown(fps: float, seconds: float) -> Vigil:
    vigil = Vigil(0)
    for number in range(int(seconds * fps)):
        vigil.packet(round(number * NS_PER_S / fps))
        vigil.picture(round(number * NS_PER_S / fps))
    return vigil


@pytest.mark.parametrize(("fps", "patience_s"), [(30, 3), (9, 3), (1, 10)])
def test_silence_after_pictures(fps, patience_s):
    """Three seconds without a picture are too many, or ten periods of a slow camera."""
    seconds = 100 / fps
    vigil = shown(fps, seconds)
    last_s = seconds - 1 / fps
    assert not vigil.trouble(round((last_s + 0.95 * patience_s) * NS_PER_S), 0)
    assert "no picture for" in vigil.trouble(round((last_s + 1.05 * patience_s) * NS_PER_S), 0)


def test_packets_that_make_no_picture_are_silence():
    """It is pictures that count: a camera may send and send."""
    vigil = shown(30, 2)
    for number in range(200):
        vigil.packet(2 * NS_PER_S + number * NS_PER_S // 30)
    assert "no picture" in vigil.trouble(6 * NS_PER_S, 0)


def test_nothing_after_connecting():
    """A camera that connects and sends nothing is given up soon."""
    vigil = Vigil(0)
    assert not vigil.trouble(2 * NS_PER_S, 0)
    assert "nothing came" in vigil.trouble(4 * NS_PER_S, 0)


def test_a_late_key_frame_is_waited_for():
    """Packets come, the first key frame does not: that may take long with thrifty cameras, but not for ever."""
    vigil = Vigil(0)
    for second in range(22):
        vigil.packet(second * NS_PER_S)
        assert bool(vigil.trouble(second * NS_PER_S, 0)) == (second > 20)
    assert "no key frame" in vigil.trouble(21 * NS_PER_S, 0)


def test_only_the_first_picture_is_the_first():
    """So that `running` is told once."""
    vigil = Vigil(0)
    assert [vigil.picture(n) for n in range(3)] == [True, False, False]


def test_behind_for_good():
    """Pictures that stay two seconds behind what the camera can do are given up; a burst that catches up is not."""
    vigil = shown(30, 60)
    now_ns = 60 * NS_PER_S
    for _ in range(4):
        assert not vigil.trouble(now_ns, 3 * NS_PER_S)
        now_ns += NS_PER_S
        vigil.picture(now_ns)
    assert not vigil.trouble(now_ns, 0)
    for _ in range(6):
        trouble = vigil.trouble(now_ns, 3 * NS_PER_S)
        now_ns += NS_PER_S
        vigil.picture(now_ns)
    assert not trouble
    assert "3.0 s later than they could" in vigil.trouble(now_ns, 3 * NS_PER_S)
