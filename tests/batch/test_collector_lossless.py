"""Batches of a recording: by count, never by time."""

import numpy as np

from streamfuse.batch.collector import BatchSettings, Collector
from streamfuse.clock import NS_PER_MS

SMALL = np.zeros((4, 4), np.uint8)
LATER_NS = 10_000 * NS_PER_MS


def lossless(size: int) -> Collector:
    return Collector(BatchSettings.model_validate({"size": size}), "lossless")


def test_lossless_counts_and_never_looks_at_the_clock(pair):
    """Batches are exactly as large as was asked, in order, at whatever time; the rest goes at the end."""
    collector = lossless(4)
    taken = []
    for seq in range(10):
        assert collector.put(pair("a", seq), seq) is None
        assert collector.wake_ns(LATER_NS, idle=True) is None
        taken.append([p.seq for p in collector.take(LATER_NS, idle=True)])
    assert [group for group in taken if group] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert [p.seq for p in collector.take(0, idle=False, ended=True)] == [8, 9]
    assert collector.take(0, idle=False, ended=True) == ()


def test_lossless_says_when_it_is_full(pair):
    """`full` tells the one who puts to wait; live is never full."""
    collector, other, seen = lossless(2), Collector(BatchSettings(size=1)), []
    for seq in range(2):
        collector.put(pair("a", seq), 0)
        other.put(pair("a", seq), 0)
        seen.append((collector.full, other.full))
    collector.take(0, idle=True)
    seen.append((collector.full, other.full))
    assert seen == [(False, False), (True, False), (False, False)]


def test_lossless_batch_ends_where_the_layout_changes(pair):
    """A camera that changes its size ends the batch; no pair overtakes another."""
    collector = lossless(4)
    for seq, image in enumerate([None, None, SMALL, SMALL, None]):
        collector.put(pair("a", seq, infrared=image), 0)
    groups = [[p.seq for p in collector.take(0, idle=True, ended=True)] for _ in range(3)]
    assert groups == [[0, 1], [2, 3], [4]]


def test_lossless_keeps_all_pairs_of_a_stream(pair):
    """Nothing is superseded where nothing may be lost."""
    collector = lossless(16)
    assert [collector.put(pair("a", seq), 0) for seq in range(5)] == [None] * 5
    assert len(collector) == 5
