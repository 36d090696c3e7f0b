"""The thread that feeds the device: takes groups of pairs, runs align, fuse and detect on them, and hands results on in order."""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import torch

from streamfuse.batch.collector import Collector
from streamfuse.batch.lane import Download, Lane, make_lane
from streamfuse.clock import NS_PER_S, Clock
from streamfuse.errors import DeviceError
from streamfuse.flow.context import StreamContext, note
from streamfuse.flow.matching import Timing
from streamfuse.flow.meter import Meter
from streamfuse.flow.prompting import Prompting
from streamfuse.flow.recipe import Recipe, through
from streamfuse.flow.threads import threads_for
from streamfuse.flow.warm_up import warm_up
from streamfuse.flow.worker import catching
from streamfuse.frames import Batch, Fused, Pair, Planes, PromptState
from streamfuse.fuse.single import single
from streamfuse.results import Detections, Result

logger = logging.getLogger(__name__)

T = TypeVar("T")

DEVICE_ERRORS = (torch.cuda.OutOfMemoryError, torch.AcceleratorError)
NS_PER_US = 1000


class ResultTaker(Protocol):
    """Who takes the results."""

    def put(self, result: Result) -> None:
        """Take a result; lossless waits for room."""
        ...

    def end(self, stream: str) -> None:
        """No more results of that stream."""
        ...


@dataclass(frozen=True, slots=True)
class _Job:
    pair: Pair
    timing: Timing
    taken_ns: int


@dataclass(frozen=True, slots=True)
class _Flight:
    jobs: list[_Job]
    prompts: list[PromptState]
    """What the pictures were fused under; the streams may have other words by the time they land."""
    download: Download
    detections: list[Detections]
    spent_us: dict[str, int]
    started_ns: int


class Engine:
    """One per device. `put`, `end` and `close` are called by other threads; everything else happens on its own."""

    def __init__(
        self,
        *,
        recipe: Recipe,
        collector: Collector,
        taker: ResultTaker,
        clock: Clock,
        meter: Meter,
        prompting: Prompting,
        on_pair_failed: Callable[[str, str, Exception], None],
    ) -> None:
        self._recipe = recipe
        self._collector = collector
        self._taker = taker
        self._clock = clock
        self._meter = meter
        self._prompting = prompting
        self._on_pair_failed = on_pair_failed
        self._condition = threading.Condition()
        self._contexts: dict[str, StreamContext] = {}
        self._timings: dict[tuple[str, int], Timing] = {}
        self._ending: list[str] = []
        self._failed: set[str] = set()
        self._closing = False
        self._discard = False
        self._lane: Lane | None = None
        self._flights: deque[_Flight] = deque()
        self._stage = "batch"
        self._restarts = 0

    # --- called by other threads

    def add(self, stream: str, context: StreamContext) -> None:
        """Know a stream before its first pair comes."""
        with self._condition:
            self._contexts[stream] = context
            self._failed.discard(stream)

    def context(self, stream: str) -> StreamContext:
        """What is known of a stream."""
        return self._contexts[stream]

    def put(self, pair: Pair, timing: Timing) -> None:
        """Take a pair; lossless waits until there is room."""
        with self._condition:
            self._condition.wait_for(lambda: not self._collector.full or self._discard)
            if self._discard or pair.stream in self._failed:
                return
            replaced = self._collector.put(pair, self._clock.now_ns())
            if replaced is not None:
                self._timings.pop((replaced.stream, replaced.seq), None)
                self._meter.dropped(pair.stream, "batch", "superseded")
            self._timings[pair.stream, pair.seq] = timing
            self._condition.notify_all()

    def end(self, stream: str) -> None:
        """No more pairs of that stream: its end follows its last result."""
        with self._condition:
            self._ending.append(stream)
            self._condition.notify_all()

    def close(self, *, discard: bool = False) -> None:
        """No more pairs at all. `discard`: do not finish what waits."""
        with self._condition:
            self._closing = True
            self._discard = self._discard or discard
            self._condition.notify_all()

    # --- the thread

    def open(self) -> None:
        """Load networks and detectors onto the device; errors in weights show up here."""
        if self._recipe.steady:
            self._recipe.steady.forget()  # pictures on a device that failed
        torch.set_num_threads(self._recipe.threads or threads_for(os.cpu_count() or 1))
        self._lane = make_lane(self._recipe.device)
        self._recipe.fuse.to(self._lane.device)
        self._recipe.detect.to(self._lane.device)
        warm_up(self._recipe, self._lane, self._clock)

    @property
    def lane(self) -> Lane:
        """The way to the device; there after `open`."""
        if self._lane is None:
            raise DeviceError("the engine was not opened")
        return self._lane

    def run(self) -> None:
        """The thread's body."""
        with torch.inference_mode():
            while (jobs := self._take()) is not None:
                if jobs:
                    self._run(jobs)
                while self._flights and (not jobs or len(self._flights) >= self.lane.depth):
                    self._land(self._flights.popleft())
                self._tell_ends()

    def _take(self) -> list[_Job] | None:
        """The next batch; empty: land what flies or tell an end; None: all is done."""
        with self._condition:
            while True:
                now_ns = self._clock.now_ns()
                idle = not self._flights
                done = self._closing or (bool(self._contexts) and len(self._ending) >= len(self._contexts))
                pairs = () if self._discard else self._collector.take(now_ns, idle=idle, ended=done)
                if pairs:
                    self._condition.notify_all()
                    return [_Job(pair, self._timings.pop((pair.stream, pair.seq)), now_ns) for pair in pairs]
                if self._flights or self._ended():
                    return []
                if self._closing and (self._discard or not len(self._collector)):
                    return None
                wake_ns = self._collector.wake_ns(now_ns, idle=idle)
                self._condition.wait(None if wake_ns is None else max(0.0, (wake_ns - now_ns) / NS_PER_S))

    def _run(self, jobs: list[_Job]) -> None:
        steady = self._recipe.steady
        memory = steady.memory if steady else {}
        with catching() as caught:
            self._flights.append(self._submit(jobs))
        if caught and steady:
            steady.memory = memory  # these pairs come once more, or never
        for error in caught:
            if isinstance(error, DEVICE_ERRORS):
                self._restart(error, jobs)
            elif len(jobs) > 1:
                for job in jobs:  # one bad pair must not take the others with it
                    self._run([job])
            else:
                self._fail(jobs[0].pair.stream, error)

    def _submit(self, jobs: list[_Job]) -> _Flight:
        """Upload, align, fuse, detect, and start the way back. Does not wait for a GPU."""
        started_ns = self._clock.now_ns()
        contexts = [self._contexts[job.pair.stream] for job in jobs]
        spent: dict[str, int] = {}
        own = self._recipe.own
        pairs = tuple(job.pair for job in jobs)
        prompts = [context.words.state for context in contexts]
        for context, pair in zip(contexts, pairs, strict=True):
            self._prompting.look(context.words, pair)  # for the next batch
        rigs = [context.rig_id for context in contexts]
        batch = self._timed("batch", spent, lambda: through(own["batch"], self.lane.upload(pairs, prompts, rigs)))
        with self.lane.compute(batch):
            batch = self._timed("align", spent, lambda: through(own["align"], self._recipe.align.align(batch)))
            fused = self._timed("fuse", spent, lambda: through(own["fuse"], self._fuse(batch)))
            detections = self._timed("detect", spent, lambda: self._recipe.detect.detect(fused))
            download = self._timed("download", spent, lambda: self.lane.download(fused))
        return _Flight(jobs, prompts, download, detections, spent, started_ns)

    def _fuse(self, batch: Batch) -> Fused:
        alone = batch.infrared_B1hw is None or batch.luma_B1HW is None
        fused = single(batch) if alone else self._recipe.fuse.fuse(batch, batch.prompts)
        return self._recipe.steady(fused) if self._recipe.steady else fused

    def _timed(self, stage: str, spent: dict[str, int], function: Callable[[], T]) -> T:
        self._stage = stage
        started_ns = self._clock.now_ns()
        value = function()
        spent[stage] = (self._clock.now_ns() - started_ns) // NS_PER_US
        return value

    def _land(self, flight: _Flight) -> None:
        """Wait for the pixels, give ids to the boxes, hand on."""
        with catching() as caught:
            planes = flight.download.take()
        if caught:  # most errors of a device show up only here
            self._restart(caught[0], flight.jobs)
            return
        self._collector.took(len(flight.jobs), self._clock.now_ns() - flight.started_ns)
        for item, (job, picture, detections) in enumerate(zip(flight.jobs, planes, flight.detections, strict=False)):  # the rest is padding
            with catching() as caught:
                self._stage = "track"
                self._hand_on(job, flight.prompts[item], picture, detections, flight.spent_us)
            for error in caught:
                self._fail(job.pair.stream, error)

    def _hand_on(self, job: _Job, prompt: PromptState, picture: Planes, detections: Detections, spent_us: dict[str, int]) -> None:
        pair, timing = job.pair, job.timing
        context = self._contexts[pair.stream]
        tracked = context.track(pair, detections)
        latency_us = {
            "source": timing.read_ns // NS_PER_US,
            "sync": (timing.made_ns - timing.arrived_ns) // NS_PER_US,
            "wait": (job.taken_ns - timing.made_ns) // NS_PER_US,
            **spent_us,
        }
        note(self._meter, self._clock, pair, latency_us)
        result = context.result(pair, picture, tracked, latency_us, self._meter.untold_drops(pair.stream), prompt=prompt)
        kept: Any = through(self._recipe.own["detect"], result)
        if kept is None:
            self._meter.dropped(pair.stream, "detect", "user_stage")
        else:
            self._taker.put(kept)
        self._meter.misaligned(pair.stream, context.watch(pair, self._recipe.align))

    def _ended(self) -> list[str]:
        """Streams of which nothing waits or flies any more."""
        flying = {job.pair.stream for flight in self._flights for job in flight.jobs}
        return [stream for stream in self._ending if stream not in flying and (self._discard or not self._collector.holds(stream))]

    def _tell_ends(self) -> None:
        """The end of a stream comes after its last result."""
        with self._condition:
            ended = self._ended()
            for stream in ended:
                self._ending.remove(stream)
                del self._contexts[stream]
                self._collector.forget(stream)
                if self._recipe.steady:
                    self._recipe.steady.forget(stream)
        for stream in ended:
            self._taker.end(stream)

    def _fail(self, stream: str, error: Exception) -> None:
        with self._condition:
            if stream in self._failed:
                return
            self._failed.add(stream)
        self._on_pair_failed(stream, self._stage, error)

    def _restart(self, error: Exception, jobs: list[_Job]) -> None:
        """A device gets one more chance; what was on it is lost and counted, `jobs` among it."""
        self._restarts += 1
        for job in (*jobs, *(job for flight in self._flights for job in flight.jobs)):
            self._meter.dropped(job.pair.stream, "device", "restart")
        self._flights.clear()
        if self._restarts > 1:
            raise DeviceError(f"{self.lane.device} failed again after a restart: {error}") from error
        logger.warning("%s failed, starting it once more: %s", self.lane.device, error)
        self.open()
