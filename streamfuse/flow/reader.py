"""A camera's thread: open, read, tone, hand over; try again where the camera is live, go round where a recording loops."""

import dataclasses
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from streamfuse.clock import NS_PER_S, Clock
from streamfuse.errors import SourceAuthError, SourceError, UnsupportedInputError
from streamfuse.flow.backoff import Backoff
from streamfuse.flow.channel import Channel, Closed
from streamfuse.flow.meter import Meter
from streamfuse.flow.pace import Pace
from streamfuse.flow.packets import PacketQueue
from streamfuse.flow.worker import Failures, Worker
from streamfuse.frames import Frame
from streamfuse.stages import PacketSource, Source

logger = logging.getLogger(__name__)

DEMUX_JOIN_S = 30.0  # a blocked read ends after its timeout, over RTSP after twice that

FrameStage = Callable[[Frame], "Frame | None"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A frame, when it was there (monotonic), and how long reading it took. No frame: the camera is gone, or begins its next lap."""

    frame: Frame | None
    at_ns: int
    read_ns: int = 0
    lap: bool = False


class Reader:
    """Feeds one camera of one stream into its channel until the source ends, fails for good, or all is stopped."""

    def __init__(
        self,
        *,
        stream: str,
        source: Source,
        stages: list[FrameStage],
        pace: Pace,
        loop: bool,
        out: Channel[Arrival],
        meter: Meter,
        clock: Clock,
        failures: Failures,
        stopping: threading.Event,
    ) -> None:
        self.stream = stream
        self.source = source
        self.name = f"{stream}/{source.spectrum}"
        self._stages = stages
        self._pace = pace
        self._loop = loop
        self._out = out
        self._meter = meter
        self._clock = clock
        self._failures = failures
        self._stopping = stopping
        self._backoff = Backoff()
        self._epoch = 0
        self._shift_ns = 0
        self._end_ns = 0
        self._started = False
        self._last_ns: int | None = None
        self.frames = 0

    def run(self) -> None:
        """The thread's body."""
        try:
            if self.source.live:
                self._run_camera()
            else:
                self._run_recording()
        finally:
            if not self.source.live:
                self._pace.leave()
            self._out.close()
            self.source.close()
            self._meter.problem(self.stream, self.source.spectrum.value, self.source.problems)

    def _run_recording(self) -> None:
        """One lap, or laps until the stop. A recording that cannot be opened ends its pair: nobody meant to replay half of it."""
        self._tell("opening")
        try:
            self.source.open()
        except SourceError:
            self._stopping.set()
            raise
        while not self._stopping.is_set():
            before = self.frames
            self._lap(self._read_all())
            if not self._loop or self.frames == before:
                break
            self._put(Arrival(None, self._clock.now_ns(), lap=True))
            shift_ns = self._pace.lap(self._end_ns)
            if shift_ns is None:
                break
            self.source.close()
            self.source.open()
            self._epoch += 1
            self._shift_ns = shift_ns
        self._tell("ended")

    def _run_camera(self) -> None:
        """For ever: whatever happens to a camera, it is tried again."""
        while not self._stopping.is_set():
            opened_ns = self._clock.now_ns()
            auth = False
            try:
                self._tell("connecting")
                self.source.open()
                self._tell("running")
                self._lap(self._read_packets() if isinstance(self.source, PacketSource) else self._read_all())
                logger.warning("%s: the stream ended", self.name)
            except UnsupportedInputError:
                raise
            except SourceError as exc:
                auth = isinstance(exc, SourceAuthError)
                logger.warning("%s: %s", self.name, exc)
            self.source.close()
            if self._stopping.is_set():
                break
            self._put(Arrival(None, self._clock.now_ns()))
            self._meter.problem(self.stream, self.source.spectrum.value, self.source.problems)
            self._backoff.ran((self._clock.now_ns() - opened_ns) / NS_PER_S)
            wait_s = self._backoff.wait_s(auth=auth)
            self._tell(f"{'refused' if auth else 'retrying'} in {wait_s:.1f} s")
            self._clock.wait(self._stopping, round(wait_s * NS_PER_S))
            self._epoch += 1

    def _lap(self, frames: Iterator[tuple[Frame, int]]) -> None:
        """Everything that the source gives until it ends."""
        for raw, read_ns in frames:
            frame = self._through_stages(self._on_time_line(raw))
            if frame is None:
                continue
            if not self.source.live:
                frame = self._in_time(frame)
            if frame is None or not self._put(Arrival(frame, self._clock.now_ns(), read_ns)):
                return
            self.frames += 1

    def _on_time_line(self, frame: Frame) -> Frame:
        """Later laps go on where the last one ended; later connections count their epoch."""
        if self._epoch == 0:
            return frame
        return dataclasses.replace(frame, epoch=self._epoch, t_cap_ns=frame.t_cap_ns + self._shift_ns)

    def _through_stages(self, frame: Frame | None) -> Frame | None:
        for stage in self._stages:
            if frame is None:
                self._meter.dropped(self.stream, "source", "user_stage")
                return None
            frame = stage(frame)
        return frame

    def _in_time(self, frame: Frame) -> Frame | None:
        """Wait until the frame is due; None on a stop."""
        if not self._started:
            self._started = True
            self._tell("waiting to start")
            if not self._pace.arrive(frame.t_cap_ns):
                return None
            self._tell("running")
        period_ns = frame.t_cap_ns - self._last_ns if self._last_ns is not None else 0
        self._last_ns = frame.t_cap_ns
        self._end_ns = frame.t_cap_ns + max(0, period_ns)
        t_due_ns = self._pace.wait_due(frame.t_cap_ns)
        if self._pace.slipped_ns:
            self._tell(f"running, {self._pace.slipped_ns / NS_PER_S:.1f} s behind its own pace")
        if self._stopping.is_set():
            return None
        return frame if t_due_ns is None else dataclasses.replace(frame, t_due_ns=t_due_ns)

    def _read_all(self) -> Iterator[tuple[Frame, int]]:
        while not self._stopping.is_set():
            started_ns = self._clock.now_ns()
            frame = self.source.read()
            if frame is None:
                return
            yield frame, self._clock.now_ns() - started_ns

    def _read_packets(self) -> Iterator[tuple[Frame, int]]:
        """Demux on a thread of its own, so that a slow decoder never stalls the network."""
        source = self.source
        assert isinstance(source, PacketSource)
        queue = PacketQueue(lambda count: self._meter.dropped(self.stream, "packets", "overflow", count))
        broken: list[SourceError] = []
        demuxer = Worker(f"{self.name}/demux", lambda: _pump(source, queue, broken, self._stopping), self._failures, queue.close)
        demuxer.start()
        try:
            yield from self._decode(source, queue)
        finally:
            queue.close()
            if not demuxer.join(DEMUX_JOIN_S):  # closing under it would crash it: it is left alone, and so is the source
                raise SourceError(f"{self.name}: the camera hangs; its thread was abandoned")
        if broken:
            raise broken[0]

    def _decode(self, source: PacketSource, queue: PacketQueue) -> Iterator[tuple[Frame, int]]:
        while not self._stopping.is_set():
            try:
                packet: Any = queue.get()
            except Closed:
                packet = None
            started_ns = self._clock.now_ns()
            for frame in source.decode(packet):
                yield frame, self._clock.now_ns() - started_ns
                started_ns = self._clock.now_ns()
            if packet is None:
                return

    def _put(self, arrival: Arrival) -> bool:
        return self._out.put(arrival)

    def _tell(self, state: str) -> None:
        self._meter.camera(self.stream, self.source.spectrum.value, state)


def _pump(source: PacketSource, queue: PacketQueue, broken: list[SourceError], stopping: threading.Event) -> None:
    try:
        for packet in source.demux():
            if stopping.is_set() or not queue.put(packet):
                break
    except SourceError as exc:
        broken.append(exc)
    finally:
        queue.close()
