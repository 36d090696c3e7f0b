"""A live camera's thread with cameras that hang, break and refuse."""

import dataclasses
import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from streamfuse.clock import HostClock
from streamfuse.errors import SourceAuthError, SourceError, UnsupportedInputError
from streamfuse.flow import camera
from streamfuse.flow.backoff import Backoff
from streamfuse.flow.camera import CameraReader
from streamfuse.flow.channel import Channel
from streamfuse.flow.connection import Connection
from streamfuse.flow.feed import Arrival, Feed
from streamfuse.flow.meter import Meter
from streamfuse.flow.worker import Failures, Worker
from streamfuse.frames import Frame
from streamfuse.stages import PacketSource
from tests.flow.hostile import LIMIT_S, Breaking, Bursting, Hostile

pytestmark = pytest.mark.usefixtures("no_threads_left")


class Impatient(Backoff):
    """Tells that it was asked, and waits for nothing."""

    def __init__(self) -> None:
        super().__init__(seed=1)
        self.auths: list[bool] = []

    def wait_s(self, *, auth: bool) -> float:
        self.auths.append(auth)
        return 0.0


@dataclass
class Running:
    reader: CameraReader
    worker: Worker
    feed: Feed
    failures: Failures
    backoff: Impatient

    def arrivals(self, wanted: Callable[[list[Arrival]], bool]) -> list[Arrival]:
        """What was handed over until it is what was wanted."""
        found: list[Arrival] = []
        while not wanted(found):
            found.append(self.feed.out.get(LIMIT_S))
        return found

    def state(self) -> str:
        state: str = self.feed.meter.stats("gate")["cameras"]["visible"]
        return state


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Hostile], Running]]:
    """`start(source)` runs its reader, which waits a tenth of a second where others wait for seconds."""
    monkeypatch.setattr(camera, "OPEN_S", 0.1)
    monkeypatch.setattr("streamfuse.flow.vigil.SILENCE_NS", 100_000_000)
    monkeypatch.setattr("streamfuse.flow.vigil.SILENCE_PERIODS", 0)
    running: list[tuple[Running, Hostile]] = []

    def start(source: Hostile, partner: Hostile | None = None) -> Running:
        clock, failures = HostClock(), Failures()
        feed = Feed(
            stream="gate",
            source=source,
            stages=[],
            out=Channel(1000, "drop_oldest"),
            meter=Meter(clock),
            clock=clock,
            stopping=threading.Event(),
            partner=partner,
        )
        backoff = Impatient()
        reader = CameraReader(feed, failures, backoff)
        made = Running(reader, Worker("source/gate/visible", reader.run, failures, lambda: None), feed, failures, backoff)
        made.worker.start()
        running.append((made, source))
        return made

    yield start
    for made, source in running:
        made.feed.stopping.set()
        source.released.set()
        assert made.worker.join(LIMIT_S)
        for connection in made.reader._hanging:
            assert connection._worker.join(LIMIT_S)


def epochs(arrivals: list[Arrival]) -> list[int]:
    return [arrival.frame.epoch for arrival in arrivals if arrival.frame is not None]


def test_is_a_packet_source():
    """The double keeps the protocol of the real one."""
    assert isinstance(Hostile([1]), PacketSource)


def test_each_connection_is_an_epoch(start):
    """A stream that ends is opened again; its frames begin a new epoch, and in between the matcher hears that it is gone."""
    source = Hostile([2])
    found = start(source).arrivals(lambda a: len(epochs(a)) >= 6)
    assert epochs(found) == [0, 0, 1, 1, 2, 2]
    assert [arrival.frame is None for arrival in found[:6]] == [False, False, True, False, False, True]


def test_what_waited_while_it_connected_is_left_out(start):
    """Of what comes at once, and has no stamp but its arrival, only the newest is shown; the rest is counted."""
    running = start(Bursting([5]))
    found = running.arrivals(lambda a: len(epochs(a)) >= 1)
    assert [arrival.frame.seq for arrival in found if arrival.frame is not None] == [4]
    assert running.feed.meter.stats("gate")["drops"]["source.backlog"] >= 4


def test_an_open_that_hangs_is_left_alone(start):
    """The next try does not wait for it; its thread ends when the network lets it."""
    source = Hostile(["open", 5])
    running = start(source)
    found = running.arrivals(lambda a: len(epochs(a)) >= 5)
    assert epochs(found) == [1] * 5
    assert source.abandoned == 1
    assert source.problems["hung"] == 1
    assert [connection.hangs for connection in running.reader._hanging] == [True]


def test_a_camera_that_falls_silent_is_connected_anew(start):
    """Its thread hangs in a read; another connection shows pictures again."""
    source = Hostile(["demux", "demux", 4])
    running = start(source)
    found = running.arrivals(lambda a: 2 in epochs(a))
    assert epochs(found)[:6] == [0, 0, 0, 1, 1, 1]
    assert source.abandoned == 2
    assert source.inside == 2


def test_threads_that_hang_are_counted_and_capped(start, monkeypatch):
    """With too many in the network no more are sent after them; as soon as they come back it goes on."""
    monkeypatch.setattr(camera, "MOST_HANGING", 3)
    waiting = threading.Event()
    tell = Feed.tell

    def watch(self: Feed, state: str) -> None:
        tell(self, state)
        if "hang" in state:
            waiting.set()

    monkeypatch.setattr(Feed, "tell", watch)
    source = Hostile(["open", "open", "open", 3])
    running = start(source)
    assert waiting.wait(LIMIT_S)
    assert source.opened == 3
    assert running.state().startswith("backoff: 3 connections hang")
    source.released.set()
    assert epochs(running.arrivals(lambda a: len(epochs(a)) >= 3)) == [1] * 3


def test_a_stop_does_not_wait_for_a_camera_that_hangs(start):
    """The reader ends at once; nothing is joined that hangs in the network."""
    source = Hostile(["open"])
    running = start(source)
    running.feed.stopping.set()
    assert running.worker.join(camera.ENDING_S + 1)
    assert not source.released.is_set()


def test_refused_credentials_are_tried_slowly(start):
    """The back-off hears that it was the password, and the state says so."""
    running = start(Hostile([SourceAuthError("401"), SourceError("gone"), 2]))
    running.arrivals(lambda a: len(epochs(a)) >= 2)
    assert running.backoff.auths[:2] == [True, False]


def test_what_is_no_video_is_not_tried_again(start):
    """It stays what it is: the failure is told, with its stage."""
    running = start(Hostile([UnsupportedInputError("only audio")]))
    assert running.worker.join(LIMIT_S)
    (error,) = running.failures.all()
    assert str(error) == "only audio"
    assert running.feed.out.closed


def test_what_has_shown_pictures_is_tried_again(start):
    """A camera that sends something else for once is no other camera."""
    found = start(Breaking([2], error=UnsupportedInputError)).arrivals(lambda a: len(epochs(a)) >= 6)
    assert epochs(found) == [0, 0, 1, 1, 2, 2]


def test_a_connection_that_ended_is_freed_at_once(start, monkeypatch):
    """Without the collector: its decoder and its packets would wait for it, and the heap could not be given back."""
    made: list[weakref.ref[Connection]] = []

    class Watched(Connection):
        def start(self) -> None:
            made.append(weakref.ref(self))
            super().start()

    monkeypatch.setattr(camera, "Connection", Watched)
    left: list[int] = []
    monkeypatch.setattr(camera, "give_back_freed", lambda: left.append(sum(ref() is not None for ref in made)))
    gc.collect()
    gc.disable()
    try:
        start(Breaking([2])).arrivals(lambda a: len(epochs(a)) >= 10)
    finally:
        gc.enable()
    assert left[:4] == [0, 0, 0, 0]


def test_pictures_of_another_size_are_told_by_every_connection(start, monkeypatch):
    """A camera that comes back with another size says so again."""
    told: list[str] = []
    monkeypatch.setattr(Feed, "tell", lambda self, state: told.append(str(state)))
    source = Breaking([2], shows=lambda frame, opened: frame if opened == 1 else resized(frame))
    running = start(source, partner=Hostile([1]))
    running.arrivals(lambda a: len([one for one in a if one.frame is None]) >= 4)
    assert len([state for state in told if "left out" in state]) >= 2


def resized(frame: Frame) -> Frame:
    return dataclasses.replace(frame, image=np.zeros((6, 10, 3), np.uint8))


def test_tells_what_it_does(start, monkeypatch):
    """States begin with the words of the documentation, in their order."""
    told: list[str] = []
    monkeypatch.setattr(Feed, "tell", lambda self, state: told.append(str(state).split(",")[0].split(":")[0]))
    running = start(Hostile(["demux", SourceAuthError("401"), 1]))
    running.arrivals(lambda a: len(epochs(a)) >= 4)
    want = ["connecting", "waiting for a key frame", "running", "stalled", "backoff", "connecting", "disabled", "connecting"]
    assert told[: len(want)] == want
