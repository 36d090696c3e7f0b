"""What waited while a camera was connected."""

import threading
from dataclasses import dataclass

import pytest

from streamfuse.clock import NS_PER_S
from streamfuse.flow.backlog import LONGEST_NS, Backlog
from streamfuse.flow.packets import PacketQueue
from streamfuse.frames import ClockKind, Spectrum
from tests.conftest import make_frame

LIMIT_S = 20


@dataclass(frozen=True)
class Parcel:
    pts: int | None = None
    size: int = 10
    is_keyframe: bool = True
    time_base: None = None


@pytest.mark.parametrize(
    ("clock", "waiting", "after_ns", "held"),
    [
        pytest.param("host", 2, 0, True, id="old"),
        pytest.param("host", 0, 0, False, id="the newest"),
        pytest.param("estimated", 2, 0, False, id="its clock is known"),
        pytest.param("host", 2, LONGEST_NS, False, id="the decoder is too slow to catch up"),
    ],
)
def test_holds_what_is_older_than_it_seems(clock: ClockKind, waiting: int, after_ns: int, held: bool):
    """Only a picture stamped by its arrival, behind which another waits, and only at the beginning of a connection."""
    queue = PacketQueue(lambda _: None)
    for _ in range(waiting):
        queue.put(Parcel())
    backlog = Backlog(queue, 7 * NS_PER_S)
    assert backlog.holds(make_frame(Spectrum.VISIBLE, 0, 0, clock=clock), 7 * NS_PER_S + after_ns) == held


class Asked(PacketQueue):
    """Tells when somebody waits for it."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.asked = threading.Event()

    def wait(self, timeout_s: float) -> bool:
        self.asked.set()
        return super().wait(timeout_s)


def test_the_first_picture_waits_a_moment_for_what_came_with_it(monkeypatch):
    """The thread that reads may be behind the one that decodes: what it puts just after the first picture still counts. Once."""
    monkeypatch.setattr("streamfuse.flow.backlog.SETTLE_S", LIMIT_S)
    queue = Asked()
    reading = threading.Thread(target=lambda: queue.asked.wait(LIMIT_S) and queue.put(Parcel()))
    reading.start()
    backlog, frame = Backlog(queue, 0), make_frame(Spectrum.VISIBLE, 0, 0, clock="host")
    assert backlog.holds(frame, 0)
    queue.get()
    assert not backlog.holds(frame, 0)
    reading.join()
