"""What of a result stands in the header."""

from streamfuse.publish.compose import Composer, Publisher
from streamfuse.publish.wire import ResultHeader, decode_header, encode_header
from streamfuse.results import ClockDifference, Misalignment, Result


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


def test_tells_how_infrared_lies(result):
    """`fit` holds the measured shift and the alarm, with a rig and without; readers get it back."""
    knocked = Misalignment(shift_px=(6.0, -0.5), moved_px=5.5, alarm=True)
    for rig in ("lamp-post", None):
        fit = decode_header(encode_header(header_of(result(rig=rig, misalignment=knocked)))).fit  # type: ignore[attr-defined]
        assert (fit.x, fit.y, fit.moved, fit.alarm) == (6.0, -0.5, 5.5, True)


def test_nothing_measured_is_left_out(result):
    """Before the monitor knows anything the key is not there at all, as it was not before there was one."""
    assert b"fit" not in encode_header(header_of(result()))
