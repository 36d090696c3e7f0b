"""What waited while a camera was connected."""

from dataclasses import dataclass

import pytest

from streamfuse.clock import NS_PER_S
from streamfuse.flow.backlog import LONGEST_NS, Backlog
from streamfuse.flow.packets import PacketQueue
from streamfuse.frames import ClockKind, Spectrum
from tests.conftest import make_frame


@dataclass(frozen=True)
class Parcel:
    pts: int | None = None
    size: int = 10
    is_keyframe: bool = True
    time_base: None = None


@pytest.mark.parametrize(
    ("clock", "waiting", "after_ns", "held"),
    [
        pytest.param("host", 2, 0, True, id="old"),
        pytest.param("host", 0, 0, False, id="the newest"),
        pytest.param("estimated", 2, 0, False, id="its clock is known"),
        pytest.param("host", 2, LONGEST_NS, False, id="the decoder is too slow to catch up"),
    ],
)
def test_holds_what_is_older_than_it_seems(clock: ClockKind, waiting: int, after_ns: int, held: bool):
    """Only a picture stamped by its arrival, behind which another waits, and only at the beginning of a connection."""
    queue = PacketQueue(lambda _: None)
    for _ in range(waiting):
        queue.put(Parcel())
    backlog = Backlog(queue, 7 * NS_PER_S)
    assert backlog.holds(make_frame(Spectrum.VISIBLE, 0, 0, clock=clock), 7 * NS_PER_S + after_ns) == held
