"""The camera's UTC from samples of its sender reports."""

import random

import pytest

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.source.clocks.rtcp import CONFIRM_NS, RtcpClock

WALL_NS = 1_700_000_000 * NS_PER_S
FRAME_NS = NS_PER_S // 30


def feed(clock: RtcpClock, seconds: range, offset_ns: int = WALL_NS, ppm: float = 0.0, noise_ms: float = 0.0) -> None:
    """Packets at 30 fps whose reports come every five seconds."""
    chance = random.Random(3)
    noise_ns = 0
    for number in range(seconds.start * 30, seconds.stop * 30):
        if number % 150 == 0:
            noise_ns = round(chance.gauss(0, noise_ms) * NS_PER_MS)
        stream_ns = number * FRAME_NS
        since_report_ns = number // 150 * 150 * FRAME_NS
        clock.add(stream_ns, stream_ns + offset_ns + round(since_report_ns * ppm * 1e-6) + noise_ns)


def test_the_first_sample_is_left_out():
    """FFmpeg gives the first one to the wrong packet, a frame late."""
    clock = RtcpClock()
    clock.add(0, WALL_NS + FRAME_NS)
    assert clock.line is None
    clock.add(FRAME_NS, WALL_NS + FRAME_NS)
    assert clock.at(0) == WALL_NS
    assert clock.uncertainty_ns(FRAME_NS) == NS_PER_MS


@pytest.mark.parametrize("ppm", [-200.0, 0.0, 200.0])
def test_follows_a_drift_between_its_two_clocks(ppm):
    """The slope is within 10 ppm after a minute, and time within 2 ms all along."""
    clock = RtcpClock()
    for second in range(5, 90):
        feed(clock, range(second, second + 1), ppm=ppm)
        now_ns = (second + 1) * NS_PER_S
        assert clock.at(now_ns) - WALL_NS == pytest.approx(now_ns * (1 + ppm * 1e-6), abs=2 * NS_PER_MS)
    assert clock.drift_ppm == pytest.approx(ppm, abs=10)
    assert clock.reports == (1 if ppm == 0 else 17)


def test_reports_that_shake_are_averaged_and_owned_up_to():
    """Reports that are wrong by 5 ms give a time that is right within 5 ms, and an uncertainty that covers them."""
    clock = RtcpClock()
    feed(clock, range(60), noise_ms=5)
    error_ns = abs(clock.at(60 * NS_PER_S) - WALL_NS - 60 * NS_PER_S)
    assert error_ns < 5 * NS_PER_MS
    assert clock.uncertainty_ns(60 * NS_PER_S) > max(error_ns, 5 * NS_PER_MS)
    assert clock.drift_noise_ppm > 50


def test_one_wild_report_is_ignored():
    """A report that is wrong by a second, between two good ones, changes nothing."""
    clock = RtcpClock()
    feed(clock, range(30))
    feed(clock, range(30, 35), offset_ns=WALL_NS + NS_PER_S)
    feed(clock, range(35, 45))
    assert clock.at(45 * NS_PER_S) == WALL_NS + 45 * NS_PER_S
    assert clock.restarts == 0


@pytest.mark.parametrize("by_s", [-20, 20])
def test_a_clock_that_was_set_is_believed_when_it_stays(by_s):
    """Until a second report says the same, time goes on as before."""
    clock = RtcpClock()
    feed(clock, range(30))
    feed(clock, range(30, 35), offset_ns=WALL_NS + by_s * NS_PER_S)
    assert clock.at(35 * NS_PER_S) == WALL_NS + 35 * NS_PER_S
    feed(clock, range(35, 37 + CONFIRM_NS // NS_PER_S), offset_ns=WALL_NS + by_s * NS_PER_S)
    assert clock.at(40 * NS_PER_S) == WALL_NS + (40 + by_s) * NS_PER_S
    assert clock.restarts == 1


def test_without_reports_it_grows_less_sure():
    """Half an hour after the last report the line may be wrong by 180 ms."""
    clock = RtcpClock()
    feed(clock, range(30))
    assert clock.uncertainty_ns(1830 * NS_PER_S) == pytest.approx(181 * NS_PER_MS, abs=NS_PER_MS)
