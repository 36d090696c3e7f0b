"""What waited while we connected to a camera: left out, for nothing tells how old it is.

A network that stood still, or a server that begins with its last group of pictures, hands out seconds at once. Until a clock is known a
picture's only stamp is its arrival, which says nothing of one that waited: a pair made of it would be apart by all that time.
"""

from streamfuse.clock import NS_PER_S
from streamfuse.flow.packets import PacketQueue
from streamfuse.frames import Frame

LONGEST_NS = 2 * NS_PER_S  # as much as the queue holds; who decodes too slowly to catch up must show something all the same
SETTLE_S = 0.02  # after the first picture: what waited with it comes at once, and a camera's next one later than that


class Backlog:
    """One per connection. Times are monotonic."""

    def __init__(self, queue: PacketQueue, now_ns: int) -> None:
        self._queue = queue
        self._until_ns = now_ns + LONGEST_NS
        self._settle_s = SETTLE_S

    def holds(self, frame: Frame, now_ns: int) -> bool:
        """Whether a picture that was decoded just now is part of it: stamped by its arrival, with a newer one waiting already."""
        if frame.clock != "host" or now_ns >= self._until_ns:
            return False
        settle_s, self._settle_s = self._settle_s, 0.0
        return self._queue.wait(settle_s)
