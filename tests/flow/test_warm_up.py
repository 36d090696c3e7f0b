"""Before the first frame."""

from streamfuse.batch.lane import CpuLane
from streamfuse.clock import ManualClock
from streamfuse.flow.warm_up import LARGEST_NS, SMALL, USUAL, warm_up
from streamfuse.fuse.pixelwise import Average


class Slow(Average):
    """Takes its time, by a clock moved by hand, and remembers what it saw."""

    def __init__(self, clock: ManualClock, ns: int) -> None:
        self.seen: list[tuple[int, ...]] = []
        self._clock = clock
        self._ns = ns

    def rule(self, infrared_B1HW, luma_B1HW):
        self.seen.append(tuple(luma_B1HW.shape[2:]))
        self._clock.advance_ns(self._ns)
        return super().rule(infrared_B1HW, luma_B1HW)


def test_a_quick_fuser_sees_a_usual_picture_too(recipe):
    """Small pictures first, then one of the usual size."""
    clock = ManualClock()
    fuser = Slow(clock, LARGEST_NS)
    warm_up(recipe(fuse=fuser), CpuLane(), clock)
    assert fuser.seen == [SMALL, SMALL, USUAL]


def test_a_slow_fuser_is_spared(recipe):
    """A network that is slow on a small picture does not hold up the start with a large one."""
    clock = ManualClock()
    fuser = Slow(clock, LARGEST_NS + 1)
    warm_up(recipe(fuse=fuser), CpuLane(), clock)
    assert fuser.seen == [SMALL, SMALL]
