"""What breaks in a pipeline, and what goes on all the same."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import pytest
import torch

from streamfuse.batch.collector import BatchSettings
from streamfuse.batch.lane import CpuLane, Download
from streamfuse.errors import BusError, PipelineError, SourceError, SubscriberStalledError
from streamfuse.flow.pipeline import Pipeline
from streamfuse.frames import Frame, Pair, Planes, Spectrum
from streamfuse.publish.memory import MemorySink
from streamfuse.results import Result
from tests.flow.conftest import Listed, frames
from tests.flow.running import renumbered, run, runs

IR, VIS = Spectrum.INFRARED, Spectrum.VISIBLE
T = TypeVar("T")

pytestmark = pytest.mark.usefixtures("no_threads_left")


def test_a_recording_that_breaks_costs_only_its_own_frames(recipe, camera_pair):
    """The other camera goes on to its end, and the failure is told then, with its stage."""
    broken = Listed(IR, [*frames(IR, 3), SourceError("bad sector")])
    made = recipe([camera_pair(infrared=broken, visible=Listed(VIS, frames(VIS, 20)))])
    with pytest.raises(PipelineError) as caught:
        run(made)
    assert runs([r.mode for r in made.sinks[0]]) == ["fused", "degraded", "visible_only"]
    assert len(made.sinks[0]) == 20
    (error,) = caught.value.exceptions
    assert str(error) == "bad sector"
    assert error.__notes__ == ["stage: source/gate/infrared"]


def test_a_recording_that_cannot_be_opened_ends_its_pair(recipe, camera_pair):
    """Nobody meant to replay half a pair: the error comes before the other half has run through."""
    missing = Listed(IR, [], fails_to_open=1)
    held = Listed(VIS, frames(VIS, 500))
    with pytest.raises(PipelineError) as caught:
        run(recipe([camera_pair(infrared=missing, visible=held)]))
    assert "listed infrared is not there" in str(caught.value.exceptions[0])


def test_a_live_camera_is_tried_again(recipe, camera_pair):
    """A camera that is not there, breaks and comes back delivers in the end, each time in a new epoch."""
    done = threading.Event()
    camera = Listed(VIS, [*frames(VIS, 3, clock="host")], live=True, fails_to_open=1)
    made = recipe([camera_pair(visible=camera, policy="live")], policy="live")

    def until_twice(result: Result) -> Result:
        if result.epoch >= 2:
            done.set()
        return result

    with Pipeline(made.after("detect", until_twice)) as pipeline:
        assert done.wait(60)
        pipeline.stop()
    epochs = [r.epoch for r in made.sinks[0]]
    assert epochs == sorted(epochs)
    assert camera.opened >= 3


def test_a_bad_pair_does_not_stop_the_others(recipe, camera_pair):
    """Sizes without a rig stop their own pair, named; the pair beside it, in the same batches, is complete."""
    small = camera_pair("small", infrared=Listed(IR, frames(IR, 6, size=(24, 32))), visible=Listed(VIS, frames(VIS, 6)))
    good = camera_pair("good", infrared=Listed(IR, frames(IR, 6)), visible=Listed(VIS, frames(VIS, 6)))
    made = recipe([small, good], batch=BatchSettings(size=4))
    with pytest.raises(PipelineError) as caught:
        run(made)
    assert len(made.sinks[0].of("good")) == 6
    assert not made.sinks[0].of("small")
    assert "small: infrared is 32x24, visible 64x48" in str(caught.value.exceptions[0])
    assert caught.value.exceptions[0].__notes__ == ["stage: align (small)"]


def test_own_stage_that_fails_is_named(recipe):
    """What a user's stage throws comes out with the border it stands at."""
    made = recipe(count=3).after("fuse", lambda _: 1 / 0)
    with pytest.raises(PipelineError) as caught:
        run(made)
    (error,) = caught.value.exceptions
    assert isinstance(error, ZeroDivisionError)
    assert error.__notes__ == ["stage: fuse (gate)"]


@pytest.mark.parametrize("where", ["fuse", "download"])
def test_a_device_that_fails_is_started_once_more(recipe, monkeypatch, where):
    """What was on it is lost and counted, and the rest comes, whether it failed at the work or only on the way back."""
    failing: list[Exception] = []

    def fail(item: T) -> T:
        if failing:
            raise failing.pop()
        return item

    def arm(pair: Pair) -> Pair:
        if pair.seq == 2:
            failing.append(torch.cuda.OutOfMemoryError("none left"))
        return pair

    made = recipe(count=5).after("sync", arm)
    if where == "fuse":
        made.after("fuse", fail)
    else:
        take = CpuLane.download
        monkeypatch.setattr(CpuLane, "download", lambda lane, fused: Late(take(lane, fused), fail))
    sink = run(made)
    assert len(sink) == 4
    assert sink.totals["gate"]["drops"] == {"device.restart": 1}


@dataclass
class Late:
    """A download that goes wrong only when it is waited for."""

    inner: Download
    fail: Callable[[list[Planes]], list[Planes]]

    def take(self) -> list[Planes]:
        return self.fail(self.inner.take())


def test_own_stage_after_sync_costs_only_its_pair(recipe, camera_pair):
    """The pair stops and is named; the one beside it is complete."""
    pairs = [camera_pair(stream, infrared=Listed(IR, frames(IR, 6)), visible=Listed(VIS, frames(VIS, 6))) for stream in ("bad", "good")]

    def fussy(pair: Pair) -> Pair:
        if pair.stream == "bad" and pair.seq == 2:
            raise ZeroDivisionError
        return pair

    made = recipe(pairs).after("sync", fussy)
    with pytest.raises(PipelineError) as caught:
        run(made)
    assert len(made.sinks[0].of("good")) == 6
    assert len(made.sinks[0].of("bad")) == 2
    assert set(made.sinks[0].totals) == {"bad", "good"}
    (error,) = caught.value.exceptions
    assert error.__notes__ == ["stage: sync (bad)"]


def test_own_stage_after_source_costs_only_its_camera(recipe):
    """The pair goes on with the other camera, and the failure is named."""

    def fussy(frame: Frame) -> Frame:
        if frame.spectrum is IR:
            raise ZeroDivisionError
        return frame

    made = recipe(count=5).after("source", fussy)
    with pytest.raises(PipelineError) as caught:
        run(made)
    assert [result.mode for result in made.sinks[0]] == ["visible_only"] * 5
    assert caught.value.exceptions[0].__notes__ == ["stage: source/gate/infrared"]


class BadSink(MemorySink):
    """Cannot open, or fails at a result, and tells when it was opened again."""

    def __init__(self, *, opens: bool = True, error: Exception | None = None) -> None:
        super().__init__()
        self.opened_again = threading.Event()
        self._opens = opens
        self._error = error
        self._times = 0

    def open(self) -> None:
        if not self._opens:
            raise BusError("tcp://127.0.0.1:1: no free port")
        self._times += 1
        if self._times == 2:
            self.opened_again.set()

    def publish(self, result, stopping):
        if self._error is not None and result.seq == 2:
            error, self._error = self._error, None
            raise error
        super().publish(result, stopping)


def test_a_sink_that_cannot_open_is_an_error_at_the_start(recipe):
    """Nothing is started where nobody could hear of it."""
    with pytest.raises(BusError, match="no free port"):
        Pipeline(recipe(sinks=[BadSink(opens=False)])).start()


def test_a_sink_that_fails_never_reaches_ingest(recipe, camera_pair):
    """Live, a broken sink is opened again and goes on; the other sink gets everything meanwhile."""
    good, bad = MemorySink(), BadSink(error=BusError("cable pulled"))
    camera = Listed(VIS, [*frames(VIS, 4), bad.opened_again, *renumbered(frames(VIS, 4, start_ms=80), first=4)])
    made = recipe([camera_pair(visible=camera, policy="live")], policy="live", sinks=[good, bad])
    with Pipeline(made) as pipeline:
        assert pipeline.wait(60)
    assert good.published == good.totals["gate"]["results"]
    assert 2 not in [r.seq for r in bad]
    assert [r.seq for r in bad][-1] == [r.seq for r in good][-1]
    assert bad.totals


def test_a_stalled_subscriber_ends_a_lossless_run(recipe):
    """Lossless never drops: a sink that cannot go on ends the run with its error."""
    made = recipe(count=50, sinks=[BadSink(error=SubscriberStalledError("a reader took nothing for 30 s"))])
    with pytest.raises(PipelineError) as caught:
        run(made)
    assert isinstance(caught.value.exceptions[0], SubscriberStalledError)


def test_half_a_pair_starts_without_the_other(recipe, camera_pair):
    """A recording does not wait for a live camera that never comes; the pair runs with what there is."""
    never = Listed(IR, [], live=True, fails_to_open=10**6)
    pair = camera_pair(infrared=never, visible=Listed(VIS, frames(VIS, 10)), policy="live")
    made = recipe([pair], policy="live", frames=5)
    with Pipeline(made) as pipeline:
        assert pipeline.wait(60)
    assert {result.mode for result in made.sinks[0]} == {"visible_only"}
