"""Fused pictures steadied over time in a running pipeline."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from streamfuse.batch.collector import BatchSettings
from streamfuse.config import parse_config
from streamfuse.detect.nothing import NoDetector
from streamfuse.errors import PipelineError
from streamfuse.flow.build import recipe_of
from streamfuse.flow.pipeline import Pipeline
from streamfuse.flow.recipe import CameraPair
from streamfuse.frames import Fused, Spectrum
from streamfuse.fuse.steady import Steady, SteadySettings
from streamfuse.publish.memory import MemorySink
from streamfuse.results import Detections
from tests.flow.conftest import Listed, frames
from tests.flow.running import run

IR, VIS = Spectrum.INFRARED, Spectrum.VISIBLE
ON = SteadySettings(enabled=True)

pytestmark = pytest.mark.usefixtures("no_threads_left")


def two_streams(camera_pair: Callable[..., CameraPair], count: int = 9) -> list[CameraPair]:
    return [
        camera_pair(name, infrared=Listed(IR, frames(IR, count, start_ms=at)), visible=Listed(VIS, frames(VIS, count, start_ms=at)))
        for name, at in (("gate", 0.0), ("yard", 3.0))
    ]


def levels(sink: MemorySink, stream: str) -> NDArray[np.int64]:
    """Of one pixel, picture by picture."""
    return np.array([int(result.image.y[0, 0]) for result in sink if result.stream == stream])


def test_a_slow_change_is_followed_a_little_behind(recipe, camera_pair):
    """The first picture is as it was fused; a level more with each picture is shown a level and a half late.

    Nothing is kept of streams that have ended.
    """
    steady = Steady(ON)
    plain, steadied = run(recipe(two_streams(camera_pair))), run(recipe(two_streams(camera_pair), steady=steady))
    for stream in ("gate", "yard"):
        behind = levels(plain, stream) - levels(steadied, stream)
        assert behind[0] == 0
        assert set(behind[4:].tolist()) <= {1, 2}
    assert not steady.memory


@pytest.mark.parametrize("size", [2, 8])
def test_batches_do_not_change_results(recipe, camera_pair, size):
    """To the byte, with two streams in one batch."""
    one = run(recipe(two_streams(camera_pair), steady=Steady(ON)))
    many = run(recipe(two_streams(camera_pair), steady=Steady(ON), batch=BatchSettings(size=size)))
    assert {(r.fid, r.image.y.tobytes()) for r in many} == {(r.fid, r.image.y.tobytes()) for r in one}


class Stumbles(NoDetector):
    """Fails on one picture of one stream."""

    def detect(self, fused: Fused) -> list[Detections]:
        if any((pair.stream, pair.seq) == ("yard", 4) for pair in fused.batch.pairs):
            raise ValueError("what is that?")
        return super().detect(fused)


def test_a_batch_that_failed_leaves_nothing_behind(recipe, camera_pair):
    """Its pairs are run once more, alone: those of the other stream come out as if nothing had been."""
    whole = run(recipe(two_streams(camera_pair), steady=Steady(ON), batch=BatchSettings(size=8)))
    made = recipe(two_streams(camera_pair), steady=Steady(ON), batch=BatchSettings(size=8), detect=Stumbles())
    with pytest.raises(PipelineError), Pipeline(made) as pipeline:
        pipeline.wait(60)
    (sink,) = made.sinks
    assert levels(sink, "gate").tolist() == levels(whole, "gate").tolist()
    assert levels(sink, "yard")[:4].tolist() == levels(whole, "yard")[:4].tolist()


def test_by_configuration():
    """Off unless it is asked for."""
    values = {"pairs": [{"stream": "gate", "infrared": "scene", "visible": "scene"}], "fuse": "average"}
    assert recipe_of(parse_config(values)).steady is None
    assert isinstance(recipe_of(parse_config({**values, "steady": {"enabled": True}})).steady, Steady)
