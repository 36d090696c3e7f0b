"""Time stamps against arrivals."""

from statistics import fmean

import pytest

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.source.clocks.estimated import MOST, EstimatedClock
from tests.source.clocks.simulated import START_NS, Camera, packets


def fed(camera: Camera, seconds: float, after_s: float = 0.0) -> tuple[EstimatedClock, list[float]]:
    """The clock at the end, and its error in ms at each packet: what it makes of the stamp, minus the truth and the least delay."""
    clock, errors = EstimatedClock(), []
    for packet in packets(camera, seconds):
        clock.add(packet.stream_ns, packet.arrival_ns)
        true_ns = packet.true_ns - START_NS
        if true_ns >= after_s * NS_PER_S:
            errors.append((clock.at(packet.stream_ns) - true_ns) / NS_PER_MS - camera.delay_ms)
    return clock, errors


@pytest.mark.parametrize("drift_ppm", [-200.0, 0.0, 200.0])
@pytest.mark.parametrize("fps", [9.0, 30.0])
def test_finds_offset_and_drift(fps, drift_ppm):
    """After 90 s drift is known within 25 ppm and time, but for the least delay, within 3 ms on average."""
    clock, errors = fed(Camera(fps=fps, drift_ppm=drift_ppm), 90, after_s=60)
    assert clock.drift_ppm == pytest.approx(drift_ppm, abs=25)
    assert abs(fmean(errors)) < 3


def test_drift_is_not_told_too_early():
    """Before 20 s a jitter of milliseconds would pass for drift."""
    assert fed(Camera(), 15)[0].drift_ppm is None
    assert EstimatedClock().drift_ppm is None


def test_a_network_that_stands_still_changes_nothing():
    """What comes late, all at once, says nothing about the clock."""
    _, calm = fed(Camera(), 60, after_s=40)
    _, stalled = fed(Camera(stalls=((30, 8),)), 60, after_s=40)
    assert abs(fmean(stalled) - fmean(calm)) < 1


def test_less_delay_is_followed_within_two_seconds():
    """A shorter way through the network is believed at once, since nothing comes too early."""
    clock = EstimatedClock()
    for tenth in range(300):
        clock.add(tenth * NS_PER_S // 10, tenth * NS_PER_S // 10 + 200 * NS_PER_MS)
    for tenth in range(300, 320):
        clock.add(tenth * NS_PER_S // 10, tenth * NS_PER_S // 10 + 50 * NS_PER_MS)
    assert clock.at(32 * NS_PER_S) == 32 * NS_PER_S + 50 * NS_PER_MS


def test_lag_is_what_stays():
    """One late packet is no lag; a camera that stays behind is, by how much it does."""
    clock = EstimatedClock()
    for tenth in range(100):
        clock.add(tenth * NS_PER_S // 10, tenth * NS_PER_S // 10 + (500 * NS_PER_MS if tenth == 50 else 0))
    assert clock.lag_ns == 0
    for tenth in range(100, 170):
        clock.add(tenth * NS_PER_S // 10, tenth * NS_PER_S // 10 + 3 * NS_PER_S)
    assert clock.lag_ns == 3 * NS_PER_S


def test_stamps_that_stand_still_take_no_memory():
    """Of a second that never ends only the first packets are kept."""
    clock = EstimatedClock()
    for number in range(3000):
        clock.add(0, number)
    assert len(clock._second) == MOST


def test_jitter_is_measured():
    """Delays that shake show as jitter, and a single late packet does not."""
    assert fed(Camera(jitter_ms=0, stamp_jitter_ms=0), 20)[0].jitter_ns < NS_PER_MS
    assert 1 < fed(Camera(jitter_ms=10, stamp_jitter_ms=0), 20)[0].jitter_ns / NS_PER_MS < 15
