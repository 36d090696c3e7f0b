"""What every entry of `SYNCS` keeps, whichever way it pairs."""

from itertools import pairwise

import numpy as np
import pytest

from streamfuse.clock import NS_PER_MS
from streamfuse.frames import Frame, Pair, Spectrum
from streamfuse.stages import Sync
from streamfuse.sync import SYNCS

PERIOD_NS = 33 * NS_PER_MS
ARRIVAL_NS = 5 * NS_PER_MS


def frame(spectrum: Spectrum, number: int, offset_ns: int = 0) -> Frame:
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8), np.uint8)
    image = pixels if spectrum is Spectrum.INFRARED else np.stack([pixels] * 3, axis=-1)
    return Frame(image=image, spectrum=spectrum, t_cap_ns=10**18 + number * PERIOD_NS + offset_ns, clock="host", seq=number, source="drawn")


def run(sync: Sync, *, infrared: range, visible: range) -> list[Pair]:
    """Both cameras 2 ms apart, each in its range of frame numbers; deadlines are kept, and both end."""
    pairs: list[Pair] = []
    now_ns = 0
    for number in range(max(infrared.stop, visible.stop)):
        now_ns = number * PERIOD_NS + ARRIVAL_NS
        while (deadline_ns := sync.deadline_ns) is not None and deadline_ns <= now_ns:
            pairs += sync.poll(deadline_ns)
        if number in infrared:
            pairs += sync.feed(frame(Spectrum.INFRARED, number), now_ns)
        if number in visible:
            pairs += sync.feed(frame(Spectrum.VISIBLE, number, 2 * NS_PER_MS), now_ns)
    for spectrum in Spectrum:
        pairs += sync.end(spectrum, now_ns)
    return pairs


@pytest.fixture(params=list(SYNCS))
def sync(request: pytest.FixtureRequest) -> Sync:
    """A matcher with its own defaults."""
    return SYNCS.make(request.param)


def test_pairs_cameras_in_step(sync: Sync) -> None:
    """Cameras in step are paired frame by frame, nothing is lost, and nothing waits at the end."""
    pairs = run(sync, infrared=range(60), visible=range(60))
    assert [(pair.infrared and pair.infrared.seq, pair.visible and pair.visible.seq) for pair in pairs] == [(n, n) for n in range(60)]
    assert {pair.mode for pair in pairs} == {"fused"}
    assert sync.drops.total() == 0
    assert sync.deadline_ns is None


@pytest.mark.parametrize(
    ("infrared", "visible"), [(range(60), range(20)), (range(20), range(60)), (range(60), range(40, 60)), (range(60), range(0))]
)
def test_goes_on_with_one_camera(sync: Sync, infrared: range, visible: range) -> None:
    """A camera that comes late, leaves early or never comes does not stop the other; time grows and numbers have no gaps."""
    pairs = run(sync, infrared=infrared, visible=visible)
    assert len(pairs) >= 58
    assert [pair.seq for pair in pairs] == list(range(len(pairs)))
    assert all(one.t_cap_ns < two.t_cap_ns for one, two in pairwise(pairs))


def test_accounts_for_every_frame(sync: Sync) -> None:
    """Each frame is in a pair or in `drops`."""
    pairs = run(sync, infrared=range(60), visible=range(7, 50))
    out = {(f.spectrum, f.seq) for pair in pairs for f in (pair.infrared, pair.visible) if f}
    assert len(out) + sync.drops.total() == 60 + 43


def test_never_waits_without_a_deadline(sync: Sync) -> None:
    """A frame that is held back is released by `poll` at `deadline_ns`."""
    pairs = sync.feed(frame(Spectrum.VISIBLE, 0), 0)
    for _ in range(3):
        if (deadline_ns := sync.deadline_ns) is not None:
            pairs += sync.poll(deadline_ns)
    assert [pair.mode for pair in pairs] == ["visible_only"]


def test_ending_twice_changes_nothing(sync: Sync) -> None:
    """`end` may be called again, and before any frame."""
    assert sync.end(Spectrum.INFRARED, 0) == []
    assert len(sync.feed(frame(Spectrum.VISIBLE, 0), 0)) == 1
    assert sync.end(Spectrum.INFRARED, 1) == []
