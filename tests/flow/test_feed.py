"""What every reader does with its camera's frames."""

import threading
from typing import Any

import pytest

from streamfuse.clock import NS_PER_MS, ManualClock
from streamfuse.errors import SourceError
from streamfuse.flow.camera import CameraReader
from streamfuse.flow.channel import Channel
from streamfuse.flow.feed import Feed
from streamfuse.flow.meter import Meter
from streamfuse.flow.worker import Failures
from streamfuse.frames import Frame, Spectrum
from tests.conftest import make_frame
from tests.flow.conftest import Listed, frames
from tests.flow.test_clocks import REPORT, Camera

VISIBLE = Spectrum.VISIBLE


@pytest.fixture
def feed() -> Feed:
    clock = ManualClock()
    return Feed(
        stream="gate",
        source=Camera(REPORT),
        stages=[],
        out=Channel(4, "drop_oldest"),
        meter=Meter(clock),
        clock=clock,
        stopping=threading.Event(),
    )


def epoch(feed: Feed, frame: Any) -> int:
    return feed.on_time_line(frame).epoch


def test_epochs_count_on(feed):
    """A source counts its own breaks from 0; after a reconnect they go on behind the last one."""
    assert [epoch(feed, make_frame(Spectrum.VISIBLE, epoch=n)) for n in (0, 0, 1, 2)] == [0, 0, 1, 2]
    feed.renew_epoch()
    assert [epoch(feed, make_frame(Spectrum.VISIBLE, epoch=n)) for n in (0, 1)] == [3, 4]


def test_a_frame_that_needs_no_change_is_handed_on_itself(feed):
    """No copy is made in the first epoch."""
    frame = make_frame(Spectrum.VISIBLE)
    assert feed.on_time_line(frame) is frame


def test_laps_go_on_in_time(feed):
    """A shift moves the capture time."""
    assert feed.on_time_line(make_frame(Spectrum.VISIBLE, 5), shift_ns=NS_PER_MS).t_cap_ns == 6 * NS_PER_MS


def test_the_partner_tells_its_delay(feed):
    """What one camera learnt of the delay, the other one assumes; and the meter shows its clock."""
    feed.tell_figures()
    assert feed.source.assumed_ns == 0
    feed.partner = Camera(REPORT)
    feed.tell_figures()
    assert feed.source.assumed_ns == REPORT.delay_ns
    clock = feed.meter.stats("gate")["clocks"]["visible"]
    assert (clock["clock"], clock["offset_ms"], clock["drift_ppm"], clock["clk_bias"]) == ("rtcp", -30.0, 5.0, False)


def test_own_stages_may_drop_a_frame(feed):
    """It is counted, and later stages do not see it."""
    feed.stages[:] = [lambda _: None, lambda _: pytest.fail("not to be asked")]
    assert feed.through_stages(make_frame(Spectrum.VISIBLE)) is None
    assert feed.meter.stats("gate")["drops"] == {"source.user_stage": 1}


class Watching(ManualClock):
    """Keeps what is told of the camera while it is away."""

    def __init__(self) -> None:
        super().__init__()
        self.meter: Meter | None = None
        self.trouble: list[str] = []

    def wait(self, event: threading.Event, timeout_ns: int) -> bool:
        if self.meter is not None:
            self.trouble.append(self.meter.stats("gate")["trouble"]["visible"])
        return super().wait(event, timeout_ns)


def test_the_figures_tell_reconnects_and_why_a_camera_is_away(feed):
    """Every connection that shows pictures after the first counts; the cause stands there until it is back, without address and secrets."""
    clock = Watching()
    clock.meter = feed.meter
    told: list[tuple[int, dict[str, str]]] = []

    def look(frame: Frame) -> Frame:
        stats = feed.meter.stats("gate")
        told.append((stats["reconnects"]["visible"], stats["trouble"]))
        if len(told) == 5:
            feed.stopping.set()
        return frame

    breaks = SourceError("listed visible: no route to rtsp://me:secret@x/y")
    feed.source = Listed(VISIBLE, [*frames(VISIBLE, 2), breaks], live=True, fails_to_open=1)
    feed.clock, feed.stages = clock, [look]
    CameraReader(feed, Failures()).run()
    assert told == [(0, {}), (0, {}), (1, {}), (1, {}), (2, {})]
    assert clock.trouble == ["listed visible is not there", *["no route to rtsp://***@x/y"] * 2]
