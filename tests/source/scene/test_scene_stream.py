"""The drawn scene as a source."""

import hashlib
import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from streamfuse.errors import SourceError
from streamfuse.frames import Frame, Planes, chroma_size
from streamfuse.source import SOURCES
from streamfuse.source.scene import SceneSettings, SceneSource

SMALL = (160, 120)
STREET = {"size": SMALL, "night": 0.5, "fog": 0.2, "smoke": 0.4, "jitter_ms": 2.0, "drop_rate": 0.2}


def opened(**values: Any) -> SceneSource:
    source = SceneSource(SceneSettings.model_validate({"size": SMALL, **values}))
    source.open()
    return source


def read(source: SceneSource, count: int) -> list[Frame]:
    frames = [source.read() for _ in range(count)]
    assert None not in frames
    return [frame for frame in frames if frame is not None]


def pixels(frame: Frame) -> bytes:
    image = frame.image
    return b"".join(p.tobytes() for p in (image.y, image.u, image.v)) if isinstance(image, Planes) else image.tobytes()


def digest(spectrum: str, **values: Any) -> str:
    source = opened(spectrum=spectrum, **STREET, **values)
    return hashlib.sha256(b"".join(pixels(f) + f"{f.seq} {f.t_cap_ns}".encode() for f in read(source, 4))).hexdigest()


@pytest.mark.parametrize("spectrum", ["visible", "infrared"])
def test_same_seed_same_bytes_in_another_process(spectrum):
    """Pixels and stamps depend on the settings alone, also in a fresh process that hashes strings differently."""
    code = (
        "import hashlib, sys; sys.path.insert(0, sys.argv[1]); import test_scene_stream as t; print(t.digest(sys.argv[2], seed=11), end='')"
    )
    folder = __file__.rsplit("/", 1)[0]
    there = subprocess.run([sys.executable, "-c", code, folder, spectrum], capture_output=True, text=True, check=True)
    assert there.stdout == digest(spectrum, seed=11)


@pytest.mark.parametrize("spectrum", ["visible", "infrared"])
def test_another_seed_another_street(spectrum):
    """Another seed gives other people and other noise."""
    assert digest(spectrum, seed=11) != digest(spectrum, seed=12)


@pytest.mark.parametrize("spectrum", ["visible", "infrared"])
def test_a_frame_does_not_depend_on_those_before(spectrum):
    """Frame 5 is the same whether the five before it were read or the street was entered later."""
    first = read(opened(spectrum=spectrum, fps=10), 6)[-1]
    again = opened(spectrum=spectrum, fps=10)
    again._next = 5
    assert pixels(again.read()) == pixels(first)


def test_both_cameras_share_one_identity():
    """The cameras of one scene have the same 16 bytes whatever their rate and stamps; another scene has others."""
    pair = [opened(spectrum="visible"), opened(spectrum="infrared", fps=25, time_offset_ms=4, bits=16)]
    assert len({source.identity for source in pair}) == 1
    assert len(pair[0].identity) == 16
    assert opened(seed=1).identity != pair[0].identity
    assert opened(smoke=0.5).identity != pair[0].identity


def test_ends_after_its_frames():
    """After `frames` frames there are no more, and opening again starts over."""
    source = opened(frames=3)
    first = read(source, 3)
    assert source.read() is None
    source.open()
    assert pixels(source.read()) == pixels(first[0])


def test_reads_only_while_open():
    """Reading before `open` or after `close` is an error that says what to do."""
    source = SceneSource(SceneSettings(size=SMALL))
    with pytest.raises(SourceError, match="call open"):
        source.read()
    source.open()
    source.close()
    source.close()
    with pytest.raises(SourceError, match="call open"):
        source.read()


def test_stamps_are_the_true_instants():
    """Without disturbances frame n is stamped with its true instant, counted from 1970."""
    frames = read(opened(fps=25, start_s=7), 3)
    assert [frame.t_cap_ns for frame in frames] == [7_000_000_000, 7_040_000_000, 7_080_000_000]
    assert {(frame.clock, frame.uncertainty_ns) for frame in frames} == {("media", 0)}
    assert {frame.time_base for frame in frames} == {Fraction(1, 25)}
    assert [frame.pts for frame in frames] == [0, 1, 2]


def test_offset_and_drift_change_the_stamp_and_not_the_picture():
    """A late clock that runs fast shows in the stamps; the picture is still that of the true instant."""
    right, wrong = opened(start_s=1000), opened(start_s=1000, time_offset_ms=40, drift_ppm=50)
    for a, b in zip(read(right, 3), read(wrong, 3), strict=True):
        assert pixels(a) == pixels(b)
        assert b.t_cap_ns - a.t_cap_ns == pytest.approx(40e6 + 50e-6 * wrong.true_t_s(b.seq) * 1e9, abs=2)


def test_jitter_is_as_large_as_set():
    """Errors of the stamps have the deviation that was set, no tendency, and the bound that the frame states."""
    source = SceneSource(SceneSettings(size=SMALL, jitter_ms=2.0))
    errors_ms = np.array([source._stamp_ns(n) / 1e6 - source.true_t_s(n) * 1e3 for n in range(2000)])
    assert errors_ms.std() == pytest.approx(2.0, rel=0.1)
    assert abs(errors_ms.mean()) < 0.2
    assert np.abs(errors_ms).max() <= 6.0 + 1e-6
    assert opened(jitter_ms=2.0).read().uncertainty_ns == 6_000_000


def test_dropouts_leave_gaps_and_are_counted():
    """An exposure that drops out leaves a gap in `seq` and in time, and counts towards the end."""
    source = opened(size=(32, 32), frames=120, drop_rate=0.25, fps=50)
    frames = list(iter(source.read, None))
    assert 15 < source.problems["dropout"] < 45
    assert len(frames) + source.problems["dropout"] == 120
    assert all(frame.t_cap_ns == frame.seq * 20_000_000 for frame in frames)
    assert len({frame.seq for frame in frames}) == len(frames)


def test_freeze_repeats_infrared_while_visible_moves():
    """While the shutter is closed infrared repeats the last picture byte for byte, with stamps that go on; visible does not."""
    settings = {"fps": 10, "freeze_every_s": 1.0, "freeze_for_s": 0.4}
    infrared = [pixels(f) for f in read(opened(spectrum="infrared", **settings), 17)]
    assert [n for n in range(1, 17) if infrared[n] == infrared[n - 1]] == [10, 11, 12, 13]
    frames = read(opened(**settings), 17)
    assert len({pixels(f) for f in frames}) == 17
    assert [f.t_cap_ns for f in frames] == [n * 100_000_000 for n in range(17)]


def test_a_frozen_picture_is_each_frames_own():
    """Frames of one freeze do not share memory."""
    frames = read(opened(spectrum="infrared", fps=10, start_s=1.0, freeze_every_s=1.0, freeze_for_s=0.4), 2)
    assert pixels(frames[0]) == pixels(frames[1])
    assert not np.shares_memory(frames[0].image, frames[1].image)


@pytest.mark.parametrize("size", [(65, 49), (33, 32), (100, 201)])
def test_odd_sizes(size):
    """Any size works; colour of odd sizes is rounded up."""
    width, height = size
    planes = opened(size=size, smoke=0.5, night=0.8).read().image
    assert planes.size == (height, width)
    assert planes.u.shape == (chroma_size(height), chroma_size(width))
    assert opened(spectrum="infrared", size=size).read().image.shape == (height, width)


def test_the_table_makes_it():
    """The registry builds a scene from plain values."""
    source = SOURCES.make("scene", spectrum="infrared", size=[64, 48], homography=[[1, 0, 2], [0, 1, 3], [0, 0, 1]], frames=1)
    source.open()
    frame = source.read()
    assert frame is not None
    assert frame.size == (48, 64)
    assert not source.live
