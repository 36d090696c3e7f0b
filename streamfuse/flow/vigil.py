"""Whether a connected camera still shows anything new. Counts pictures that were decoded, not bytes that came."""

from streamfuse.clock import NS_PER_S

SILENCE_NS, SILENCE_PERIODS = 3 * NS_PER_S, 10  # without a picture
KEY_NS = 20 * NS_PER_S  # until the first picture, while packets come: key frames of thrifty cameras are that far apart
SMOOTHING = 0.1  # of the period between two pictures
BEHIND_NS, BEHIND_FOR_NS = 2 * NS_PER_S, 5 * NS_PER_S  # what was held up comes in a burst, or stays behind for good


class Vigil:
    """One per connection. Times are monotonic."""

    def __init__(self, now_ns: int) -> None:
        self._began_ns = self._packet_ns = now_ns
        self._picture_ns: int | None = None
        self._period_ns = 0.0
        self._behind_since_ns: int | None = None

    def packet(self, now_ns: int) -> None:
        """Something came."""
        self._packet_ns = now_ns

    def picture(self, now_ns: int) -> bool:
        """A picture was decoded; True for the first one."""
        first = self._picture_ns is None
        if self._picture_ns is not None:
            self._period_ns += SMOOTHING * (now_ns - self._picture_ns - self._period_ns)
        self._picture_ns = now_ns
        return first

    def trouble(self, now_ns: int, lag_ns: int) -> str:
        """Why to give up, in words; empty while all is well. `lag_ns`: how far the camera is behind its best."""
        if self._picture_ns is None:
            if now_ns - self._packet_ns > SILENCE_NS:
                return f"nothing came for {(now_ns - self._packet_ns) / NS_PER_S:.1f} s after it connected"
            return f"no key frame within {KEY_NS / NS_PER_S:.0f} s" if now_ns - self._began_ns > KEY_NS else ""
        silence_ns = now_ns - self._picture_ns
        if silence_ns > max(SILENCE_NS, SILENCE_PERIODS * self._period_ns):
            return f"no picture for {silence_ns / NS_PER_S:.1f} s"
        if lag_ns <= BEHIND_NS:
            self._behind_since_ns = None
        elif self._behind_since_ns is None:
            self._behind_since_ns = now_ns
        elif now_ns - self._behind_since_ns > BEHIND_FOR_NS:
            return f"its pictures come {lag_ns / NS_PER_S:.1f} s later than they could"
        return ""
