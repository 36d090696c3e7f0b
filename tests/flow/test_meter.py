"""Counts and times at the hand-overs."""

from collections import Counter

from streamfuse.clock import ManualClock
from streamfuse.flow.meter import Meter
from streamfuse.results import Misalignment
from tests.conftest import make_clock_report


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


def test_every_camera_has_its_clock():
    """Which clock, by how much it is off and drifts, whether it is used, and how often its time broke."""
    meter = Meter(ManualClock())
    known = {"uncertainty_ns": 1_200_000, "offset_ns": -4_000_000, "drift_ppm": -12.34, "jitter_ns": 3_000_000, "lag_ns": 500_000}
    report = make_clock_report("rtcp", **known, reports=7)
    meter.clock("gate", "visible", report, 3)
    assert meter.stats("gate")["clocks"] == {
        "visible": {
            "clock": "rtcp",
            "uncertainty_ms": 1.2,
            "offset_ms": -4.0,
            "drift_ppm": -12.3,
            "jitter_ms": 3.0,
            "lag_ms": 0.5,
            "reports": 7,
            "clk_bias": False,
            "epoch": 3,
        }
    }


def test_reconnects_are_connections_after_the_first():
    """The first picture is no reconnect; what was wrong is told until pictures come again, and the count is in the totals."""
    meter = Meter(ManualClock())
    meter.connected("gate", "visible")
    assert meter.stats("gate")["reconnects"] == {"visible": 0}
    meter.trouble("gate", "visible", "no picture for 3.1 s")
    assert meter.stats("gate")["trouble"] == {"visible": "no picture for 3.1 s"}
    meter.connected("gate", "visible")
    assert meter.stats("gate")["trouble"] == {}
    assert meter.totals("gate")["reconnects"] == {"visible": 1}


def test_alignment_is_told_once_it_is_known():
    """No figure before it was measured; then the shift, how far it moved, and whether that is an alarm."""
    meter = Meter(ManualClock())
    meter.misaligned("gate", None)
    assert "alignment" not in meter.stats("gate")
    meter.misaligned("gate", Misalignment(shift_px=(6.004, -0.5), moved_px=5.5, alarm=True))
    assert meter.stats("gate")["alignment"] == {"x_px": 6.0, "y_px": -0.5, "moved_px": 5.5, "alarm": True}
