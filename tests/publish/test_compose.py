"""What of a result stands in the header."""

from streamfuse.publish.compose import Composer, Publisher
from streamfuse.publish.wire import ResultHeader
from streamfuse.results import ClockDifference, Result


def header_of(result: Result) -> ResultHeader:
    return Composer("gate", Publisher(bytes(16), "1", "jpeg", "live")).result("det", result, 0, [])


def test_tells_how_the_clocks_differ(result):
    """`sync` is visible minus infrared, in nanoseconds and parts per million."""
    sync = header_of(result(clocks=ClockDifference(offset_ns=-2_000_000, drift_ppm=12.5, confidence=0.75))).sync
    assert sync is not None
    assert (sync.off, sync.drift, sync.conf) == (-2_000_000, 12.5, 0.75)


def test_tells_nothing_of_clocks_that_are_not_known(result):
    """Nil where one of the cameras states no time of day."""
    assert header_of(result()).sync is None
