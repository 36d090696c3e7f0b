"""The running period and jitter of one stream."""

import random

import pytest

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.sync.rhythm import WINDOW, Rhythm


def rhythm_of(rate_hz: float, *, count: int = 60, sigma_ms: float = 0.0, lost: float = 0.0) -> Rhythm:
    chance = random.Random(3)
    rhythm = Rhythm()
    for number in range(count):
        if chance.random() >= lost:
            rhythm.add(round(number * NS_PER_S / rate_hz + chance.gauss(0, sigma_ms) * NS_PER_MS))
    return rhythm


def test_period_is_unknown_until_a_few_intervals_were_seen() -> None:
    """Two frames do not make a rhythm."""
    rhythm = Rhythm()
    for number in range(4):
        rhythm.add(number * 40 * NS_PER_MS)
        assert rhythm.period_ns is None
    rhythm.add(160 * NS_PER_MS)
    assert rhythm.period_ns == 40 * NS_PER_MS
    assert rhythm.jitter_ns == 0


@pytest.mark.parametrize("rate_hz", [9.0, 25.0, 29.97, 60.0])
def test_period_survives_jitter_and_lost_frames(rate_hz: float) -> None:
    """A tenth of the frames lost and stamps that shake by 1 ms move the period by less than 5 %."""
    rhythm = rhythm_of(rate_hz, sigma_ms=1.0, lost=0.1)
    assert rhythm.period_ns == pytest.approx(NS_PER_S / rate_hz, rel=0.05)


def test_jitter_is_that_of_a_stamp() -> None:
    """The jitter of single stamps comes out, not that of intervals, within what 32 samples allow."""
    found = [rhythm_of(30.0, count=count, sigma_ms=3.0).jitter_ns / NS_PER_MS for count in range(60, 400, 20)]
    assert sum(found) / len(found) == pytest.approx(3.0, rel=0.25)


def test_follows_a_new_rate() -> None:
    """After a window of frames at another rate, that rate is the period."""
    rhythm = rhythm_of(30.0)
    for number in range(1, WINDOW + 1):
        rhythm.add(60 * NS_PER_S + number * 100 * NS_PER_MS)
    assert rhythm.period_ns == 100 * NS_PER_MS


def test_an_older_stamp_says_nothing() -> None:
    """Frames out of order leave the rhythm as it is."""
    rhythm = rhythm_of(25.0)
    before = rhythm.period_ns
    rhythm.add(0)
    rhythm.add(NS_PER_S)
    assert rhythm.period_ns == before


def test_an_interruption_is_no_interval() -> None:
    """After a break in time even a rhythm of few frames is not misled by the step."""
    rhythm = rhythm_of(25.0, count=5)
    rhythm.interrupt()
    for number in range(3):
        rhythm.add(NS_PER_S * 1000 + number * 40 * NS_PER_MS)
    assert rhythm.period_ns == 40 * NS_PER_MS
    assert rhythm.jitter_ns == 0


@pytest.mark.parametrize(
    ("one_hz", "other_hz", "slower", "like"),
    [(25.0, 30.0, True, False), (30.0, 25.0, False, False), (29.97, 30.0, False, True), (9.0, 30.0, True, False)],
)
def test_compares_rates_with_a_margin(one_hz: float, other_hz: float, slower: bool, like: bool) -> None:
    """25 fps is slower than 30, 29.97 is like it."""
    one, other = rhythm_of(one_hz, sigma_ms=0.5), rhythm_of(other_hz, sigma_ms=0.5)
    assert one.slower_than(other) is slower
    assert one.like(other) is like


def test_does_not_compare_what_it_hardly_knows() -> None:
    """Few frames are enough for a period, not for a comparison."""
    few, many = rhythm_of(9.0, count=8), rhythm_of(30.0)
    assert few.period_ns is not None
    assert not few.slower_than(many)
    assert not few.like(rhythm_of(9.0))
