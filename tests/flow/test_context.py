"""What the engine knows of one stream: the rig in use, and what is left of misalignment."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from streamfuse.flow.context import StreamContext
from streamfuse.flow.prompting import Words
from streamfuse.flow.recipe import CameraPair
from streamfuse.frames import PromptState
from streamfuse.results import Detections, Misalignment


@dataclass(frozen=True)
class Standing:
    id: str
    residual_px: float | None


class Known:
    """An aligner that remembers what it was told."""

    def __init__(self) -> None:
        self.rigs: dict[str, Any] = {}

    def know(self, name: str, rig: Any) -> None:
        self.rigs[name] = rig

    def align(self, batch: Any) -> Any:
        return batch


class Watcher:
    """A monitor that measures 2.5 px from the second pair on, and refines at the third."""

    def __init__(self) -> None:
        self.drift: Any = None
        self.seen: list[int] = []

    def see(self, pair: Any) -> Any:
        self.seen.append(pair.seq)
        if len(self.seen) > 1:
            self.drift = SimpleNamespace(residual_px=2.5, shift_px=(1.5, -2.0), moved_px=2.4, alarm=False)
        return self.drift

    def refined(self, t_ns: int) -> Any:
        return Standing("better", 2.5) if len(self.seen) == 3 else None


@pytest.fixture
def context(frame) -> StreamContext:
    source = SimpleNamespace(identity=b"rec", clock_report=None)
    cameras: Any = {"infrared": source, "visible": source}
    pair = CameraPair(stream="gate", sync=SimpleNamespace(), rig=Standing("first", 0.5), monitor=Watcher(), **cameras)
    return StreamContext(camera_pair=pair, words=Words(PromptState(id="none")), publisher=bytes(16), model={})


def residual(context: StreamContext, pair: Any, planes: Any) -> tuple[str | None, float | None]:
    result = context.result(pair, planes, Detections.none(), {}, {}, prompt=PromptState(id="none"))
    return result.rig, result.residual_px


def test_residual_is_the_measured_one_as_soon_as_there_is_one(context, pair, planes):
    """Before, the calibration's own goes out with each result."""
    said = []
    for seq in range(2):
        context.watch(pair(seq=seq), Known())
        said.append(residual(context, pair(seq=seq), planes()))
    assert said == [("first", 0.5), ("first", 2.5)]


def test_misalignment_goes_out_with_results(context, pair, planes):
    """As soon as something was measured every result and the figures hold it, also where there is no rig."""
    context.camera_pair.rig = None
    assert context.watch(pair(seq=0), Known()) is None
    assert context.result(pair(seq=0), planes(), Detections.none(), {}, {}, prompt=PromptState(id="none")).misalignment is None
    told = context.watch(pair(seq=1), Known())
    sent = context.result(pair(seq=1), planes(), Detections.none(), {}, {}, prompt=PromptState(id="none")).misalignment
    assert told == sent == Misalignment(shift_px=(1.5, -2.0), moved_px=2.4, alarm=False)


def test_a_refined_rig_is_this_stream_alone(context, pair, planes):
    """The aligner hears of it under a name of its own, and results carry the new id."""
    align = Known()
    assert context.rig_id == "first"
    for seq in range(3):
        context.watch(pair(seq=seq), align)
    assert context.rig_id == "gate refined"
    assert list(align.rigs) == ["gate refined"]
    assert residual(context, pair(seq=3), planes()) == ("better", 2.5)


def test_nobody_watches_without_a_monitor(context, pair):
    """A pair without one costs nothing."""
    context.camera_pair.monitor = None
    context.watch(pair(), Known())
    assert context.rig_id == "first"
