"""Figures in words."""

from typing import Any

from streamfuse.cli.figures import camera_line, checks, latencies, line
from streamfuse.clock import ManualClock
from streamfuse.flow.meter import Meter
from streamfuse.results import Misalignment

CLOCK = {"clock": "rtcp", "uncertainty_ms": 1.0, "offset_ms": 12.0, "drift_ppm": None, "jitter_ms": 1.0, "clk_bias": False}
CONTENT = {"offset_ms": 400.0, "corrected_ms": 0.0, "confidence": 0.93, "reason": ""}


def stats() -> dict[str, Any]:
    meter = Meter(ManualClock())
    meter.result("gate", mode="fused", age_ns=12_300_000, skew_ns=-4_000_000, latency_us={"source": 900, "fuse": 2000, "align": 3})
    meter.dropped("gate", "batch", "superseded", 3)
    meter.camera("gate", "visible", "running")
    return meter.stats("gate")


def test_a_line_holds_everything():
    """Rate, age, skew, drops, latencies and cameras stand on one line."""
    said = line("gate", stats())
    for part in ("gate: 1 results", "age 12.3 ms", "skew -4.0 ms", "drops 3 batch.superseded", "source 0.9 fuse 2.0", "visible running"):
        assert part in said


def test_before_the_first_result():
    """A stream without results says so instead of showing zeros."""
    meter = Meter(ManualClock())
    meter.add("yard")
    assert "no pair yet" in line("yard", meter.stats("yard"))


def test_other_publishers_tell_less():
    """Figures that are not there are left out: the bus promises none."""
    assert line("yard", {"results": 3}).startswith("yard: 3 results")


def test_small_latencies_are_left_out():
    """What takes less than a tenth of a millisecond is noise."""
    assert latencies({"fuse": 2000, "align": 20, "source": 100}) == "source 0.1 fuse 2.0"


def test_a_camera_tells_its_clock():
    """Drift once it can be told, and by how much its own time of day is off where that is not used."""
    told = {"cameras": {"visible": "running"}, "clocks": {"visible": CLOCK}, "reconnects": {"visible": 2}}
    assert camera_line("visible", told) == "visible running (rtcp ±1.0 ms, reconnects: 2)"
    biased = CLOCK | {"clock": "estimated", "drift_ppm": 81.2, "offset_ms": -7000.0, "clk_bias": True}
    assert camera_line("visible", told | {"clocks": {"visible": biased}, "reconnects": {}}) == (
        "visible running (estimated ±1.0 ms, +81 ppm, its own clock is off by -7.0 s)"
    )


def test_a_camera_tells_why_it_is_away():
    """The cause stands beside the state."""
    assert camera_line("visible", {"cameras": {"visible": "backoff"}, "trouble": {"visible": "no route"}}) == "visible backoff (no route)"


def test_checks_say_whether_to_act():
    """A knocked camera and an offset that is not corrected ask for somebody; all else is told only."""
    meter = Meter(ManualClock())
    for alarm in (False, True):
        meter.misaligned("gate", Misalignment(shift_px=(3.0, 4.0), moved_px=5.0, alarm=alarm))
        ((words, act),) = checks(meter.stats("gate"))
        assert "5.0 px off" in words
        assert (act, "knocked" in words) == (alarm, alarm)
    assert checks({"content": CONTENT}) == [("by content +400 ms apart, confidence 0.93", True)]
    assert checks({"content": CONTENT | {"corrected_ms": 395.0}}) == [("by content +5 ms apart, confidence 0.93", False)]
    assert checks({"content": CONTENT | {"reason": "nothing moves"}}) == [("content cannot say: nothing moves", False)]
