"""AvSource on a camera that speaks RTSP."""

import logging
import traceback
from itertools import pairwise
from typing import Any

import pytest

from streamfuse.clock import ManualClock
from streamfuse.errors import SourceAuthError, SourceError
from streamfuse.frames import Frame, Spectrum
from streamfuse.source.av_stream import AvSettings, AvSource


def source_of(camera: Any, user: str = "") -> AvSource:
    url = f"rtsp://{user}127.0.0.1:{camera.port}/live"
    return AvSource(AvSettings(spectrum=Spectrum.VISIBLE, url=url, open_timeout_s=10, read_timeout_s=3), ManualClock(utc_ns=10**18))


def all_frames(source: AvSource) -> list[Frame]:
    """Frames until the camera hangs up, which it may do with or without an error."""
    frames = []
    source.open()
    try:
        while (frame := source.read()) is not None:
            frames.append(frame)
    except SourceError:
        pass
    finally:
        source.close()
    return frames


def test_reads_a_camera_over_tcp(rtsp_camera):
    """Every picture of an RTSP camera arrives, stamped by the host's clock and strictly growing in time."""
    camera = rtsp_camera()
    source = source_of(camera)
    frames = all_frames(source)
    assert source.live
    assert source.identity == b""
    assert len(frames) == 60
    assert {frame.clock for frame in frames} == {"host"}
    assert all(a.t_cap_ns < b.t_cap_ns for a, b in pairwise(frames))
    assert any(line.startswith("SETUP") for line in camera.seen)


def test_joins_at_the_first_key_frame(rtsp_camera):
    """Pictures before the first key frame are counted and never shown broken."""
    source = source_of(rtsp_camera(skip=3))
    frames = all_frames(source)
    assert source.problems["before_key"] == 7
    assert len(frames) == 50
    assert frames[0].seq == 0


def test_right_credentials_open_the_camera(rtsp_camera):
    """User and password in the URL reach the camera, and nothing else."""
    camera = rtsp_camera(credentials="user:hunter2")
    source = source_of(camera, "user:hunter2@")
    assert len(all_frames(source)) == 60
    assert "hunter2" not in source.name


def test_wrong_credentials_are_an_error_of_their_own(rtsp_camera, caplog):
    """A refused password is `SourceAuthError`, and appears in no message, cause or log."""
    caplog.set_level(logging.DEBUG)
    source = source_of(rtsp_camera(credentials="user:right"), "user:hunter2@")
    with pytest.raises(SourceAuthError, match="credentials") as caught:
        source.open()
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(source._settings) + repr(source._address)
    assert "hunter2" not in shown
    assert f"127.0.0.1:{source.name.split(':')[-1].split('/')[0]}" in str(caught.value)
