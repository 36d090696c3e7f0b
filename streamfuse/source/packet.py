"""A compressed picture on its way from the network to the decoder."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """A compressed picture and the instant at which it arrived."""

    raw: Any
    arrival_ns: int
    """Monotonic; of its beginning, where that is known."""
    utc_offset_ns: int
    """Add this for UTC."""
    wall_ns: int | None
    """What the camera's reports say of its time stamp, UTC; None while there was none."""

    @property
    def size(self) -> int:
        """Bytes."""
        return int(self.raw.size)

    @property
    def is_keyframe(self) -> bool:
        """Whether decoding may start here."""
        return bool(self.raw.is_keyframe)

    @property
    def pts(self) -> int | None:
        """Presentation stamp, in units of `time_base`."""
        stamp: int | None = self.raw.pts
        return stamp

    @property
    def time_base(self) -> Fraction:
        """Seconds per unit of `pts`."""
        return Fraction(self.raw.time_base)
