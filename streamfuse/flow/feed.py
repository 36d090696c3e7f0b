"""What every reader does with its camera's frames: the stages in between, the hand-over, and telling how the camera does."""

import dataclasses
import threading
from collections.abc import Callable
from dataclasses import dataclass

from streamfuse.clock import Clock
from streamfuse.flow.channel import Channel
from streamfuse.flow.clocks import clock_report
from streamfuse.flow.meter import Meter
from streamfuse.frames import Frame
from streamfuse.stages import Clocked, Source

FrameStage = Callable[[Frame], "Frame | None"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A frame, when it was there (monotonic), and how long reading it took. No frame: the camera is gone, or begins its next lap."""

    frame: Frame | None
    at_ns: int
    read_ns: int = 0
    lap: bool = False


@dataclass(slots=True, kw_only=True)
class Feed:
    """One camera of one stream, and where its frames go."""

    stream: str
    source: Source
    stages: list[FrameStage]
    out: Channel[Arrival]
    meter: Meter
    clock: Clock
    stopping: threading.Event
    partner: Source | None = None
    """The other camera of the pair."""
    frames: int = 0
    """Handed over so far."""
    epoch: int = 0
    """Of the last frame."""
    _base: int = 0

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.stream}/{self.source.spectrum}"

    def through_stages(self, frame: Frame) -> Frame | None:
        """The frame after the stages; None: one of them dropped it, counted."""
        staged: Frame | None = frame
        for stage in self.stages:
            if staged is None:
                self.meter.dropped(self.stream, "source", "user_stage")
                return None
            staged = stage(staged)
        return staged

    def renew_epoch(self) -> None:
        """What comes next is from after a break in time: another connection, another lap."""
        self._base = self.epoch + 1

    def on_time_line(self, frame: Frame, shift_ns: int = 0) -> Frame:
        """Epochs of the source count on from those before; laps of a recording go on where the last one ended."""
        self.epoch = self._base + frame.epoch
        if self.epoch == frame.epoch and not shift_ns:
            return frame
        return dataclasses.replace(frame, epoch=self.epoch, t_cap_ns=frame.t_cap_ns + shift_ns)

    def put(self, frame: Frame, read_ns: int) -> bool:
        """Hand on; False: nobody takes it any more."""
        self.frames += 1
        return self.out.put(Arrival(frame, self.clock.now_ns(), read_ns))

    def gone(self, *, lap: bool = False) -> None:
        """Tell the matcher that the camera is gone for now."""
        self.out.put(Arrival(None, self.clock.now_ns(), lap=lap))

    def tell(self, state: str) -> None:
        """What the camera is doing."""
        self.meter.camera(self.stream, self.source.spectrum.value, str(state))

    def tell_trouble(self, reason: str) -> None:
        """Why it is not there, without its address, which would stand in every figure."""
        self.meter.trouble(self.stream, self.source.spectrum.value, reason.removeprefix(f"{self.source.name}: "))

    def tell_connected(self) -> None:
        """It shows pictures over a new connection."""
        self.meter.connected(self.stream, self.source.spectrum.value)

    def tell_figures(self) -> None:
        """What it has counted, and how its clock goes."""
        self.meter.problem(self.stream, self.source.spectrum.value, self.source.problems)
        if not isinstance(self.source, Clocked):
            return
        if self.source.clock_report is not None:
            self.meter.clock(self.stream, self.source.spectrum.value, self.source.clock_report, self.epoch)
        report = clock_report(self.partner)
        if report is not None and report.delay_ns is not None:
            self.source.assume_delay(report.delay_ns)

    def end(self) -> None:
        """Nothing more will come."""
        self.out.close()
        self.tell_figures()
