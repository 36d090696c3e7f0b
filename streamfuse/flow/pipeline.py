"""Runs a recipe: starts its threads, adds and removes pairs while it runs, stops in order, and tells all failures together."""

import math
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from streamfuse.batch.collector import Collector
from streamfuse.clock import Clock, HostClock
from streamfuse.errors import ConfigError, PipelineError
from streamfuse.flow.context import StreamContext
from streamfuse.flow.engine import Engine
from streamfuse.flow.matching import Matching
from streamfuse.flow.meter import Meter
from streamfuse.flow.outlet import End, Outlet
from streamfuse.flow.prompting import Prompting, told
from streamfuse.flow.recipe import CameraPair, Recipe
from streamfuse.flow.running import RunningPair, Surroundings, start_pair
from streamfuse.flow.worker import Failures, Worker
from streamfuse.frames import Prompt
from streamfuse.fuse.auto_prompt import AutoPrompt
from streamfuse.results import Result

LEAST_RESULTS_PER_SINK = 4
GRACE_S = 2.0
JOIN_S = 5.0
POLL_S = 0.05


class Pipeline:
    """`with Pipeline(recipe) as pipeline: pipeline.wait()`. All methods may be called by any thread.

    Leaving the block stops in order: cameras first, then what is under way is finished, `eos` sent, and everything closed.
    """

    def __init__(self, recipe: Recipe, clock: Clock | None = None) -> None:
        self.recipe = recipe
        self.clock = clock or HostClock()
        self.meter = Meter(self.clock)
        self.publisher = os.urandom(16)
        self._lossless = recipe.policy == "lossless"
        self._failures = Failures()
        self._opened = False
        self._gate = threading.Event()
        self._aborting = threading.Event()
        self._done = threading.Event()
        self._lock = threading.RLock()
        self._running: dict[str, RunningPair] = {}
        self._workers: list[Worker] = []
        self._retired: list[Worker] = []
        self._outlets = [self._outlet(index) for index in range(len(recipe.sinks))]
        self._prompting = Prompting(recipe.fuse, lossless=self._lossless)
        self._engine = Engine(
            recipe=recipe,
            collector=Collector(recipe.batch, recipe.policy),
            taker=self,
            clock=self.clock,
            meter=self.meter,
            prompting=self._prompting,
            on_pair_failed=self._pair_failed,
        )
        self._matching = Matching(taker=self._engine, clock=self.clock, meter=self.meter, on_pair_failed=self._pair_failed)
        self._surroundings = Surroundings(recipe, self._matching, self.meter, self.clock, self._failures, self._gate)

    # --- life

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.stop()
        else:
            self.abort()

    def open(self) -> None:
        """Open the sinks and the device; `start` does it where it was not done. A sink or weights that are not there are errors here."""
        if self._opened:
            return
        self._opened = True
        try:
            self._open()
        except BaseException:
            self.abort()
            raise

    def start(self) -> None:
        """Open, then start the cameras. A pair that cannot be is an error here, and leaves nothing running."""
        self.open()
        self._spawn("engine", self._engine.run)
        self._spawn("sync", self._matching.run)
        self._spawn("prompts", self._prompting.run)
        try:
            for pair in self.recipe.pairs:
                self.add(pair)
        except BaseException:
            self.abort()
            raise
        if not self.recipe.wait_subscribers:
            self._gate.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until every stream has ended or something failed for good; False if that took longer than `timeout_s`.

        Raises `PipelineError` with all failures after everything has stopped.
        """
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._turn():
            if deadline_s is not None and time.monotonic() >= deadline_s:
                return False
        self.stop(None if self._lossless else GRACE_S)
        return True

    def stop(self, grace_s: float | None = GRACE_S) -> None:
        """Orderly: cameras stop, what is under way is finished, `eos` goes out. What is not done after `grace_s` is discarded.

        `grace_s` None waits as long as it takes: the sinks have limits of their own. May be called twice.
        """
        deadline_s = math.inf if grace_s is None else time.monotonic() + grace_s
        for running in self._all():
            running.stopping.set()
        self._matching.close()
        self._join("sync", deadline_s)
        self._engine.close(discard=self._alive("sync"))
        self._join("engine", deadline_s)
        self._prompting.close()
        for outlet in self._outlets:
            outlet.channel.close()
        self._join("publish", deadline_s)
        if self._alive("publish") or self._alive("engine"):
            self.abort()
        else:
            self._finish()
        failures = self._failures.all()
        if failures:
            raise PipelineError("the pipeline failed", failures)

    def abort(self) -> None:
        """At once: nothing that is under way is finished."""
        self._aborting.set()
        for running in self._all():
            running.stopping.set()
            running.discard()
        self._matching.close()
        self._engine.close(discard=True)
        self._prompting.close()
        for outlet in self._outlets:
            outlet.abort()
        self._finish()

    @property
    def readers(self) -> int:
        """Subscribers of all sinks together."""
        return sum(outlet.readers for outlet in self._outlets)

    # --- pairs and prompts, while it runs

    def add(self, pair: CameraPair) -> None:
        """Start one more pair."""
        context = StreamContext(
            camera_pair=pair,
            words=self._prompting.words(pair.prompt),
            publisher=self.publisher,
            model={"network": self.recipe.fuse.name, "detector": self.recipe.detect.name, "precision": self.recipe.fuse.precision},
        )
        with self._lock:
            if pair.stream in self._running:
                raise ConfigError(f"there is a stream called {pair.stream!r} already")
            if pair.rig is not None:
                self.recipe.align.know(pair.rig.id, pair.rig)
            self.meter.add(pair.stream)
            self._engine.add(pair.stream, context)
            self._running[pair.stream] = start_pair(pair, self._surroundings)

    def remove(self, stream: str) -> None:
        """Stop one pair: its last results and its `eos` still go out."""
        with self._lock:
            if stream not in self._running:
                raise ConfigError(f"there is no stream called {stream!r}")
            self._running[stream].stopping.set()

    def prompt(self, stream: str, prompt: Prompt | AutoPrompt) -> str:
        """Change the words of a stream: prepared here, swapped at the next batch. Returns the prompt's id, as results tell it."""
        try:
            words = self._engine.context(stream).words
        except KeyError:
            raise ConfigError(f"there is no stream called {stream!r}") from None
        return told(self._prompting.change(words, prompt))[0]

    def streams(self) -> list[str]:
        """Names of the pairs that run."""
        with self._lock:
            return list(self._running)

    # --- what the engine tells

    def put(self, result: Result) -> None:
        """Hand a result to every sink."""
        for outlet in self._outlets:
            outlet.channel.put(result)

    def end(self, stream: str) -> None:
        """A stream has ended and all its results were handed over."""
        for outlet in self._outlets:
            outlet.channel.put(End(stream))
        with self._lock:
            ended = self._running.pop(stream, None)
            self._retired = [worker for worker in [*self._retired, *(ended.workers if ended else ())] if worker.alive]
            if not self._running:
                self._done.set()

    def _pair_failed(self, stream: str, stage: str, error: Exception) -> None:
        self._failures.add(f"{stage} ({stream})", error)
        with self._lock:
            if stream in self._running:
                self._running[stream].stopping.set()

    # --- threads

    def _outlet(self, index: int) -> Outlet:
        sink = self.recipe.sinks[index]
        depth = max(LEAST_RESULTS_PER_SINK, 2 * len(self.recipe.pairs))
        return Outlet(
            name=f"{type(sink).__name__}-{index}",
            sink=sink,
            meter=self.meter,
            lossless=self._lossless,
            depth=depth,
            stopping=self._aborting.is_set,
        )

    def _open(self) -> None:
        self._engine.open()
        for outlet in self._outlets:
            self._spawn(f"publish/{outlet.name}", outlet.run)
            outlet.opened.wait()
            if outlet.failed_to_open is not None:
                raise outlet.failed_to_open

    def _spawn(self, name: str, run: Callable[[], None]) -> None:
        worker = Worker(name, run, self._failures, self._done.set)
        self._workers.append(worker)
        worker.start()

    def _turn(self) -> bool:
        """A moment of waiting; True when it is over."""
        if not self._gate.is_set() and self.readers >= self.recipe.wait_subscribers:
            self._gate.set()
        return self._done.wait(POLL_S)

    def _all(self) -> list[RunningPair]:
        with self._lock:
            return list(self._running.values())

    def _named(self, name: str) -> list[Worker]:
        return [worker for worker in self._workers if worker.name.split("/")[0] == name]

    def _alive(self, name: str) -> bool:
        return any(worker.alive for worker in self._named(name))

    def _join(self, name: str, deadline_s: float) -> None:
        """Until the deadline; something that failed meanwhile may leave others waiting for ever, so then not longer than the grace."""
        for worker in self._named(name):
            while not worker.join(POLL_S) and time.monotonic() < deadline_s:
                if self._failures.all():
                    deadline_s = min(deadline_s, time.monotonic() + GRACE_S)

    def _finish(self) -> None:
        for worker in [*self._workers, *[worker for running in self._all() for worker in running.workers], *self._retired]:
            worker.join(JOIN_S)
        self._done.set()
