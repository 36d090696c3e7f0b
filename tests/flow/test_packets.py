"""Packets between demuxing and decoding."""

from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamfuse.flow.channel import Closed
from streamfuse.flow.packets import PacketQueue


@dataclass(frozen=True)
class Packet:
    number: int
    is_keyframe: bool
    size: int = 1000
    time_base: Fraction = Fraction(1, 10)

    @property
    def pts(self) -> int:
        return self.number


def drain(queue: PacketQueue) -> list[Packet]:
    queue.close()
    packets = []
    while True:
        try:
            packets.append(queue.get())
        except Closed:
            return packets


def test_passes_everything_while_there_is_room():
    """Nothing is dropped while the bounds hold."""
    lost: list[int] = []
    queue = PacketQueue(lost.append, span_s=10)
    for number in range(20):
        queue.put(Packet(number, number % 5 == 0))
    assert [p.number for p in drain(queue)] == list(range(20))
    assert not lost


def test_cuts_at_the_newest_key_frame():
    """Over its span, everything before the newest key frame goes."""
    lost: list[int] = []
    queue = PacketQueue(lost.append, span_s=1.0)
    for number in range(13):
        queue.put(Packet(number, number % 5 == 0))
    kept = [p.number for p in drain(queue)]
    assert kept == [10, 11, 12]
    assert sum(lost) == 10


def test_without_a_key_frame_all_goes_until_the_next():
    """A group longer than the bounds is dropped whole, and what depends on it too."""
    lost: list[int] = []
    queue = PacketQueue(lost.append, size_bytes=3500)
    for number in range(6):
        queue.put(Packet(number, number == 0))
    queue.put(Packet(6, is_keyframe=True))
    assert [p.number for p in drain(queue)] == [6]
    assert sum(lost) == 6


def test_closed_takes_nothing():
    """After `close` a put is refused."""
    queue = PacketQueue(lambda _: None)
    queue.close()
    assert not queue.put(Packet(0, is_keyframe=True))
    with pytest.raises(Closed):
        queue.get()


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 12))
def test_a_decoder_never_sees_a_torn_group(keys: list[bool], room: int):
    """Whatever comes, a packet that is no key frame follows the one before it without a gap, and nothing is lost uncounted."""
    lost: list[int] = []
    queue = PacketQueue(lost.append, size_bytes=room * 1000)
    keys = [True, *keys]
    for number, key in enumerate(keys):
        queue.put(Packet(number, key))
    packets = drain(queue)
    for index, packet in enumerate(packets):
        assert packet.is_keyframe or (index > 0 and packets[index - 1].number == packet.number - 1)
    assert len(packets) + sum(lost) == len(keys)
