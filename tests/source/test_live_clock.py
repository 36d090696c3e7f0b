"""AvSource on a real RTSP camera with sender reports: the truth about every picture is written into it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.errors import SourceError
from streamfuse.frames import Frame, Planes, Spectrum
from streamfuse.source import av_stream
from streamfuse.source.av_stream import AvSettings, AvSource
from streamfuse.source.clocks import LadderSettings
from streamfuse.stages import Clocked
from streamfuse.video.container import Opening, VideoReader
from tools.faults import Camera, RtspServer, read_number

LIMIT_S = 20
DELAY_MS = 40.0
PERIOD_MS = 1000 / 15


@pytest.fixture(scope="module")
def rig() -> Iterator[RtspServer]:
    """A camera that keeps time, one whose clock is two seconds fast, one that sends no reports."""
    cameras = [
        Camera(name="right", delay_ms=DELAY_MS),
        Camera(name="fast", delay_ms=DELAY_MS, offset_s=2.0),
        Camera(name="silent", delay_ms=DELAY_MS, report_every_s=0.0),
    ]
    with RtspServer(cameras) as server:
        yield server


def source_of(rig: RtspServer, camera: str, **clock: Any) -> AvSource:
    return AvSource(AvSettings(spectrum=Spectrum.VISIBLE, url=rig.url(camera), read_timeout_s=3, clock=LadderSettings(**clock)))


def error_ms(rig: RtspServer, camera: str, frame: Frame) -> float:
    """Its stamp minus the instant at which it was exposed."""
    assert isinstance(frame.image, Planes)
    number = read_number(frame.image.y)
    assert number is not None
    return (frame.t_cap_ns - rig.device(camera).exposed_ns(number)) / NS_PER_MS


def read_until(source: AvSource, clock: str, more: int) -> list[Frame]:
    """Frames up to `more` after the first one that is stamped by `clock` and no longer under way to it."""
    frames: list[Frame] = []
    until_s = time.monotonic() + LIMIT_S
    left: int | None = None
    while left is None or left > 0:
        assert time.monotonic() < until_s, f"no {clock} within {LIMIT_S} s"
        frame = source.read()
        assert frame is not None
        frames.append(frame)
        if left is not None:
            left -= 1
        elif frame.clock == clock and (clock != "rtcp" or frame.uncertainty_ns < 5 * NS_PER_MS):
            left = more
    return frames[-more:]


def test_reports_give_the_instant_of_exposure(rig):
    """By sender reports a picture is stamped when it was taken, not when it came."""
    source = source_of(rig, "right")
    source.open()
    frames = read_until(source, "rtcp", 20)
    source.close()
    assert all(abs(error_ms(rig, "right", frame)) < 5 for frame in frames)
    assert isinstance(source, Clocked)
    report = source.clock_report
    assert report is not None
    assert report.kind == "rtcp"
    assert report.offset_ns is not None
    assert -report.offset_ns / NS_PER_MS == pytest.approx(DELAY_MS, abs=20)


@pytest.mark.parametrize(("camera", "biased"), [("fast", True), ("silent", False)])
def test_without_good_reports_the_arrival_decides(rig, camera, biased):
    """A clock that is two seconds fast, or no reports: pictures are late by the delay, and said to be uncertain by more than that."""
    source = source_of(rig, camera)
    source.open()
    frames = read_until(source, "estimated", 40)
    source.close()
    assert {frame.clock for frame in frames} == {"estimated"}
    for frame in frames[20:]:
        assert DELAY_MS - 10 < error_ms(rig, camera, frame) < DELAY_MS + 40
        assert frame.uncertainty_ns >= error_ms(rig, camera, frame) * NS_PER_MS
    report = source.clock_report
    assert report is not None
    assert report.biased == biased
    assert (report.offset_ns is not None and round(report.offset_ns / NS_PER_S) == 2) == biased


def test_the_cameras_word_where_that_is_asked_for(rig):
    """`use: rtcp` stamps by the camera's clock, two seconds wrong as it is."""
    source = source_of(rig, "fast", use="rtcp")
    source.open()
    frames = read_until(source, "rtcp", 20)
    source.close()
    assert error_ms(rig, "fast", frames[-1]) == pytest.approx(2000, abs=20)


def test_the_delay_is_remembered_over_connections(rig):
    """After a reconnect the first pictures are stamped with the delay that was learnt before."""
    source = source_of(rig, "right")
    source.open()
    read_until(source, "rtcp", 20)
    source.close()
    source.open()
    frames = [source.read() for _ in range(5)]
    source.close()
    for frame in frames[1:]:
        assert frame is not None
        assert frame.clock == "host"
        assert abs(error_ms(rig, "right", frame)) < 30


def test_the_first_picture_is_stamped_like_the_others(rig):
    """It is handed out when the next one begins: not with that one's arrival, a period late, but with its own."""
    source = source_of(rig, "right")
    source.open()
    read_until(source, "rtcp", 1)
    errors_ms = []
    for _ in range(3):
        source.close()
        source.open()
        frame = source.read()
        assert frame is not None
        assert frame.clock == "host"
        errors_ms.append(error_ms(rig, "right", frame))
    source.close()
    assert min(errors_ms) < PERIOD_MS / 2


def test_an_abandoned_connection_closes_itself(rig, monkeypatch):
    """A thread that hangs in `demux` closes its own connection when it comes back, and the next one is not touched by it."""
    source = source_of(rig, "right")
    source.open()
    packets = source.demux()
    first = next(packets)
    reader, closed = source._reader, []
    assert reader is not None
    monkeypatch.setattr(reader, "close", lambda: closed.append(True))
    source.abandon()
    assert not closed
    with pytest.raises(SourceError, match="not open"):
        source.decode(first)
    source.open()
    assert source._reader is not reader
    del packets
    assert closed
    assert source.read() is not None
    source.close()


def test_opened_too_late_is_closed(rig, monkeypatch):
    """When nobody waits for it any more, what was opened is closed and said to be of no use."""
    source = source_of(rig, "right")
    monkeypatch.setattr(AvSource, "_begin", lambda *_: pytest.fail("nobody wants it"))
    closed: list[bool] = []

    class Late(VideoReader):
        def __init__(self, opening: Opening) -> None:
            super().__init__(opening)
            source.abandon()

        def close(self) -> None:
            super().close()
            closed.append(True)

    monkeypatch.setattr(av_stream, "VideoReader", Late)
    with pytest.raises(SourceError, match="too late"):
        source.open()
    assert closed == [True]
