"""Cameras of this machine: the Linux kernel stamps a picture when the camera hands it over.

FFmpeg passes the stamps on in microseconds of the kernel's monotonic clock, which is also ours; some drivers use the wall clock.
Which it is shows at once: only one of both lies just before the arrival.
"""

from typing import Literal

from streamfuse.clock import NS_PER_S

MOST_DELAY_NS = NS_PER_S  # from the kernel's stamp until the picture is read


class DeviceClock:
    """Stream time -> our monotonic time. One per connection, one thread."""

    def __init__(self) -> None:
        self._scale: Literal["monotonic", "utc"] | None = None
        self._utc_offset_ns = 0

    @property
    def known(self) -> bool:
        """Whether the stamps are those of a clock of this machine."""
        return self._scale is not None

    def add(self, stream_ns: int, arrival_ns: int, utc_offset_ns: int) -> None:
        """Take a packet that arrived at `arrival_ns`, monotonic; UTC is `utc_offset_ns` more."""
        self._utc_offset_ns = utc_offset_ns
        if 0 <= arrival_ns - stream_ns <= MOST_DELAY_NS:
            self._scale = "monotonic"
        elif 0 <= arrival_ns + utc_offset_ns - stream_ns <= MOST_DELAY_NS:
            self._scale = "utc"
        else:
            self._scale = None

    def at(self, stream_ns: int) -> int:
        """When that was, on our monotonic clock."""
        return stream_ns - (self._utc_offset_ns if self._scale == "utc" else 0)
