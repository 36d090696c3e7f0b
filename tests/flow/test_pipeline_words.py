"""A network in a running pipeline: words are swapped between batches, and nothing is lost for it."""

import threading

import pytest

from streamfuse.flow.pipeline import Pipeline
from streamfuse.frames import Prompt, Spectrum
from streamfuse.fuse.text_guided import NetworkSettings, TextGuided
from streamfuse.results import Result
from tests.flow.conftest import Listed, frames
from tests.flow.running import renumbered

IR, VIS = Spectrum.INFRARED, Spectrum.VISIBLE
SIZE = (64, 80)

pytestmark = pytest.mark.usefixtures("no_threads_left")


def test_a_swap_loses_no_frame(recipe, camera_pair):
    """Every pair comes out; those after the swap carry the new prompt, in their header and in their pixels."""
    hold, three = threading.Event(), threading.Event()
    infrared = Listed(IR, frames(IR, 8, size=SIZE))
    visible = Listed(VIS, [*frames(VIS, 3, size=SIZE), hold, *renumbered(frames(VIS, 5, size=SIZE, start_ms=60), 3)])
    made = recipe(
        [camera_pair(infrared=infrared, visible=visible)],
        fuse=TextGuided("nano", NetworkSettings(weights="random", precision="fp32", runtime="torch")),
    )

    def look(result: Result) -> Result:
        if result.seq == 2:
            three.set()
        return result

    with Pipeline(made.after("detect", look)) as pipeline:
        assert three.wait(60)
        new = pipeline.prompt("gate", Prompt(text="visible/smoke"))
        hold.set()
        assert pipeline.wait(60)
    results = list(made.sinks[0])
    assert [result.prompt for result in results] == ["neutral"] * 3 + [new] * 5
    assert {result.mode for result in results} == {"fused"}
    assert {result.model["network"] for result in results} == {"nano-small"}
    assert results[0].image.y.tobytes() != results[3].image.y.tobytes()
