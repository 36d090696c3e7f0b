"""A live camera's thread with cameras that hang, break and refuse."""

import dataclasses
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest

from streamfuse.clock import HostClock
from streamfuse.errors import SourceAuthError, SourceError, UnsupportedInputError
from streamfuse.flow import camera
from streamfuse.flow.backoff import Backoff
from streamfuse.flow.camera import CameraReader
from streamfuse.flow.channel import Channel
from streamfuse.flow.feed import Arrival, Feed
from streamfuse.flow.meter import Meter
from streamfuse.flow.worker import Failures, Worker
from streamfuse.frames import Frame, Spectrum
from streamfuse.stages import PacketSource
from tests.conftest import make_frame

LIMIT_S = 20

pytestmark = pytest.mark.usefixtures("no_threads_left")


@dataclass(frozen=True)
class Parcel:
    number: int
    size: int = 10
    is_keyframe: bool = True
    time_base: Fraction = Fraction(1, 1000)

    @property
    def pts(self) -> int:
        return self.number * 20


@dataclass
class Hostile:
    """A packet source; each of its connections goes by one entry of `script`, the last one for ever after.

    `open` and `demux` hang until `released`; an exception is raised; a number is how many packets come before the end.
    """

    script: list[Any]
    released: threading.Event = field(default_factory=threading.Event)
    spectrum: Spectrum = Spectrum.VISIBLE
    name: str = "hostile"
    live: bool = True
    identity: bytes = b""
    problems: Counter[str] = field(default_factory=Counter)
    opened: int = 0
    closed: int = 0
    abandoned: int = 0
    inside: int = 0
    """Threads in `demux` right now."""

    def _entry(self) -> Any:
        return self.script[min(self.opened, len(self.script)) - 1]

    def open(self) -> None:
        self.opened += 1
        entry = self._entry()
        if isinstance(entry, Exception):
            raise entry
        if entry == "open":
            self.released.wait(LIMIT_S)
            raise SourceError("too late")

    def demux(self) -> Iterator[Parcel]:
        return self._demux(self._entry())

    def _demux(self, entry: Any) -> Iterator[Parcel]:
        self.inside += 1
        try:
            for number in range(3 if entry == "demux" else entry):
                yield Parcel(number)
            if entry == "demux":
                self.released.wait(LIMIT_S)
        finally:
            self.inside -= 1

    def decode(self, packet: Parcel | None) -> list[Frame]:
        return [] if packet is None else [make_frame(self.spectrum, packet.pts, packet.number)]

    def abandon(self) -> None:
        self.abandoned += 1

    def read(self) -> Frame | None:
        raise NotImplementedError

    def close(self) -> None:
        self.closed += 1


@dataclass
class Bursting(Hostile):
    """All that a connection has is there before the first of it is decoded, and is stamped by its arrival."""

    all_read: threading.Event = field(default_factory=threading.Event)

    def demux(self) -> Iterator[Parcel]:
        yield from self._demux(self._entry())
        self.all_read.set()

    def decode(self, packet: Parcel | None) -> list[Frame]:
        assert self.all_read.wait(LIMIT_S)
        return [dataclasses.replace(frame, clock="host") for frame in super().decode(packet)]


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

    def start(source: Hostile) -> Running:
        clock, failures = HostClock(), Failures()
        feed = Feed(
            stream="gate",
            source=source,
            stages=[],
            out=Channel(1000, "drop_oldest"),
            meter=Meter(clock),
            clock=clock,
            stopping=threading.Event(),
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


def test_tells_what_it_does(start, monkeypatch):
    """States begin with the words of the documentation, in their order."""
    told: list[str] = []
    monkeypatch.setattr(Feed, "tell", lambda self, state: told.append(str(state).split(",")[0].split(":")[0]))
    running = start(Hostile(["demux", SourceAuthError("401"), 1]))
    running.arrivals(lambda a: len(epochs(a)) >= 4)
    want = ["connecting", "waiting for a key frame", "running", "stalled", "backoff", "connecting", "disabled", "connecting"]
    assert told[: len(want)] == want
