"""The sender's wall clock in a packet."""

import struct

import av

from streamfuse.video.prft import wall_ns


def test_reads_microseconds_of_utc():
    """Eight bytes of the machine's order, and flags that do not matter."""
    packet = av.Packet(10)
    assert wall_ns(packet) is None

    class Reported:
        def has_sidedata(self, name: str) -> bool:
            return name == "prft"

        def get_sidedata(self, name: str) -> bytes:
            return struct.pack("=qi4x", 1_700_000_000_123_456, 24)

    assert wall_ns(Reported()) == 1_700_000_000_123_456_000
