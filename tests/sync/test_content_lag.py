"""The correlation by itself, on made-up series whose lag is known."""

import numpy as np
import pytest

from streamfuse.sync import content_lag
from streamfuse.sync.content_curve import Series
from streamfuse.sync.content_lag import AT_THE_END, NOT_ALIKE, NOT_ONE, NOT_SEEN, NOT_STEADY, Lag, find_lag

BLOCKS = 60


def signal(t_N: np.ndarray, seed: int = 0) -> np.ndarray:
    """(N, BLOCKS) smooth noise, its own in each block."""
    chance = np.random.default_rng(seed)
    frequency, phase = chance.uniform(0.3, 4, (24, BLOCKS)), chance.uniform(0, 2 * np.pi, (24, BLOCKS))
    return np.asarray(np.sin(2 * np.pi * frequency * t_N[:, None, None] + phase).mean(1), np.float32)


def series(fps: float, seconds: float, *, late_s: float = 0.0, seed: int = 0, jitter_s: float = 0.0, noise: float = 0.02) -> Series:
    """What a camera sees whose stamps are late."""
    chance = np.random.default_rng(int(100 * fps) + seed)
    t_N = np.arange(int(seconds * fps)) / fps
    edges_NB = signal(t_N - late_s, seed) + chance.normal(0, noise, (len(t_N), BLOCKS)).astype(np.float32)
    return Series(t_N + chance.normal(0, jitter_s, len(t_N)) if jitter_s else t_N, edges_NB)


@pytest.mark.parametrize("late_s", [-2.0, -0.71, 0.0, 0.013, 1.234, 2.0])
@pytest.mark.parametrize(("infrared_fps", "visible_fps"), [(30, 30), (9, 30), (30, 9), (25, 30), (8.93, 60)])
def test_any_lag_at_any_rates(late_s, infrared_fps, visible_fps):
    """Found to a fifth of a period of the slower camera, with either sign."""
    lag = find_lag(series(infrared_fps, 12), series(visible_fps, 12, late_s=late_s), most_s=2.5)
    assert lag.sure, lag.reason
    assert lag.offset_s == pytest.approx(late_s, abs=0.2 / min(infrared_fps, visible_fps))


def test_things_may_be_bright_in_one_and_dark_in_the_other():
    """The sign of each block is its own."""
    visible = series(30, 12, late_s=0.3)
    signs_B = np.random.default_rng(5).choice([-1, 1], BLOCKS).astype(np.float32)
    lag = find_lag(series(30, 12), Series(visible.t_N, visible.edges_NB * signs_B), most_s=2.5)
    assert lag.sure
    assert lag.offset_s == pytest.approx(0.3, abs=0.004)


def test_shaken_stamps_and_lost_frames_do_no_harm():
    """Jitter of 3 ms and a fifth of the frames lost, each camera its own."""
    chance = np.random.default_rng(1)
    both = [series(30, 15, late_s=late_s, jitter_s=0.003) for late_s in (0.0, 0.5)]
    thinned = [Series(one.t_N[kept], one.edges_NB[kept]) for one in both for kept in [chance.random(len(one.t_N)) > 0.2]]
    lag = find_lag(thinned[0], thinned[1], most_s=2.5)
    assert lag.sure
    assert lag.offset_s == pytest.approx(0.5, abs=0.01)


def test_cameras_that_never_saw_the_same_time(monkeypatch):
    """Years apart nothing is laid on a grid; a gap that an offset could explain is looked at."""
    gridded: list[float] = []
    monkeypatch.setattr(content_lag, "Streams", lambda *_: gridded.append(1))
    visible = series(30, 12)
    lag = find_lag(series(30, 12), Series(visible.t_N + 1e8, visible.edges_NB), most_s=2.5)
    assert lag.reason == NOT_SEEN
    assert not gridded
    monkeypatch.undo()
    assert find_lag(series(30, 12), Series(visible.t_N + 14, visible.edges_NB), most_s=2.5).reason == NOT_SEEN


def test_a_camera_that_was_away_for_a_while_is_no_motion():
    """A gap of five seconds is left out; what is before and behind it still counts."""
    visible = series(30, 20, late_s=0.5)
    there = (visible.t_N < 8) | (visible.t_N > 13)
    lag = find_lag(series(30, 20), Series(visible.t_N[there], visible.edges_NB[there]), most_s=2.5)
    assert lag.sure
    assert lag.offset_s == pytest.approx(0.5, abs=0.005)
    assert lag.seconds < 16


def test_what_is_common_to_all_blocks_says_nothing():
    """A lamp, gain, or a shaken mast moves every block alike: without anything else there is no lag to be had."""
    t_N = np.arange(360) / 30
    shake = np.cumsum(np.random.default_rng(3).normal(0, 1, 360)).astype(np.float32)[:, None]

    def seen(seed: int, late: int) -> Series:
        noise = np.random.default_rng(seed).normal(0, 0.02, (360, BLOCKS)).astype(np.float32)
        return Series(t_N, np.roll(shake, late, 0) * np.ones((1, BLOCKS), np.float32) + noise)

    lag = find_lag(seen(1, 0), seen(2, 9), most_s=2.5)
    assert not lag.sure
    assert lag.reason == NOT_ALIKE


def test_a_lag_that_changes_is_not_one_lag():
    """Clocks that step by 0.7 s in the middle: the parts say different things, or several lags fit."""
    visible = series(30, 16)
    stepped = Series(visible.t_N, np.where(visible.t_N[:, None] < 8, signal(visible.t_N), signal(visible.t_N - 0.7)))
    lag = find_lag(series(30, 16), stepped, most_s=2.5)
    assert not lag.sure
    assert lag.reason in (NOT_ONE, NOT_STEADY)


def test_periodic_motion_is_ambiguous():
    """Every block beats once in 0.8 s: many lags are as good."""
    t_N = np.arange(450) / 30
    phase_B = np.linspace(0, 2 * np.pi, BLOCKS)
    beat = Series(t_N, np.sin(2 * np.pi * t_N[:, None] / 0.8 + phase_B).astype(np.float32))
    lag = find_lag(beat, beat, most_s=2.5)
    assert not lag.sure
    assert lag.reason == NOT_ONE


def test_unrelated_scenes_have_no_lag():
    """None of forty pairs of different scenes is called sure."""
    sure = [
        (one, lag.offset_s)
        for one in range(40)
        if (lag := find_lag(series(30, 8, seed=one), series(30, 8, seed=90 + one), most_s=2.5)).sure
    ]
    assert not sure


def test_the_end_of_the_search_is_no_answer():
    """The lag lies just beyond what was asked for: the slope at the end is not taken for a peak."""
    lag = find_lag(series(30, 12), series(30, 12, late_s=1.04), most_s=1.0)
    assert not lag.sure
    assert lag.reason == AT_THE_END


@pytest.mark.parametrize(("first_s", "second_s"), [(0, 0), (0, 5), (5, 0), (0.1, 5), (1.5, 1.5)])
def test_too_little_is_said_so(first_s, second_s):
    """Nothing, one picture, or a second and a half."""
    lag = find_lag(series(30, first_s), series(30, second_s), most_s=2.5)
    assert not lag.sure
    assert lag.reason == NOT_SEEN


def test_pictures_that_never_change():
    """Byte for byte the same: no motion, and no division by zero."""
    still = Series(np.arange(200) / 20, np.ones((200, BLOCKS), np.float32))
    assert find_lag(still, still, most_s=2.5).reason == NOT_ALIKE
    assert find_lag(series(20, 10), still, most_s=2.5).reason == NOT_ALIKE


def test_the_curve_can_be_drawn():
    """Lags and scores go together, cover the search, and have their top at the offset."""
    lag: Lag = find_lag(series(30, 12), series(30, 12, late_s=0.5), most_s=2.0)
    assert lag.lags_L.shape == lag.score_L.shape
    assert lag.lags_L[0] <= -2.0
    assert lag.lags_L[-1] >= 2.0
    assert lag.lags_L[lag.score_L.argmax()] == pytest.approx(lag.offset_s, abs=1 / 30)
    assert lag.score_L.min() >= 0
