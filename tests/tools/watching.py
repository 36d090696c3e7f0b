"""How tests watch a camera of the rig: packets and pictures with their numbers, through PyAV."""

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import av

from tools.faults import Camera, read_number

SMALL = (160, 64)


def small(name: str = "a", **values: Any) -> Camera:
    """A camera that costs little: 30 pictures a second, a key frame in every third of a second."""
    return Camera(**{"name": name, "size": SMALL, "fps": 30.0, "gop_s": 1 / 3, "first_report_s": 0.0, "report_every_s": 0.1, **values})


@dataclass(slots=True)
class Seen:
    """A decoded picture."""

    number: int
    """-1: cannot be read."""
    size: tuple[int, int]
    stamp_s: float
    """Its pts; NaN where it has none, as the first of a connection."""
    wall_s: float
    """Capture instant by the camera's sender reports; NaN before the first one."""


@dataclass(slots=True)
class Watcher:
    """An open connection."""

    container: Any
    stream: Any
    packets: list[Any] = field(default_factory=list)

    def pictures(self, count: int) -> list[Seen]:
        """The next so many pictures, or those until the end."""
        return list(islice(self._all(), count))

    def _all(self) -> Iterator[Seen]:
        for packet in self.container.demux(self.stream):
            if packet.size:
                self.packets.append((packet.is_keyframe, packet.size))
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            wall_us = struct.unpack("<q", bytes(packet.get_sidedata("prft"))[:8])[0] if packet.has_sidedata("prft") else math.nan
            for frame in frames:
                luma = frame.to_ndarray()[: frame.height, : frame.width]
                number = read_number(luma)
                stamp_s = math.nan if frame.pts is None else float(frame.pts * frame.time_base)
                yield Seen(-1 if number is None else number, (frame.width, frame.height), stamp_s, wall_us / 1e6)


@contextmanager
def watching(url: str, transport: str = "tcp") -> Iterator[Watcher]:
    """Open as the package does."""
    options = {"rtsp_transport": transport, "probesize": "32", "analyzeduration": "1000000"}
    with av.open(url, options=options, timeout=(10, 5)) as container:
        yield Watcher(container, container.streams.video[0])
