"""Words changed while streaming: no frame waits for a prompt to be prepared, none is lost, and each result names what made it.

That no result is late is shown by who does what, not by a clock: reading words and folding them happen in the thread that asks; the thread
of the frames only looks which state is there, once per batch. `tools/bench/swap.py` has the figures.
"""

import itertools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from streamfuse.batch.collector import BatchSettings
from streamfuse.flow.pipeline import Pipeline
from streamfuse.frames import Pair, Prompt, PromptState, Spectrum
from streamfuse.fuse import compiled
from streamfuse.fuse.classical import prompt_id
from streamfuse.fuse.text_guided import NetworkSettings, TextGuided
from streamfuse.networks import fast_nano
from streamfuse.publish.memory import MemorySink
from streamfuse.results import Result
from streamfuse.source.scene.settings import SceneSettings
from streamfuse.source.scene.stream import SceneSource
from tests.flow.running import run, runs

FRAMES = 24
LIMIT_S = 60
SMOKE, PEOPLE, HAND = Prompt(text="visible/smoke"), Prompt(text="target/people"), Prompt(dials={"infrared_polarity": 1.0})

pytestmark = pytest.mark.usefixtures("no_threads_left")


class Reached:
    """A stage after `detect`: lets a test wait until the result of that number has come out."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._seq = -1

    def __call__(self, result: Result) -> Result:
        with self._condition:
            self._seq = max(self._seq, result.seq)
            self._condition.notify_all()
        return result

    def wait(self, seq: int) -> None:
        with self._condition:
            assert self._condition.wait_for(lambda: self._seq >= seq, LIMIT_S), f"result {seq} never came"


class Gate:
    """A stage after `sync`: holds pairs back at that number until told to go on."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._until = FRAMES

    def __call__(self, pair: Pair) -> Pair:
        with self._condition:
            assert self._condition.wait_for(lambda: pair.seq < self._until, LIMIT_S), f"nobody opened for pair {pair.seq}"
        return pair

    def open(self, until: int) -> None:
        with self._condition:
            self._until = until
            self._condition.notify_all()


class Slow(TextGuided):
    """nano, whose preparation of a prompt with words takes until `hold` is set, and which notes who asked."""

    def __init__(self, hold: Callable[[], None] = lambda: None) -> None:
        super().__init__("nano", NetworkSettings(weights="random", precision="fp32", runtime="torch"))
        self.threads: set[str] = set()
        self._hold = hold

    def to(self, device: torch.device) -> None:
        torch.manual_seed(0)  # the same random weights for all
        super().to(device)

    def compile(self, prompt: Prompt) -> PromptState:
        self.threads.add(threading.current_thread().name)
        if prompt_id(prompt) != "neutral":
            self._hold()
        return super().compile(prompt)


@pytest.fixture
def street(recipe: Callable[..., Any], camera_pair: Callable[..., Any]) -> Callable[..., Any]:
    """A recipe on the drawn street, as many streams as wanted, each of another street."""

    def make(fuser: TextGuided, streams: int = 1, **fields: Any) -> Any:
        def camera(spectrum: Spectrum, seed: int) -> SceneSource:
            return SceneSource(SceneSettings(spectrum=spectrum, size=(96, 64), seed=seed, frames=FRAMES))

        pairs = [camera_pair(f"cam{n}", camera(Spectrum.INFRARED, n), camera(Spectrum.VISIBLE, n)) for n in range(streams)]
        return recipe(pairs, fuse=fuser, **fields)

    return make


def sink_of(made: Any) -> MemorySink:
    (sink,) = made.sinks
    assert isinstance(sink, MemorySink)
    return sink


def moved(was: list[Result], now: list[Result]) -> int:
    """The largest difference of two runs, in grey levels."""
    return max(int(np.abs(a.image.y.astype(int) - b.image.y.astype(int)).max()) for a, b in zip(was, now, strict=True))


def test_frames_go_on_while_a_prompt_is_prepared(street):
    """Eight results come out under the old words before the new ones are ready; then each follows at a batch boundary, none missing."""
    reached, gate = Reached(), Gate()
    gate.open(12)
    made = street(Slow(hold=lambda: reached.wait(8))).after("sync", gate).after("detect", reached)
    with Pipeline(made) as pipeline:
        new = pipeline.prompt("cam0", SMOKE)  # returns only after result 8
        gate.open(FRAMES)
        assert pipeline.wait(LIMIT_S)
    results = list(sink_of(made))
    assert [result.seq for result in results] == list(range(FRAMES))
    assert runs([result.prompt for result in results]) == ["neutral", new]
    assert [result.prompt for result in results[:9]] == ["neutral"] * 9
    assert [result.prompt for result in results[12:]] == [new] * 12
    assert not any(result.drops for result in results)


def test_many_swaps_lose_nothing_and_keep_the_order(street):
    """Back and forth between words, dials by hand and none: one change each, every frame there once, in order of time."""
    reached, gate = Reached(), Gate()
    made = street(Slow()).after("sync", gate).after("detect", reached)
    prompts, wanted = [SMOKE, PEOPLE, HAND, Prompt(), SMOKE], ["neutral"] * 4
    gate.open(4)
    with Pipeline(made) as pipeline:
        for number, prompt in enumerate(prompts, 1):
            reached.wait(4 * number - 1)
            wanted += [pipeline.prompt("cam0", prompt)] * 4
            gate.open(4 * number + 4)
        assert pipeline.wait(LIMIT_S)
    results = list(sink_of(made))
    assert [result.prompt for result in results] == wanted
    assert [result.seq for result in results] == list(range(FRAMES))
    assert all(later.t_cap_ns > earlier.t_cap_ns for earlier, later in itertools.pairwise(results))


def test_the_thread_of_the_frames_prepares_nothing(street, monkeypatch):
    """Neither words are read nor kernels folded or compiled where frames would wait for it."""
    workers: list[tuple[str, str]] = []

    def noting(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            workers.append((what, threading.current_thread().name))
            return function(*arguments)

        return noted

    monkeypatch.setattr(fast_nano, "fold", noting("fold", fast_nano.fold))
    monkeypatch.setattr(compiled.Compiled, "_compile", noting("compile", compiled.Compiled._compile))
    reached, gate = Reached(), Gate()
    fuser = Slow()
    made = street(fuser, streams=2, batch=BatchSettings(size=2)).after("sync", gate).after("detect", reached)
    gate.open(6)
    with Pipeline(made) as pipeline:
        reached.wait(4)  # the gate stops both streams with the one that comes to it first: that one's last pair may wait for a batch
        before = len(workers)
        pipeline.prompt("cam0", SMOKE)
        pipeline.prompt("cam1", PEOPLE)
        gate.open(FRAMES)
        assert pipeline.wait(LIMIT_S)
    here = threading.current_thread().name
    assert fuser.threads == {here}
    assert {thread for _, thread in workers} <= {here}
    assert len(workers) > before


def test_a_result_names_the_words_that_made_it(street):
    """Words that change while a picture is on its way back from the device are not claimed for it."""
    made = street(Slow())
    pipeline = Pipeline(made)

    def swap_after_fusing(fused: Any) -> Any:
        if fused.batch.pairs[0].seq == 7:
            pipeline.prompt("cam0", SMOKE)
        return fused

    made.after("fuse", swap_after_fusing)
    with pipeline:
        assert pipeline.wait(LIMIT_S)
    assert [result.prompt for result in sink_of(made)] == ["neutral"] * 8 + [prompt_id(SMOKE)] * (FRAMES - 8)


def test_other_streams_do_not_notice(street):
    """A swap in one stream of a batch leaves the other's pictures as they are without it, to a grey level."""
    alone = run(street(Slow(), streams=2, batch=BatchSettings(size=2)))
    reached, gate = Reached(), Gate()
    made = street(Slow(), streams=2, batch=BatchSettings(size=2)).after("sync", gate).after("detect", reached)
    gate.open(8)
    with Pipeline(made) as pipeline:
        reached.wait(6)
        pipeline.prompt("cam0", HAND)
        gate.open(FRAMES)
        assert pipeline.wait(LIMIT_S)
    swapped = sink_of(made)
    assert len(swapped.of("cam0")) == len(swapped.of("cam1")) == FRAMES
    assert {result.prompt for result in swapped.of("cam1")} == {"neutral"}
    assert moved(alone.of("cam1"), swapped.of("cam1")) <= 1
    assert moved(alone.of("cam0"), swapped.of("cam0")) > 8
