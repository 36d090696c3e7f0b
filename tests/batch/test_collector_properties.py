"""What holds for the collector whatever the cameras and the device do."""

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streamfuse.batch.collector import BATCH_SIZES, BatchSettings, Collector
from streamfuse.batch.raw import layout_of
from streamfuse.clock import NS_PER_MS
from streamfuse.frames import Frame, Pair, Spectrum

IMAGES = [np.zeros((2, 2 + i), np.uint8) for i in range(2)]


@dataclass(frozen=True)
class Event:
    """After `gap_ms` the device becomes idle or busy, and a camera delivers a pair."""

    gap_ms: float
    idle: bool
    stream: int
    layout: int


def events(streams: int, layouts: int) -> st.SearchStrategy[list[Event]]:
    gap = st.sampled_from([0.0, 0.1, 1.0, 5.0, 33.0, 3000.0])
    event = st.builds(Event, gap_ms=gap, idle=st.booleans(), stream=st.integers(0, streams - 1), layout=st.integers(0, layouts - 1))
    return st.lists(event, max_size=60)


batch_settings = st.builds(BatchSettings, size=st.sampled_from(BATCH_SIZES), budget_ms=st.sampled_from([1.0, 20.0, 200.0]))


def pair_of(event: Event, seq: int) -> Pair:
    frame = Frame(image=IMAGES[event.layout], spectrum=Spectrum.INFRARED, t_cap_ns=0, clock="host", seq=seq, source="drawn")
    return Pair(infrared=frame, visible=None, infrared_state="fresh", visible_state="absent", stream=f"cam{event.stream}", seq=seq)


class Live:
    """Runs a live collector the way `flow` does, and keeps the accounts."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.since_ns: dict[int, int] = {}
        self.launched: list[tuple[Pair, ...]] = []
        self.waited_ns: list[int] = []
        self.superseded: list[Pair] = []

    def pass_time(self, now_ns: int, until_ns: int, *, idle: bool) -> None:
        """Call `take` whenever the collector asks for it, until then."""
        while (wake_ns := self.collector.wake_ns(now_ns, idle=idle)) is not None and wake_ns <= until_ns:
            now_ns = max(now_ns, wake_ns)
            assert self.take(now_ns, idle=idle), "an instant that was asked for, and nothing came of it"

    def take(self, now_ns: int, *, idle: bool, ended: bool = False) -> bool:
        batch = self.collector.take(now_ns, idle=idle, ended=ended)
        self.waited_ns += [now_ns - self.since_ns[pair.seq] for pair in batch]
        if batch:
            self.launched.append(batch)
        return bool(batch)

    def put(self, pair: Pair, now_ns: int) -> None:
        self.since_ns[pair.seq] = now_ns
        replaced = self.collector.put(pair, now_ns)
        if replaced is not None:
            self.superseded.append(replaced)


@settings(deadline=None)
@given(drawn=events(5, 2), how=batch_settings, run_ms=st.sampled_from([0, 3, 50]))
def test_live(drawn, how, run_ms):
    """Each pair is launched or handed back, once; one a stream waits; none beyond its budget; a batch fits and has one layout."""
    live, now_ns = Live(Collector(how)), 0
    for size in range(1, 17):
        live.collector.took(size, run_ms * NS_PER_MS)
    for seq, event in enumerate(drawn):
        then_ns = now_ns + round(event.gap_ms * NS_PER_MS)
        live.pass_time(now_ns, then_ns, idle=event.idle)
        now_ns = then_ns
        live.put(pair_of(event, seq), now_ns)
        streams = Counter(waiting.pair.stream for waiting in live.collector._waiting)
        assert max(streams.values(), default=0) <= 1
        while live.take(now_ns, idle=event.idle):
            pass
    live.pass_time(now_ns, now_ns + round(how.budget_ms * NS_PER_MS), idle=False)
    assert len(live.collector) == 0
    assert max(live.waited_ns, default=0) <= how.budget_ms * NS_PER_MS
    seen = [pair.seq for batch in live.launched for pair in batch] + [pair.seq for pair in live.superseded]
    assert sorted(seen) == list(range(len(drawn)))
    for batch in live.launched:
        assert 1 <= len(batch) <= how.size
        assert len({layout_of(pair) for pair in batch}) == 1
        assert len({pair.stream for pair in batch}) == len(batch)


@settings(deadline=None)
@given(drawn=events(3, 1), how=batch_settings)
def test_live_keeps_the_order_of_each_stream(drawn, how):
    """Pairs of one stream leave in the order in which they came."""
    live, now_ns = Live(Collector(how)), 0
    for seq, event in enumerate(drawn):
        now_ns += round(event.gap_ms * NS_PER_MS)
        live.put(pair_of(event, seq), now_ns)
        live.take(now_ns, idle=event.idle)
    for stream in {pair.stream for batch in live.launched for pair in batch}:
        numbers = [pair.seq for batch in live.launched for pair in batch if pair.stream == stream]
        assert numbers == sorted(numbers)


@settings(deadline=None)
@given(drawn=events(3, 2), how=batch_settings)
def test_lossless(drawn, how):
    """Nothing is lost, nothing overtakes, and batches are cut by count and layout alone: at other times they are the same."""
    runs: list[list[tuple[int, ...]]] = []
    for stretch in (1, 1000):
        collector, now_ns, batches = Collector(how, "lossless"), 0, []
        for seq, event in enumerate(drawn):
            now_ns += round(event.gap_ms * NS_PER_MS) * stretch
            assert collector.put(pair_of(event, seq), now_ns) is None
            assert collector.wake_ns(now_ns, idle=event.idle) is None
            while collector.full:
                batches.append(tuple(pair.seq for pair in collector.take(now_ns, idle=event.idle)))
        while batch := collector.take(now_ns, idle=True, ended=True):
            batches.append(tuple(pair.seq for pair in batch))
        runs.append(batches)
    assert runs[0] == runs[1]
    assert [seq for batch in runs[0] for seq in batch] == list(range(len(drawn)))
    for _, run in groupby(range(len(drawn)), key=lambda seq: drawn[seq].layout):
        first = next(run)
        cut = [batch for batch in runs[0] if drawn[batch[0]].layout == drawn[first].layout and first in batch]
        assert cut[0][0] == first, "a batch reaches over a change of layout"
    assert all(len(batch) == how.size for batch in runs[0][:-1]) or len({event.layout for event in drawn}) > 1
