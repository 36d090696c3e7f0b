"""One pair of cameras while it runs: a reader per camera, their channels, and the line that matches them."""

import threading
from dataclasses import dataclass
from functools import partial

from streamfuse.clock import Clock
from streamfuse.flow.camera import CameraReader
from streamfuse.flow.channel import Channel
from streamfuse.flow.content import ContentWatch
from streamfuse.flow.feed import Arrival, Feed
from streamfuse.flow.matching import Limit, Line, Matching
from streamfuse.flow.meter import Meter
from streamfuse.flow.pace import Pace
from streamfuse.flow.reader import RecordingReader
from streamfuse.flow.recipe import CameraPair, Recipe
from streamfuse.flow.worker import Failures, Worker
from streamfuse.frames import Spectrum

FRAMES_PER_CAMERA = 4


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all pairs of a pipeline share."""

    recipe: Recipe
    matching: Matching
    meter: Meter
    clock: Clock
    failures: Failures
    gate: threading.Event
    """Recordings start when it is set."""


@dataclass(slots=True)
class RunningPair:
    """`stopping` ends its cameras, and with them the stream."""

    stopping: threading.Event
    channels: dict[Spectrum, Channel[Arrival]]
    workers: list[Worker]

    def discard(self) -> None:
        """Forget what its cameras have delivered."""
        for channel in self.channels.values():
            channel.close(discard=True)


def start_pair(pair: CameraPair, around: Surroundings) -> RunningPair:
    """Start the threads of a pair."""
    recipe = around.recipe
    lossless = recipe.policy == "lossless"
    stopping = threading.Event()
    recordings = sum(not source.live for source in pair.sources.values())  # a live camera comes when it comes
    pace = Pace(cameras=recordings, speed=recipe.pace_speed, clock=around.clock, gate=around.gate, stopping=stopping)
    channels = {spectrum: _channel(pair.stream, spectrum, around, lossless=lossless) for spectrum in pair.sources}
    watch = None
    if pair.content is not None and not lossless:  # it takes the time that it takes, and what it corrects would depend on that
        watch = ContentWatch(pair.content, stream=pair.stream, clock=around.clock, meter=around.meter)
    workers: list[Worker] = []
    for spectrum, source in pair.sources.items():
        tone = [pair.tone] if pair.tone is not None and spectrum is Spectrum.INFRARED else []
        feed = Feed(
            stream=pair.stream,
            source=source,
            stages=[*tone, *([watch.take] if watch else []), *recipe.own["source"]],
            out=channels[spectrum],
            meter=around.meter,
            clock=around.clock,
            stopping=stopping,
            partner=pair.sources.get(spectrum.other),
        )
        reader = CameraReader(feed, around.failures) if source.live else RecordingReader(feed, pace, loop=recipe.loop)
        workers.append(Worker(f"source/{reader.name}", reader.run, around.failures, lambda: None))
    if watch is not None:
        look = partial(watch.run, tuple(workers), stopping)
        workers.append(Worker(f"content/{pair.stream}", look, around.failures, lambda: None))
    limit = Limit(recipe.frames, stopping) if recipe.frames else None
    around.matching.add(
        Line(stream=pair.stream, sync=pair.sync, channels=channels, stages=recipe.own["sync"], lossless=lossless, limit=limit)
    )
    for worker in workers:  # the cameras first: what watches them ends with them
        worker.start()
    return RunningPair(stopping, channels, workers)


def _channel(stream: str, spectrum: Spectrum, around: Surroundings, *, lossless: bool) -> Channel[Arrival]:
    return Channel(
        FRAMES_PER_CAMERA,
        "block" if lossless else "drop_oldest",
        condition=around.matching.condition,
        on_drop=lambda _: around.meter.dropped(stream, "source", f"{spectrum}_overflow"),
    )
