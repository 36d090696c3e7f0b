"""`Nearest` where time breaks: clocks that jump, cameras that reconnect, recordings that loop."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.frames import Frame, Pair, Spectrum
from streamfuse.sync.nearest import Nearest, SyncSettings

FrameAt = Callable[..., Frame]
INFRARED, VISIBLE = Spectrum.INFRARED, Spectrum.VISIBLE
PERIOD_NS = NS_PER_S // 30


class Camera:
    """Frames of one camera by number, whose clock is stepped at one of them."""

    def __init__(self, frame_at: FrameAt, spectrum: Spectrum, *, step_s: float = 0.0, step_at: int = 10**9, epochs: bool = False) -> None:
        self._frame_at, self._spectrum, self._step_ns = frame_at, spectrum, round(step_s * NS_PER_S)
        self._step_at, self._epochs = step_at, epochs

    def frame(self, number: int) -> Frame:
        stepped = number >= self._step_at
        t_ns = number * PERIOD_NS + self._step_ns * stepped
        return self._frame_at(self._spectrum, t_ns, seq=number, epoch=int(stepped and self._epochs))


def run(sync: Nearest, first: Camera, second: Camera, count: int = 120) -> list[Pair]:
    """Both frames of each instant arrive 5 ms apart, `first` first; deadlines are kept."""
    pairs = []
    for number in range(count):
        for camera, after_ns in ((first, 0), (second, 5 * NS_PER_MS)):
            now_ns = number * PERIOD_NS + after_ns
            while (deadline_ns := sync.deadline_ns) is not None and deadline_ns <= now_ns:
                pairs += sync.poll(deadline_ns)
            pairs += sync.feed(camera.frame(number), now_ns)
    return pairs


def assert_right(pairs: list[Pair]) -> None:
    """Every pair of two is of one number, and time grows within an epoch."""
    assert all(pair.infrared.seq == pair.visible.seq for pair in pairs if pair.infrared and pair.visible)
    assert all(a.t_cap_ns < b.t_cap_ns for a, b in pairwise(pairs) if a.epoch == b.epoch)
    assert [pair.seq for pair in pairs] == list(range(len(pairs)))


@pytest.mark.parametrize("step_s", [-20.0, 20.0, -2.0, 6.0])
@pytest.mark.parametrize("infrared_first", [True, False])
@pytest.mark.parametrize("apart", [0, 1, 3])
def test_both_clocks_step(frame_at: FrameAt, step_s: float, infrared_first: bool, apart: int) -> None:
    """A step of both clocks, one some frames after the other, gives no wrong pair, and costs those frames and one more at most."""
    spectra = (INFRARED, VISIBLE) if infrared_first else (VISIBLE, INFRARED)
    first, second = (Camera(frame_at, s, step_s=step_s, step_at=at) for s, at in zip(spectra, (50, 50 + apart), strict=True))
    sync = Nearest(SyncSettings(reuse_max_ms=0))
    pairs = run(sync, first, second)
    assert_right(pairs)
    fused = sum(pair.mode == "fused" for pair in pairs)
    assert fused == 120 if apart == 0 else fused >= 119 - apart
    assert pairs[-1].epoch == 1 if apart == 0 else pairs[-1].epoch in (1, 2)


@pytest.mark.parametrize("spectrum", list(Spectrum))
@pytest.mark.parametrize("step_s", [-20.0, 20.0])
def test_one_clock_steps_for_good(frame_at: FrameAt, spectrum: Spectrum, step_s: float) -> None:
    """When one clock alone is off by 20 s there are no pairs any more, and no wrong ones: the visible camera goes on alone."""
    infrared, visible = (Camera(frame_at, s, step_s=step_s, step_at=50 if s is spectrum else 10**9) for s in Spectrum)
    sync = Nearest(SyncSettings(reuse_max_ms=0))
    pairs = run(sync, infrared, visible, 300)
    assert_right(pairs)
    assert [pair.mode for pair in pairs].count("fused") == 50
    assert pairs[-1].mode == "visible_only"
    assert len(pairs) >= 298  # the last may still wait for its deadline
    assert all(len(timeline.held) <= 64 for timeline in sync._timelines.values())


@pytest.mark.parametrize("spectrum", list(Spectrum))
def test_a_reconnect_starts_an_epoch(frame_at: FrameAt, spectrum: Spectrum) -> None:
    """A camera that comes back with a new epoch and goes on in time costs no pair, and the pairs get a new epoch."""
    infrared, visible = (Camera(frame_at, s, step_at=50 if s is spectrum else 10**9, epochs=True) for s in Spectrum)
    pairs = run(Nearest(SyncSettings()), infrared, visible)
    assert_right(pairs)
    assert [pair.mode for pair in pairs] == ["fused"] * 120
    assert [pair.epoch for pair in pairs] == [0] * 50 + [1] * 70


@pytest.mark.parametrize("policy", ["live", "lossless"])
def test_a_loop_of_both_recordings_is_one_epoch(frame_at: FrameAt, policy: Any) -> None:
    """When both recordings begin again, all frames are paired, and the pairs' epoch grows by one per round."""
    sync = Nearest(SyncSettings(), policy=policy)
    pairs: list[Pair] = []
    for number in range(90):
        for spectrum in Spectrum:
            lap, place = divmod(number, 30)
            pairs += sync.feed(frame_at(spectrum, place * PERIOD_NS, seq=number, epoch=lap), number * PERIOD_NS)
    pairs += [pair for spectrum in Spectrum for pair in sync.end(spectrum, 90 * PERIOD_NS)]
    assert_right(pairs)
    assert [(pair.mode, pair.epoch) for pair in pairs] == [("fused", lap) for lap in range(3) for _ in range(30)]
    assert not sync.drops


def test_lossless_settles_all_of_a_lap_before_the_next(frame_at: FrameAt) -> None:
    """Visible frames that still wait when the next lap begins come out in the lap they belong to."""
    sync = Nearest(SyncSettings(reuse_max_ms=0), policy="lossless")
    pairs: list[Pair] = []
    laps = [[(VISIBLE, 0), (INFRARED, 0), (VISIBLE, 33), (VISIBLE, 66)], [(INFRARED, 0), (VISIBLE, 0), (INFRARED, 33), (VISIBLE, 33)]]
    for epoch, lap in enumerate(laps):
        for spectrum, t_ms in lap:
            pairs += sync.feed(frame_at(spectrum, t_ms * NS_PER_MS, epoch=epoch), 0)
    pairs += [pair for spectrum in Spectrum for pair in sync.end(spectrum, 0)]
    assert [(pair.mode, pair.epoch) for pair in pairs] == [
        *[("fused", 0), ("visible_only", 0), ("visible_only", 0)],
        *[("fused", 1), ("fused", 1)],
    ]


@pytest.mark.parametrize("back_ms", [501, 20_000])
def test_a_break_counts_what_it_discards(frame_at: FrameAt, back_ms: int) -> None:
    """Infrared frames that waited when their clock was set back are counted as `reset`, also those it is set back behind."""
    sync = Nearest(SyncSettings())
    for t_ms in range(0, 400, 40):
        sync.feed(frame_at(INFRARED, t_ms * NS_PER_MS), t_ms * NS_PER_MS)
    sync.feed(frame_at(INFRARED, (360 - back_ms) * NS_PER_MS), 400 * NS_PER_MS)
    assert sync.drops == Counter(reset=10)


def test_a_small_step_back_is_disorder_and_no_break(frame_at: FrameAt) -> None:
    """A reference that is set back by 0.3 s is late until it has caught up: time never runs backwards within an epoch."""
    infrared, visible = (Camera(frame_at, s, step_s=-0.3, step_at=50) for s in Spectrum)
    sync = Nearest(SyncSettings())
    pairs = run(sync, infrared, visible)
    assert_right(pairs)
    assert {pair.epoch for pair in pairs} == {0}
    assert sync.drops["late"] == 9
