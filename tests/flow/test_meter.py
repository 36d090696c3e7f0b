"""Counts and times at the hand-overs."""

from collections import Counter

from streamfuse.clock import ManualClock
from streamfuse.flow.meter import Meter


def test_rate_is_results_over_their_span():
    """Eleven results 40 ms apart are 25 a second."""
    clock = ManualClock()
    meter = Meter(clock)
    for _ in range(11):
        meter.result("gate", mode="fused", age_ns=1_000_000, skew_ns=-2_000_000, latency_us={"fuse": 500})
        clock.advance_ms(40)
    stats = meter.stats("gate")
    assert stats["fps"] == 25.0
    assert (stats["results"], stats["mode"], stats["age_ms"], stats["skew_ms"]) == (11, "fused", 1.0, -2.0)
    assert stats["latency_us"] == {"fuse": 500}


def test_rate_falls_when_nothing_comes():
    """A stream that stopped does not keep its rate."""
    clock = ManualClock()
    meter = Meter(clock)
    for _ in range(11):
        meter.result("gate", mode="fused", age_ns=None, skew_ns=None, latency_us={})
        clock.advance_ms(40)
    clock.advance_ms(60_000)
    assert meter.stats("gate")["fps"] < 1
    assert meter.stats("gate")["age_ms"] is None


def test_drops_are_told_once_and_kept_in_total():
    """Each drop is in exactly one result, and in the totals."""
    meter = Meter(ManualClock())
    meter.dropped("gate", "batch", "superseded")
    meter.dropped("gate", "batch", "superseded")
    assert meter.untold_drops("gate") == {"batch.superseded": 2}
    assert meter.untold_drops("gate") == {}
    meter.dropped_in_all("gate", "sync", Counter(late=3))
    meter.dropped_in_all("gate", "sync", Counter(late=3))
    assert meter.untold_drops("gate") == {"sync.late": 3}
    assert meter.totals("gate")["drops"] == {"batch.superseded": 2, "sync.late": 3}


def test_streams_do_not_mix():
    """What one stream loses is not another's."""
    meter = Meter(ManualClock())
    meter.add("gate")
    meter.dropped("yard", "batch", "superseded")
    assert meter.untold_drops("gate") == {}
    assert sorted(meter.streams()) == ["gate", "yard"]
    meter.remove("yard")
    assert meter.streams() == ["gate"]
