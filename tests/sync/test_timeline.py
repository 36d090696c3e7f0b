"""One camera's frames in order of time, and the breaks of its clock."""

from collections.abc import Callable

import pytest

from streamfuse.clock import NS_PER_MS
from streamfuse.frames import Frame, Spectrum
from streamfuse.sync.timeline import Held, Timeline

FrameAt = Callable[..., Frame]
T0 = 1_700_000_000_000_000_000


def timeline_at(frame_at: FrameAt, *times_ms: float) -> Timeline:
    timeline = Timeline(offset_ns=0, ended=False)
    for t_ms in times_ms:
        timeline.add(Held(frame_at(Spectrum.VISIBLE, round(t_ms * NS_PER_MS)), 0, None))
    return timeline


def ms(held: Held | None) -> float | None:
    return None if held is None else (held.t_ns - T0) / NS_PER_MS


def test_keeps_frames_in_order_of_capture(frame_at: FrameAt) -> None:
    """A frame that arrives late stands where its capture time says."""
    timeline = timeline_at(frame_at, 0, 40, 20)
    assert [ms(held) for held in timeline.held] == [0, 20, 40]
    assert timeline.newest_ns == T0 + 40 * NS_PER_MS


@pytest.mark.parametrize(("t_ms", "nearest", "latest"), [(-5, 0, None), (19, 0, 0), (20, 0, 0), (21, 40, 0), (40, 40, 40), (99, 80, 80)])
def test_finds_the_nearest_and_the_latest(frame_at: FrameAt, t_ms: int, nearest: int, latest: int | None) -> None:
    """Of two frames equally near it is the earlier; the latest is never after the instant."""
    timeline = timeline_at(frame_at, 0, 40, 80)
    found, distance_ns = timeline.nearest(T0 + t_ms * NS_PER_MS, 0)
    assert ms(found) == nearest
    assert distance_ns == abs(nearest - t_ms) * NS_PER_MS
    assert ms(timeline.latest(T0 + t_ms * NS_PER_MS)) == latest


def test_a_used_frame_counts_as_farther(frame_at: FrameAt) -> None:
    """Reluctance to use a frame twice is a distance; an empty line is infinitely far."""
    timeline = timeline_at(frame_at, 0, 40)
    timeline.held[0].used = True
    assert ms(timeline.nearest(T0 + 18 * NS_PER_MS, 3 * NS_PER_MS)[0]) == 0
    assert ms(timeline.nearest(T0 + 18 * NS_PER_MS, 5 * NS_PER_MS)[0]) == 40
    assert timeline_at(frame_at).nearest(T0, 0) == (None, float("inf"))


def test_a_frame_that_passes_over_an_unused_one_counts_as_farther(frame_at: FrameAt) -> None:
    """Or the unused one would be left over. The same distance in either direction, so that jitter changes no side."""
    timeline = timeline_at(frame_at, 0, 40)
    assert ms(timeline.nearest(T0 + 22 * NS_PER_MS, 3 * NS_PER_MS)[0]) == 40
    assert ms(timeline.nearest(T0 + 22 * NS_PER_MS, 5 * NS_PER_MS)[0]) == 0


def test_takes_out_what_is_wanted(frame_at: FrameAt) -> None:
    """What is taken is no longer there, and the order of the rest stays."""
    timeline = timeline_at(frame_at, 0, 40, 80)
    assert [ms(held) for held in timeline.take(lambda held: held.t_ns < T0 + 50 * NS_PER_MS)] == [0, 40]
    assert [ms(held) for held in timeline.held] == [80]


@pytest.mark.parametrize(
    ("used", "t_ms", "overtaken"), [(None, 50, [0]), (None, 80, [0, 40]), (80, 50, [0, 40]), (0, -9, []), (None, -9, [])]
)
def test_forgets_what_was_overtaken(frame_at: FrameAt, used: int | None, t_ms: int, overtaken: list[int]) -> None:
    """No partner is older than the newest one not after the instant, or than one that was used: the other camera never goes back."""
    timeline = timeline_at(frame_at, 0, 40, 80)
    for held in timeline.held:
        held.used = ms(held) == used
    assert [ms(held) for held in timeline.take_overtaken(T0 + t_ms * NS_PER_MS)] == overtaken


@pytest.mark.parametrize(
    ("step_ms", "cause"),
    [(33, ""), (-499, ""), (-501, "jumped back by 501 ms"), (5000, ""), (5001, "jumped forward by 5001 ms")],
)
def test_knows_a_jump_from_disorder(frame_at: FrameAt, step_ms: int, cause: str) -> None:
    """Half a second back or five forward is a jump; anything less is a late or a lost frame."""
    timeline = timeline_at(frame_at, *range(0, 400, 33))
    newest_ms = ms(timeline.held[-1]) or 0
    frame = frame_at(Spectrum.VISIBLE, round((newest_ms + step_ms) * NS_PER_MS))
    assert cause in timeline.break_before(frame)
    assert bool(timeline.break_before(frame)) == bool(cause)


def test_a_slow_camera_may_be_later(frame_at: FrameAt) -> None:
    """At 9 fps ten periods are 1.1 s: half a second back is no jump, and a second of silence is no loss."""
    timeline = timeline_at(frame_at, *range(0, 1200, 111))
    timeline.heard_ns = 0
    assert not timeline.break_before(frame_at(Spectrum.VISIBLE, 100 * NS_PER_MS))
    assert timeline.silent_at_ns == 1110 * NS_PER_MS


def test_a_new_epoch_of_the_source_is_a_break(frame_at: FrameAt) -> None:
    """A reconnect is a break even where the times go on as if nothing was."""
    timeline = timeline_at(frame_at, 0, 40)
    assert "epoch" in timeline.break_before(frame_at(Spectrum.VISIBLE, 80 * NS_PER_MS, epoch=1))
    timeline.restart()
    assert not timeline.break_before(frame_at(Spectrum.VISIBLE, 80 * NS_PER_MS, epoch=1))


def test_expects_the_next_frame_by_the_rhythm(frame_at: FrameAt) -> None:
    """The next frame comes a period after the newest; nothing is expected of a camera that never sent one."""
    assert timeline_at(frame_at, *range(0, 201, 40)).expected_ns == T0 + 240 * NS_PER_MS
    assert timeline_at(frame_at, 0).expected_ns == T0
    assert timeline_at(frame_at).expected_ns == float("-inf")


def test_corrects_by_the_fixed_offset(frame_at: FrameAt) -> None:
    """An offset moves the capture time and nothing else; without one the frame is the same object."""
    frame = frame_at(Spectrum.INFRARED, 0, seq=7)
    moved = Timeline(offset_ns=-5, ended=False).corrected(frame)
    assert (moved.t_cap_ns, moved.seq) == (T0 - 5, 7)
    assert moved.image is frame.image
    assert Timeline(offset_ns=0, ended=False).corrected(frame) is frame


def test_a_frame_ends_the_end(frame_at: FrameAt) -> None:
    """A camera that was gone is back with its first frame."""
    timeline = Timeline(offset_ns=0, ended=True)
    timeline.add(Held(frame_at(Spectrum.VISIBLE, 0), 0, None))
    assert not timeline.ended
