"""How fast a stream runs and how much its stamps shake: a running median, so that lost frames and a jump do not matter."""

import math
from collections import deque
from statistics import median

WINDOW = 32  # intervals: about a second at 30 fps
KNOWN_AFTER = 4  # intervals: one lost frame among them does not move the median
SETTLED_AFTER = 16  # intervals: the median of a period shaken by 10 % is then good to about 4 %
CLEARLY_SLOWER = 1.1  # ratio of periods; 25 fps is clearly slower than 30, and 29.97 is not
MUCH_SLOWER = 1.5  # ... and this much cannot be mistaken even in a few intervals
MAD_TO_SIGMA = 1.4826  # standard deviation / median absolute deviation, normal distribution
INTERVAL_TO_STAMP = 1 / math.sqrt(2)  # an interval carries the jitter of two stamps


class Rhythm:
    """Period and jitter of one stream, from its capture times alone."""

    def __init__(self) -> None:
        self.period_ns: int | None = None
        """Median interval of the last `WINDOW`; None until a few were seen."""
        self.jitter_ns = 0
        """Standard deviation of a single stamp, estimated robustly; 0 until the period is known."""
        self._intervals: deque[int] = deque(maxlen=WINDOW)
        self._newest_ns: int | None = None

    def add(self, t_ns: int) -> None:
        """Take the capture time of a frame. One that is older than its predecessor says nothing about the rhythm."""
        if self._newest_ns is not None and t_ns <= self._newest_ns:
            return
        if self._newest_ns is not None:
            self._intervals.append(t_ns - self._newest_ns)
            self._measure()
        self._newest_ns = t_ns

    def interrupt(self) -> None:
        """Time broke here: the step to the next frame is no interval. The rate stays, as it is still the same camera."""
        self._newest_ns = None

    def slower_than(self, other: "Rhythm", *, at_once: bool = False) -> bool:
        """Whether this stream is clearly the slower one; False while that is not known of both.

        `at_once`: a large difference counts from the first few intervals on.
        """
        if at_once and self.period_ns is not None and other.period_ns is not None and self.period_ns > MUCH_SLOWER * other.period_ns:
            return True
        return self.settled and other.settled and (self.period_ns or 0) > CLEARLY_SLOWER * (other.period_ns or 0)

    def like(self, other: "Rhythm") -> bool:
        """Whether both run at about the same rate; False while that is not known of both."""
        return self.settled and other.settled and not self.slower_than(other) and not other.slower_than(self)

    @property
    def settled(self) -> bool:
        """Enough intervals were seen to compare this stream's period with another's."""
        return len(self._intervals) >= SETTLED_AFTER

    def _measure(self) -> None:
        if len(self._intervals) < KNOWN_AFTER:
            return
        middle = median(self._intervals)
        spread = median(abs(interval - middle) for interval in self._intervals)
        self.period_ns = round(middle)
        self.jitter_ns = round(spread * MAD_TO_SIGMA * INTERVAL_TO_STAMP)
