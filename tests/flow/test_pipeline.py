"""Whole pipelines on sources made by hand: order, ends, failures, stopping, pairs that come and go."""

import dataclasses
import threading
from itertools import pairwise

import pytest

from streamfuse.batch.collector import BatchSettings
from streamfuse.errors import ConfigError
from streamfuse.flow.pipeline import Pipeline
from streamfuse.frames import Frame, Fused, Pair, Prompt, Spectrum
from streamfuse.publish.memory import MemorySink
from streamfuse.results import Result
from tests.flow.conftest import PERIOD_MS, Listed, frames
from tests.flow.running import renumbered, run, runs, telling

IR, VIS = Spectrum.INFRARED, Spectrum.VISIBLE

pytestmark = pytest.mark.usefixtures("no_threads_left")


def test_every_pair_comes_out_once_and_in_order(recipe):
    """Lossless gives one result per pair, in the order of capture, and then the end of the stream with its totals."""
    sink = run(recipe(count=50))
    assert [r.seq for r in sink] == list(range(50))
    assert [r.t_cap_ns for r in sink] == [i * PERIOD_MS * 1_000_000 for i in range(50)]
    assert {(r.mode, r.skew_ns) for r in sink} == {("fused", 0)}
    assert all(microseconds >= 0 for r in sink for microseconds in r.latency_us.values())
    assert sink.totals["gate"]["results"] == 50
    assert sink.totals["gate"]["drops"] == {}


@pytest.mark.parametrize("size", [1, 4, 16])
def test_batches_do_not_change_results(recipe, size):
    """Pixels, times and frame ids are the same whatever the batch size, also for the remainder that fills no batch."""
    one, many = run(recipe(count=21)), run(recipe(count=21, batch=BatchSettings(size=size)))
    assert [(r.fid, r.image.y.tobytes()) for r in many] == [(r.fid, r.image.y.tobytes()) for r in one]


def test_a_replay_has_the_same_frame_ids(recipe):
    """The ids name the recording, not the run."""
    first, second = run(recipe(count=5)), run(recipe(count=5))
    assert [r.fid for r in first] == [r.fid for r in second]
    assert len({r.fid for r in first}) == 5


def test_one_camera_alone_is_a_pair(recipe, camera_pair):
    """A stream may have one camera for ever: its mode says so."""
    visible = run(recipe([camera_pair(visible=Listed(VIS, frames(VIS, 4)))]))
    infrared = run(recipe([camera_pair(infrared=Listed(IR, frames(IR, 4)))]))
    assert [r.mode for r in visible] == ["visible_only"] * 4
    assert [r.mode for r in infrared] == ["infrared_only"] * 4
    assert [r.image.y[0, 0] for r in infrared] == [40, 41, 42, 43]


def test_one_stream_ends_early(recipe, camera_pair):
    """What is left of the longer camera still comes out, in a mode that says what is missing."""
    sink = run(recipe([camera_pair(infrared=Listed(IR, frames(IR, 3)), visible=Listed(VIS, frames(VIS, 20)))]))
    assert runs([r.mode for r in sink]) == ["fused", "degraded", "visible_only"]  # degraded while the last infrared frame is still used
    assert len(sink) == 20


def test_frames_of_changing_size(recipe, camera_pair):
    """Cameras that change their size together go on in the new size."""
    infrared = [*frames(IR, 3), *frames(IR, 3, size=(30, 40), start_ms=3 * PERIOD_MS)]
    visible = [*frames(VIS, 3), *frames(VIS, 3, size=(30, 40), start_ms=3 * PERIOD_MS)]
    pair = camera_pair(infrared=Listed(IR, renumbered(infrared)), visible=Listed(VIS, renumbered(visible)))
    sink = run(recipe([pair], batch=BatchSettings(size=4)))
    assert [r.image.size for r in sink] == [(48, 64)] * 3 + [(30, 40)] * 3


def test_own_stages_between_any_two(recipe):
    """A function of a user's own sees what crosses its border, may change it, and may drop it where that is allowed."""
    seen: list[str] = []

    def look(item: object) -> object:
        seen.append(type(item).__name__)
        return item

    made = recipe(count=3)
    for stage in ("source", "sync", "batch", "align", "fuse", "detect"):
        made.after(stage, look)
    made.after("sync", lambda pair: None if pair.seq == 1 else pair)
    made.after("fuse", lambda fused: dataclasses.replace(fused, luma_B1HW=fused.luma_B1HW * 0))
    made.after("detect", lambda result: dataclasses.replace(result, ext={"site": 7}))
    sink = run(made)
    assert [r.seq for r in sink] == [0, 2]
    assert {int(r.image.y.max()) for r in sink} == {0}
    assert [r.ext for r in sink] == [{"site": 7}] * 2
    assert set(seen) == {Frame.__name__, Pair.__name__, "Batch", Fused.__name__, Result.__name__}
    assert sink.totals["gate"]["drops"] == {"sync.user_stage": 1}


def test_no_such_border(recipe):
    """A wrong name of a stage is an error that names the nearest."""
    with pytest.raises(ConfigError, match="did you mean 'fuse'"):
        recipe().after("fused", lambda item: item)


def test_pairs_come_and_go_while_it_runs(recipe, camera_pair):
    """A pair added later delivers, one removed ends with `eos`, and the first goes on undisturbed."""
    hold, late_seen = threading.Event(), threading.Event()
    first = camera_pair("first", visible=Listed(VIS, [*frames(VIS, 3), hold, *frames(VIS, 3, start_ms=60)]))
    made = recipe([first])

    def look(result: Result) -> Result:
        if result.stream == "late":
            late_seen.set()
        return result

    with Pipeline(made.after("detect", look)) as pipeline:
        forever = threading.Event()
        pipeline.add(camera_pair("late", visible=Listed(VIS, [*frames(VIS, 2), forever, *frames(VIS, 100, start_ms=40)])))
        assert late_seen.wait(20)
        with pytest.raises(ConfigError, match="already"):
            pipeline.add(camera_pair("first", visible=Listed(VIS, [])))
        pipeline.remove("late")
        with pytest.raises(ConfigError, match="no stream called 'nobody'"):
            pipeline.prompt("nobody", Prompt())
        forever.set()
        hold.set()
        assert pipeline.wait(20)
    assert len(made.sinks[0].of("first")) == 6
    assert 2 <= len(made.sinks[0].of("late")) < 102
    assert set(made.sinks[0].totals) == {"first", "late"}


def test_a_prompt_is_swapped_without_loss(recipe, camera_pair):
    """After the swap results carry the new id; none is lost around it."""
    hold = threading.Event()
    made = recipe([camera_pair(visible=Listed(VIS, [*frames(VIS, 3), hold, *frames(VIS, 5, start_ms=60)]))])
    three = threading.Event()

    def look(result: Result) -> Result:
        if result.seq == 2:
            three.set()
        return result

    with Pipeline(made.after("detect", look)) as pipeline:
        assert three.wait(20)
        new = pipeline.prompt("gate", Prompt(text="people in smoke"))
        hold.set()
        assert pipeline.wait(20)
    assert [r.prompt for r in made.sinks[0]] == ["neutral"] * 3 + [new] * 5


def test_stops_in_order(recipe, camera_pair):
    """A stop in the middle finishes what is under way and still tells the end."""
    some = threading.Event()
    endless = Listed(VIS, frames(VIS, 20_000, size=(8, 8)))
    made = recipe([camera_pair(visible=endless)]).after("detect", telling(some))
    with Pipeline(made) as pipeline:
        assert some.wait(20)
        pipeline.stop()
    sink = made.sinks[0]
    assert 0 < sink.totals["gate"]["results"] < 20_000
    assert sink.totals["gate"]["results"] == sink.published
    assert endless.closed


def test_limits_the_number_of_pairs(recipe):
    """`frames` ends each stream after so many pairs."""
    assert len(run(recipe(count=50, frames=7))) == 7


def test_a_loop_of_one_picture_takes_its_time(recipe):
    """It does not spin: the picture stands for as long as one usually does."""
    made = recipe(count=1, loop=True, frames=5)
    times = [result.t_cap_ns for result in run(made)]
    assert [b - a for a, b in pairwise(times)] == [40_000_000] * 4


def test_a_loop_goes_on_in_time(recipe):
    """Each lap is a new epoch that begins one period after the last one ended, for both cameras."""
    made = recipe(count=4, loop=True, frames=10)
    sink = run(made)
    assert [r.t_cap_ns // (PERIOD_MS * 1_000_000) for r in sink] == list(range(10))
    assert [r.epoch for r in sink] == [0] * 4 + [1] * 4 + [2] * 2
    assert {r.mode for r in sink} == {"fused"}


def test_recordings_wait_for_their_readers(recipe, camera_pair):
    """With `wait_subscribers` nothing is read past the first frame before enough readers are there."""
    arrived = threading.Event()

    class Readers(MemorySink):
        def tick(self) -> int:
            return int(arrived.is_set())

    sink = Readers()
    made = recipe(count=5, sinks=[sink], wait_subscribers=1)
    with Pipeline(made) as pipeline:
        assert not pipeline.wait(0.2)
        assert sink.published == 0
        arrived.set()
        assert pipeline.wait(20)
    assert sink.published == 5
