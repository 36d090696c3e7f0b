"""How many pictures a decoder keeps to itself, and when that has become more than the stream needs.

A decoder learns from the stream how far pictures are out of order, and never forgets: one spoilt header can make it hold back a second of
every camera's pictures for ever, whole as they are, so that none finds its partner. Only a new decoder lets go of them.
"""

from collections import deque

REMEMBERED = 64  # packets on their way through the decoder; it holds 16 at most
RECENT = 8  # pictures: those of one group in which some are coded out of order
SETTLED = 2 * RECENT  # pictures after which a decoder has learned how far a good stream is out of order


class HeldBack:
    """Of one decoder after another, for the same stream."""

    def __init__(self) -> None:
        self._fed: deque[int | None] = deque(maxlen=REMEMBERED)
        self._recent: deque[int] = deque(maxlen=RECENT)
        self._seen = 0
        self._least: int | None = None
        """Of the windows of recent pictures, the least that any had for its least."""

    def fed(self, pts: int | None) -> None:
        """A packet went in."""
        self._fed.append(pts)

    def came(self, pts: int | None) -> None:
        """A picture came out; one that the decoder made up has no pts and tells nothing."""
        if pts is None or pts not in self._fed:
            return
        held = next(after for after, own in enumerate(reversed(self._fed)) if own == pts)
        self._recent.append(held)
        self._seen += 1
        if self._seen >= SETTLED:
            least = min(self._recent)
            self._least = least if self._least is None else min(self._least, least)

    @property
    def grown(self) -> bool:
        """Whether all recent pictures were held back for longer than this stream once needed."""
        return self._least is not None and len(self._recent) == RECENT and min(self._recent) > self._least

    def renewed(self) -> None:
        """There is a new decoder, which shows by itself what it holds back."""
        self._recent.clear()
        self._seen = 0
        self._least = None
