"""What the client hands out: a header that was checked, and payloads that are decoded when they are asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from streamfuse.clock import NS_PER_MS
from streamfuse.errors import WireError
from streamfuse.frames import Mode
from streamfuse.publish.codec import decode
from streamfuse.publish.group import PictureGroup
from streamfuse.publish.topic import Kind, topic
from streamfuse.publish.wire import Buffer, EosHeader, Header, ResultHeader, StatHeader
from streamfuse.results import Detections


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Message:
    """One message of the bus."""

    header: Header
    """All keys, by their names on the wire; a `ResultHeader` where `kind` is det or img."""
    parts: tuple[Buffer, ...] = ()
    """Payloads as they came, described by `header.parts`."""
    received_ns: int
    """UTC instant of receipt by this machine's clock."""
    class_names: Callable[[str], tuple[str, ...]] = lambda _: ()
    """Class table by its id; () where no `hello` told it."""
    group: tuple[PictureGroup, int] | None = None
    """H.264 only: the group of pictures it belongs to, and its place in there."""

    def __repr__(self) -> str:
        return f"Message({self.topic}, seq={self.seq}, parts={[len(part) for part in self.parts]})"

    @property
    def kind(self) -> Kind:
        """det, img, hello, stat, eos or evt."""
        return cast("Kind", self.header.kind)

    @property
    def stream(self) -> str:
        """Name of the stream."""
        return self.header.stream

    @property
    def topic(self) -> str:
        """Topic it came under."""
        return topic(self.kind, self.stream).decode()

    @property
    def seq(self) -> int:
        """Number within its topic."""
        return self.header.seq

    @property
    def result(self) -> ResultHeader:
        """The header of a det or img; `WireError` for other kinds."""
        if not isinstance(self.header, ResultHeader):
            raise WireError(f"{self.topic} carries no result; only det and img do")
        return self.header

    @property
    def fid(self) -> bytes:
        """Frame id: the same in the det and the img of one result."""
        return self.result.fid

    @property
    def t_cap_ns(self) -> int:
        """Capture instant, UTC."""
        return self.result.t_cap

    @property
    def mode(self) -> Mode:
        """Which cameras the picture shows."""
        return self.result.mode

    @property
    def skew_ns(self) -> int | None:
        """t_visible - t_infrared; None where one is missing."""
        return self.result.dt

    @property
    def age_ms(self) -> float | None:
        """From capture, or the instant a replayed frame was due, to receipt. None in a replay that keeps no time, and for other kinds."""
        header = self.header
        if not isinstance(header, ResultHeader):
            return None
        if header.t_due is None and "media" in (header.ts.infrared.clk, header.ts.visible.clk):
            return None
        born_ns = header.t_cap if header.t_due is None else header.t_due
        return (self.received_ns - born_ns) / NS_PER_MS

    @property
    def figures(self) -> Mapping[str, Any]:
        """`stats` of a stat, `totals` of an eos, nothing for other kinds."""
        if isinstance(self.header, StatHeader):
            return self.header.stats
        return self.header.totals if isinstance(self.header, EosHeader) else {}

    @property
    def stands_alone(self) -> bool:
        """Whether it can be used without those before it: all but H.264 pictures between key frames."""
        return self.group is None or self.group[1] == 0

    @property
    def detections(self) -> Detections:
        """Boxes in pixels of the fused frame. Classes that no table names are named by their number."""
        header = self.result
        table = np.array(header.det, np.float64).reshape(-1, 7)
        if not np.isfinite(table).all():
            raise WireError(f"{self.topic} {self.seq}: a box that is not a number")
        classes = table[:, 5].astype(np.int32)
        names = self.class_names(header.cls)
        missing = range(len(names), int(classes.max(initial=-1)) + 1)
        return Detections(
            boxes_N4=table[:, :4].astype(np.float32),
            scores_N=table[:, 4].astype(np.float32),
            classes_N=classes,
            tracks_N=table[:, 6].astype(np.int32),
            names=(*names, *(str(number) for number in missing)),
        )

    def image(self) -> NDArray[np.uint8]:
        """The fused picture, (H, W, 3) RGB, read-only; decoded anew with each call. `WireError` where there is none or it is broken."""
        header = self.result
        if not header.parts:
            raise WireError(f"{self.topic} {self.seq} carries no picture; subscribe to kind 'img'")
        if self.group is not None:
            group, index = self.group
            return group.picture(index)
        return decode(header.parts[0], self.parts[0])
