"""What holds for `Nearest` whatever the cameras do."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamfuse.clock import NS_PER_MS
from streamfuse.frames import Frame, Pair, Spectrum
from streamfuse.sync.nearest import DEPTH, TOLERANCE_NS, Nearest, SyncSettings

FrameAt = Callable[..., Frame]
INFRARED, VISIBLE = Spectrum.INFRARED, Spectrum.VISIBLE
BREAKS_MS = (-20_000, -600, -100, 5_500, 20_000)
POLICIES = ["live", "lossless"]


@dataclass(frozen=True)
class Event:
    """A frame of one camera."""

    spectrum: Spectrum
    t_ms: int
    arrival_ms: int
    epoch: int = 0


@st.composite
def cameras(draw: st.DrawFn, spectrum: Spectrum, *, breaks: bool) -> list[Event]:
    """Frames of a camera with its own period, gaps, jitter and delay; with `breaks` its clock may jump and its epoch grow."""
    period = draw(st.integers(8, 120))
    t_ms, clock_ms, epoch = draw(st.integers(0, 200)), 0, 0
    delay = draw(st.integers(0, 60))
    events = []
    for _ in range(draw(st.integers(0, 50))):
        events.append(Event(spectrum, t_ms + clock_ms, t_ms + delay + draw(st.integers(0, 15)), epoch))
        t_ms += max(1, period * draw(st.sampled_from([1, 1, 1, 1, 1, 2, 3, 12])) + draw(st.integers(-5, 5)))
        if breaks and draw(st.integers(0, 19)) == 0:
            clock_ms += draw(st.sampled_from(BREAKS_MS))
            epoch += draw(st.integers(0, 1))
    return events


sync_settings = st.builds(
    SyncSettings,
    reference=st.sampled_from(["visible", "infrared", "slower"]),
    on_unpaired=st.sampled_from(["degrade", "drop"]),
    tolerance_ms=st.none() | st.integers(1, 100),
    wait_ms=st.none() | st.integers(0, 300),
    reuse_max_ms=st.sampled_from([0, 40, 150]),
)


class Book:
    """Feeds a matcher and keeps the accounts."""

    def __init__(self, sync: Nearest, frame_at: FrameAt) -> None:
        self.sync, self.frame_at = sync, frame_at
        self.pairs: list[Pair] = []
        self.fed = 0
        self.most_held = 0

    def feed(self, event: Event) -> None:
        now_ns = event.arrival_ms * NS_PER_MS
        while (deadline_ns := self.sync.deadline_ns) is not None and deadline_ns <= now_ns:
            self.pairs += self.sync.poll(deadline_ns)
            later_ns = self.sync.deadline_ns
            assert later_ns is None or later_ns > deadline_ns, "a deadline that passes without effect"
        self.pairs += self.sync.feed(self.frame_at(event.spectrum, event.t_ms * NS_PER_MS, seq=self.fed, epoch=event.epoch), now_ns)
        self.fed += 1
        self.most_held = max(self.most_held, *(len(timeline.held) for timeline in self.sync._timelines.values()))

    def end(self, now_ms: int = 10**7) -> None:
        for spectrum in Spectrum:
            self.pairs += self.sync.end(spectrum, now_ms * NS_PER_MS)

    @property
    def out(self) -> set[int]:
        """Numbers of all frames that came out."""
        return {frame.seq for pair in self.pairs for frame in (pair.infrared, pair.visible) if frame}

    @property
    def waiting(self) -> int:
        return sum(not held.used for timeline in self.sync._timelines.values() for held in timeline.held)


def assert_in_order(pairs: list[Pair]) -> None:
    assert [pair.seq for pair in pairs] == list(range(len(pairs)))
    for one, two in pairwise(pairs):
        assert one.epoch < two.epoch or (one.epoch == two.epoch and one.t_cap_ns < two.t_cap_ns)
        for a, b in ((one.infrared, two.infrared), (one.visible, two.visible)):
            assert one.epoch < two.epoch or not (a and b) or a.t_cap_ns <= b.t_cap_ns


def assert_near(pairs: list[Pair], chosen: SyncSettings) -> None:
    tolerance_ns = TOLERANCE_NS[1] if chosen.tolerance_ms is None else chosen.tolerance_ms * NS_PER_MS
    fresh: Counter[int] = Counter()
    for pair in pairs:
        fresh.update(frame.seq for s in Spectrum if (frame := pair.frame(s)) and pair.state(s) == "fresh")
        if pair.skew_ns is None:
            continue
        partner = pair.infrared if pair.lead is pair.visible else pair.visible
        assert partner is not None
        if pair.state(partner.spectrum) == "fresh":
            assert abs(pair.skew_ns) <= tolerance_ns
        else:
            assert abs(pair.skew_ns) < chosen.reuse_max_ms * NS_PER_MS
    assert all(times == 1 for times in fresh.values())


@settings(max_examples=80, deadline=None)
@given(infrared=cameras(INFRARED, breaks=True), visible=cameras(VISIBLE, breaks=True), chosen=sync_settings)
def test_live(frame_at: FrameAt, infrared: list[Event], visible: list[Event], chosen: SyncSettings) -> None:
    """Whatever happens: time grows within an epoch, partners are near, memory is bounded, and each frame is accounted for once."""
    book = Book(Nearest(chosen), frame_at)
    for event in sorted(infrared + visible, key=lambda event: event.arrival_ms):
        book.feed(event)
        assert book.fed == len(book.out) + book.sync.drops.total() + book.waiting
    book.end()
    assert book.fed == len(book.out) + book.sync.drops.total()
    assert_in_order(book.pairs)
    assert_near(book.pairs, chosen)
    assert book.most_held <= DEPTH
    assert book.sync.deadline_ns is None


def merged(infrared: list[Event], visible: list[Event], infrared_first: list[bool]) -> list[Event]:
    """Both cameras in order of capture; where equal, the order is drawn."""
    first = iter(infrared_first)
    swap = {event.t_ms: next(first, True) for event in infrared}
    return sorted(infrared + visible, key=lambda event: (event.t_ms, (event.spectrum is VISIBLE) == swap.get(event.t_ms, True)))


def lossless(frame_at: FrameAt, chosen: SyncSettings, events: list[Event], numbers: dict[Event, int]) -> Book:
    book = Book(Nearest(chosen, policy="lossless"), frame_at)
    for event in events:
        book.fed = numbers[event]
        book.feed(event)
    book.fed = len(events)
    book.end()
    return book


def listing(pairs: list[Pair]) -> list[tuple[object, ...]]:
    return [(p.seq, p.epoch, p.infrared and p.infrared.seq, p.visible and p.visible.seq, p.infrared_state, p.visible_state) for p in pairs]


@settings(max_examples=80, deadline=None)
@given(
    infrared=cameras(INFRARED, breaks=False),
    visible=cameras(VISIBLE, breaks=False),
    reference=st.sampled_from(["visible", "infrared"]),
    ties=st.lists(st.booleans(), max_size=50),
)
def test_lossless(frame_at: FrameAt, infrared: list[Event], visible: list[Event], reference: Any, ties: list[bool]) -> None:
    """Each reference frame comes out exactly once, nothing depends on the order of equal times, and what waits is bounded."""
    if ties:  # make equal times likely
        infrared = [Event(e.spectrum, t_ms, 0) for t_ms, e in {e.t_ms // 20 * 20: e for e in infrared}.items()]
        visible = [Event(e.spectrum, t_ms, 0) for t_ms, e in {e.t_ms // 20 * 20: e for e in visible}.items()]
    chosen = SyncSettings(reference=reference)
    numbers = {event: number for number, event in enumerate(infrared + visible)}
    book = lossless(frame_at, chosen, merged(infrared, visible, []), numbers)
    led = [numbers[event] for event in (infrared if reference == "infrared" else visible)]
    came = [frame.seq for pair in book.pairs if (frame := pair.frame(Spectrum(reference)))]
    assert came == led
    assert set(book.sync.drops) <= {"unused"}
    assert book.fed == len(book.out) + book.sync.drops.total()
    assert_in_order(book.pairs)
    assert_near(book.pairs, chosen)
    assert book.most_held <= 1 + 12 * 120 // 8  # the longest silence, in frames of the fastest camera
    again = lossless(frame_at, chosen, merged(infrared, visible, ties), numbers)
    assert listing(again.pairs) == listing(book.pairs)
    assert again.sync.drops == book.sync.drops


@pytest.mark.parametrize("policy", POLICIES)
def test_two_runs_are_equal(frame_at: FrameAt, policy: Any) -> None:
    """The same frames at the same times give the same pairs."""
    events = [Event(INFRARED, n * 40 + n % 3, n * 40 + 9) for n in range(80)] + [Event(VISIBLE, n * 33, n * 33 + 30) for n in range(97)]
    events.sort(key=lambda event: event.arrival_ms if policy == "live" else event.t_ms)
    runs = []
    for _ in range(2):
        book = Book(Nearest(SyncSettings(reference="slower"), policy=policy), frame_at)
        for event in events:
            book.feed(event)
        book.end()
        runs.append(listing(book.pairs))
    assert runs[0] == runs[1]
    assert len(runs[0]) > 75
