"""Flicker and motion of fused videos."""

import numpy as np
import pytest

from streamfuse.errors import FrameError
from streamfuse.evaluate.video import VIDEO_METRICS, VideoMeter
from tests.evaluate.conftest import Grey, picture

FRAMES = 4


def panning(seed: int, step: int = 2, frames: int = FRAMES) -> list[Grey]:
    """A camera that pans by `step` pixels a frame over a picture without noise of its own."""
    big = picture(seed, 96, 140)
    return [np.ascontiguousarray(big[:, t * step : t * step + 112]) for t in range(frames)]


@pytest.fixture(scope="module")
def meter() -> VideoMeter:
    return VideoMeter(panning(1), panning(2))


def test_a_video_that_only_moves_is_steady(meter):
    """What moves as the cameras do has hardly any error; a still one in its place does not move as they do."""
    steady = meter.measure(panning(2))
    assert set(steady) == set(VIDEO_METRICS)
    assert steady["BiSWE"] < 4
    frozen = meter.measure([panning(2)[0]] * FRAMES)
    assert frozen["Ewarp"] > 3 * steady["Ewarp"]


def test_flicker_is_seen(meter):
    """Frames that turn brighter and darker raise both warping errors."""
    steady = meter.measure(panning(2))
    flickering = meter.measure([np.clip(frame.astype(int) + 12 * (t % 2), 0, 255).astype(np.uint8) for t, frame in enumerate(panning(2))])
    assert flickering["BiSWE"] > steady["BiSWE"] + 8
    assert flickering["Ewarp"] > steady["Ewarp"]


def test_jerks_are_seen(meter):
    """A video whose motion stops and goes, while the cameras pan evenly, has a larger second difference of flow."""
    jerky = panning(2)
    jerky[2] = jerky[1]
    assert meter.measure(jerky)["MS2R"] > 2 * meter.measure(panning(2))["MS2R"]


def test_contrast_is_no_excuse():
    """Half the contrast has half the error: over SD it is about the same."""
    meter = VideoMeter(panning(1), panning(2))
    whole = meter.measure([np.clip(f.astype(int) + 10 * (t % 2), 0, 255).astype(np.uint8) for t, f in enumerate(panning(2))])
    half = meter.measure([(np.clip(f.astype(int) + 10 * (t % 2), 0, 255) // 2).astype(np.uint8) for t, f in enumerate(panning(2))])
    assert half["BiSWE"] < 0.65 * whole["BiSWE"]
    assert half["BiSWE/SD"] == pytest.approx(whole["BiSWE/SD"], rel=0.15)


def test_black_has_no_contrast(meter):
    """A black video has no error, and over no contrast no number."""
    black = meter.measure([np.zeros((96, 112), np.uint8)] * FRAMES)
    assert black["BiSWE"] == 0
    assert np.isnan(black["BiSWE/SD"])


@pytest.mark.parametrize(("infrared", "visible"), [(2, 2), (3, 4)])
def test_three_frames_of_both(infrared, visible):
    """Fewer frames, or unequally many, are refused."""
    with pytest.raises(FrameError, match="three or more frames of both cameras"):
        VideoMeter(panning(1, frames=infrared), panning(2, frames=visible))


def test_every_frame_is_fused(meter):
    """A fused video has as many frames as the cameras."""
    with pytest.raises(FrameError, match="want 4 fused frames, got 3"):
        meter.measure(panning(2, frames=3))


@pytest.mark.needs_data
def test_numbers_measured_elsewhere(data):
    """On the first eight night frames, with the same flow, another implementation of VF-Bench's formulas found these."""
    from streamfuse.train.data import find_pairs, grey, load_all

    records = find_pairs(data / "replay" / "m3svd_png_0115_1831_night", every=1)[:8]
    frames = [(infrared, grey(visible)) for _, infrared, visible in load_all(records)]
    meter = VideoMeter([a for a, _ in frames], [b for _, b in frames])
    found = meter.measure([np.maximum(a, b) for a, b in frames])
    assert found["BiSWE"] == pytest.approx(3.507, rel=0.01)
    assert found["MS2R"] == pytest.approx(0.138, rel=0.01)
