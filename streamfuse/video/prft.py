"""The wall clock that FFmpeg hands out with a packet: `AVProducerReferenceTime`, for RTSP from the camera's sender reports."""

import sys
from typing import Any, Final

NS_PER_US: Final = 1000
WALL_BYTES: Final = 8  # libavcodec/defs.h: int64_t wallclock in microseconds of UTC, int flags


def wall_ns(packet: Any) -> int | None:
    """The sender's UTC for the packet's time stamp, nanoseconds; None while no report has come."""
    if not packet.has_sidedata("prft"):
        return None
    data = bytes(packet.get_sidedata("prft"))[:WALL_BYTES]
    return int.from_bytes(data, sys.byteorder, signed=True) * NS_PER_US
