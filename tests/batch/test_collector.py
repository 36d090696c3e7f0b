"""Which pairs form a batch, and when: time is an argument, so it is drawn."""

from collections import Counter

import numpy as np
import pytest
from pydantic import ValidationError

from streamfuse.batch.collector import BATCH_SIZES, RATE_TRUSTED, BatchSettings, Collector, padded_size
from streamfuse.clock import NS_PER_MS
from streamfuse.frames import Pair

SMALL = np.zeros((4, 4), np.uint8)


def ms(value: float) -> int:
    return round(value * NS_PER_MS)


def live(size: int = 16, budget_ms: float = 20.0) -> Collector:
    return Collector(BatchSettings.model_validate({"size": size, "budget_ms": budget_ms}))


def names(pairs: tuple[Pair, ...]) -> str:
    return "".join(pair.stream for pair in pairs)


@pytest.fixture
def acquainted(pair):
    """`acquainted("abc", gap_ms, **settings)`: a collector that has seen these streams arrive evenly, and holds nothing."""

    def build(streams: str, gap_ms: float, **settings: float) -> tuple[Collector, float]:
        collector, now = live(**settings), 0.0  # type: ignore[arg-type]
        rounds = -(-RATE_TRUSTED // len(streams))
        for seq in range(rounds):
            for stream in streams:
                collector.put(pair(stream, seq), ms(now))
                collector.take(ms(now), idle=True, ended=True)
                now += gap_ms
        assert len(collector) == 0
        return collector, now

    return build


# --- live: one pending pair a stream


def test_newer_pair_replaces_the_older(pair):
    """At most one pair of a stream waits; the one it replaces is handed back, to be counted."""
    collector, first, second = live(), pair("a", 0), pair("a", 1)
    assert collector.put(first, 0) is None
    assert collector.put(second, 1) is first
    assert collector.put(pair("b"), 2) is None
    assert len(collector) == 2
    assert second in collector.take(ms(25), idle=False)


def test_stream_keeps_its_turn_when_replaced(pair):
    """A newer pair is due when the older one was: a fast camera is not put off by being fast."""
    collector = live(budget_ms=20)
    collector.put(pair("c", 0), 0)
    collector.take(0, idle=True)  # c is known from now on, and waited for
    collector.put(pair("a", 0), 0)
    collector.put(pair("b", 0), 1)
    collector.put(pair("a", 1), ms(19))
    assert collector.wake_ns(ms(19), idle=False) == ms(20)
    assert collector.take(ms(20) - 1, idle=False) == ()
    assert {(p.stream, p.seq) for p in collector.take(ms(20), idle=False)} == {("a", 1), ("b", 0)}


# --- live: when


def test_launches_when_full(pair):
    """A full batch waits for nothing, not even for the device."""
    collector = live(size=2)
    for stream in "abc":
        collector.put(pair(stream), 0)
    assert names(collector.take(0, idle=False)) == "ab"
    assert names(collector.take(ms(20), idle=False)) == "c"


def test_launches_when_every_stream_is_there(acquainted, pair):
    """Once each camera gave its pair there is nothing to wait for."""
    collector, now = acquainted("abc", 10)
    for stream in "abc":
        assert collector.take(ms(now), idle=False) == ()
        collector.put(pair(stream, 99), ms(now))
    assert names(collector.take(ms(now), idle=False)) == "abc"


def test_launches_when_due(acquainted, pair):
    """While the device works a pair waits for others, but not longer than its budget."""
    collector, now = acquainted("abc", 10, budget_ms=20)
    collector.put(pair("a", 99), ms(now))
    assert collector.wake_ns(ms(now), idle=False) == ms(now + 20)
    assert collector.take(ms(now + 20) - 1, idle=False) == ()
    assert names(collector.take(ms(now + 20), idle=False)) == "a"


def test_idle_device_starts_after_a_lull(acquainted, pair):
    """With nothing to do the device waits for the next pair as long as pairs are apart on average, and starts if none comes."""
    collector, now = acquainted("abcd", 4, budget_ms=20)
    collector.put(pair("a", 99), ms(now))
    assert collector.wake_ns(ms(now), idle=True) == ms(now + 4)
    assert collector.take(ms(now + 4) - 1, idle=True) == ()
    collector.put(pair("b", 99), ms(now + 3.5))
    assert collector.wake_ns(ms(now + 3.5), idle=True) == pytest.approx(ms(now + 3.5 + 4), abs=ms(0.1))
    assert names(collector.take(ms(now + 8), idle=True)) == "ab"


def test_idle_device_never_waits_beyond_the_budget(acquainted, pair):
    """Slow cameras do not stretch the window past the deadline."""
    collector, now = acquainted("abc", 400, budget_ms=20)
    collector.put(pair("a", 99), ms(now))
    assert collector.wake_ns(ms(now), idle=True) == ms(now + 20)


def test_idle_device_starts_at_once_while_no_rate_is_known(pair):
    """The first pairs of a run are not held up for a guess."""
    collector = live()
    collector.put(pair("a"), 0)
    collector.put(pair("b"), 0)
    assert names(collector.take(0, idle=True)) == "ab"


def test_starts_earlier_by_the_time_a_batch_takes(acquainted, pair):
    """The budget includes the run: a batch that takes 12 of 20 ms leaves 8 for waiting."""
    collector, now = acquainted("abc", 10, budget_ms=20)
    collector.took(1, ms(12))
    collector.put(pair("a", 99), ms(now))
    assert collector.wake_ns(ms(now), idle=False) == ms(now + 8)
    collector.took(1, ms(2))  # 0.8 * 12 + 0.2 * 2
    assert collector.wake_ns(ms(now), idle=False) == ms(now + 10)


def test_no_wake_without_pairs(acquainted):
    """With nothing waiting there is no instant worth a call."""
    collector, now = acquainted("ab", 10)
    assert collector.wake_ns(ms(now), idle=True) is None
    assert collector.take(ms(now), idle=True, ended=True) == ()


def test_silent_stream_is_not_waited_for(acquainted, pair):
    """Two seconds after the last pair of a camera the others go without it."""
    collector, now = acquainted("ab", 10)  # b was last seen at now - 10
    collector.put(pair("a", 99), ms(now + 1980))
    assert collector.take(ms(now + 1980), idle=False) == ()
    assert collector.wake_ns(ms(now + 1980), idle=False) == ms(now + 2000)
    assert names(collector.take(ms(now + 1990), idle=False)) == "a"
    collector.put(pair("b", 99), ms(now + 2000))
    assert collector.take(ms(now + 2000), idle=False) == ()  # it is back, and a is waited for again


def test_removed_stream_is_not_waited_for(acquainted, pair):
    """A stream that was removed loses what waits, and holds up nobody."""
    collector, now = acquainted("abc", 10)
    for stream in "ab":
        collector.put(pair(stream, 99), ms(now))
    assert collector.holds("b")
    collector.forget("b")
    assert not collector.holds("b")
    assert collector.take(ms(now), idle=False) == ()
    collector.forget("c")
    assert names(collector.take(ms(now), idle=False)) == "a"


@pytest.mark.parametrize("spread_ms", [0.0, 0.3, 1.0])
def test_bursts_of_sixteen_cameras_form_one_batch_each(pair, spread_ms):
    """Sixteen cameras that fire together 30 times a second go together, though the device is idle when the first one comes."""
    collector, sizes = live(), []
    for burst in range(30):
        start = burst * 33.3
        for camera in range(16):
            now = ms(start + camera * spread_ms)
            while (wake := collector.wake_ns(now, idle=True)) is not None and wake < now:
                sizes.append((burst, len(collector.take(wake, idle=True))))
            collector.put(pair(f"cam{camera}", burst), now)
            if batch := collector.take(now, idle=True):
                sizes.append((burst, len(batch)))
    known = [size for burst, size in sizes if burst >= 3]
    assert set(known) == {16}
    assert len(collector) == 0


# --- live: who


def test_groups_share_a_layout(acquainted, pair):
    """Pictures of another size go in another batch, and neither group waits for the streams of the other."""
    collector, now = acquainted("a", 10)
    collector = live()
    for stream, image in (("a", None), ("x", SMALL), ("b", None), ("y", SMALL)):
        collector.put(pair(stream, infrared=image), ms(now))
    assert names(collector.take(ms(now), idle=False)) == "ab"
    assert names(collector.take(ms(now), idle=False)) == "xy"


def test_other_layouts_are_not_waited_for(pair):
    """A camera of another size that still has to come does not hold up a group that is complete."""
    collector = live()
    collector.put(pair("x", infrared=SMALL), 0)
    collector.take(0, idle=False, ended=True)
    collector.put(pair("a"), ms(1))
    collector.put(pair("b"), ms(1))
    assert names(collector.take(ms(1), idle=False)) == "ab"


def test_oldest_first(pair):
    """Of more streams than fit those go first that came first, and then those that were not served."""
    collector = live(size=2)
    for at, stream in enumerate("dcba"):
        collector.put(pair(stream), at)
    assert names(collector.take(4, idle=False)) == "dc"
    for at, stream in enumerate("dcba"):
        collector.put(pair(stream, 1), 5 + at)
    assert names(collector.take(9, idle=False)) == "ba"


def test_overload_is_shared(pair):
    """With 20 cameras and a device for 8 of them a period, every camera gets the same share."""
    collector, served = live(size=8), Counter[str]()
    for period in range(100):
        for camera in range(20):
            collector.put(pair(f"cam{camera}", period), ms(33 * period) + camera)
        served.update(p.stream for p in collector.take(ms(33 * period + 20), idle=True))
    assert sum(served.values()) == 800
    assert len(served) == 20
    assert max(served.values()) - min(served.values()) <= 1


def test_end_empties_what_waits(acquainted, pair):
    """When no more can come, what waits goes at once, layout by layout."""
    collector, now = acquainted("abc", 10)
    collector.put(pair("a", 99), ms(now))
    collector.put(pair("b", 99, infrared=SMALL), ms(now))
    assert names(collector.take(ms(now), idle=False, ended=True)) == "a"
    assert names(collector.take(ms(now), idle=False, ended=True)) == "b"
    assert len(collector) == 0


# --- sizes


@pytest.mark.parametrize(("count", "padded"), [(1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (16, 16), (17, 17)])
def test_padded_size(count, padded):
    """A batch is filled up to the next fixed size."""
    assert padded_size(count) == padded


@pytest.mark.parametrize("size", BATCH_SIZES)
def test_every_fixed_size_can_be_asked_for(size):
    """The sizes of the settings are the fixed ones."""
    assert BatchSettings(size=size).size == size


@pytest.mark.parametrize("values", [{"size": 3}, {"size": 32}, {"budget_ms": 0}, {"budget_ms": 1001}, {"sise": 4}])
def test_settings_have_limits(values):
    """Sizes between the fixed ones, budgets out of range and unknown keys are refused."""
    with pytest.raises(ValidationError):
        BatchSettings.model_validate(values)
