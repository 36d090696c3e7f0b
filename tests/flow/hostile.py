"""Cameras that hang, break and refuse, by a script."""

import dataclasses
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from streamfuse.errors import SourceError
from streamfuse.frames import Frame, Spectrum
from tests.conftest import make_frame

LIMIT_S = 20


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
class Breaking(Hostile):
    """Each connection breaks after its packets; `shows` says what of them the decoder makes."""

    shows: Callable[[Frame, int], Frame] = lambda frame, _: frame
    error: Callable[[str], SourceError] = SourceError

    def _demux(self, entry: Any) -> Iterator[Parcel]:
        yield from super()._demux(entry)
        raise self.error("reset by peer")

    def decode(self, packet: Parcel | None) -> list[Frame]:
        return [self.shows(frame, self.opened) for frame in super().decode(packet)]


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
