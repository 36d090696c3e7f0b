"""What every sink in the table must do."""

from collections.abc import Iterator

import numpy as np
import pytest

from streamfuse.frames import Planes
from streamfuse.publish import SINKS
from streamfuse.results import CameraReport, Detections, Result
from streamfuse.stages import Sink

SETTINGS = {"bus": {"endpoint": "tcp://127.0.0.1:*"}}


def make_result(number: int, stream: str = "cam1") -> Result:
    chroma = np.full((4, 4), 128, np.uint8)
    camera = CameraReport(state="fresh", clock="host")
    return Result(
        stream=stream,
        seq=number,
        epoch=0,
        fid=number.to_bytes(16, "big"),
        t_cap_ns=number,
        t_due_ns=None,
        mode="visible_only",
        infrared=CameraReport(state="absent"),
        visible=camera,
        skew_ns=None,
        image=Planes(y=np.full((7, 8), 99, np.uint8), u=chroma, v=chroma),
        detections=Detections.none(),
        rig=None,
        residual_px=None,
        prompt="",
        model={},
        latency_us={},
        drops={},
    )


@pytest.fixture(params=list(SINKS))
def sink(request) -> Iterator[Sink]:
    sink = SINKS.make(request.param, **SETTINGS.get(request.param, {}))
    yield sink
    sink.close()


def test_a_run_from_open_to_close(sink):
    """Results of several streams, figures and ends are taken, with nobody reading, and the end waits for nobody."""
    sink.open()
    for number in range(3):
        for stream in ("cam1", "cam10"):
            sink.publish(make_result(number, stream), lambda: False)
        assert sink.tick() >= 0
    sink.report("cam1", {"fps": 30.0, "drops": {"sync.late": 1}})
    sink.end("cam1", {"published": 3})
    sink.end("cam10", {"published": 3})
    sink.close()


def test_closing_twice_is_harmless(sink):
    """`close` may be called twice, and without `open` having been called."""
    sink.close()
    sink.open()
    sink.close()
    sink.close()


def test_it_can_be_opened_again(sink):
    """A sink that failed is closed and opened again by the pipeline."""
    for number in range(2):
        sink.open()
        sink.publish(make_result(number), lambda: False)
        sink.close()


def test_a_stopping_pipeline_is_not_held_up(sink):
    """When the pipeline is stopping a result is taken or let go, at once."""
    sink.open()
    sink.publish(make_result(0), lambda: True)
    sink.end("cam1", {})


def test_a_stream_may_end_without_a_result(sink):
    """A camera that never delivered is reported and ended like any other."""
    sink.open()
    sink.report("never", {"fps": 0.0})
    sink.end("never", {"published": 0})


def test_making_one_opens_nothing():
    """A constructor only stores: two sinks of the same settings can be made."""
    for name in SINKS:
        settings = SINKS.settings_type(name)
        assert settings is not None
        assert SINKS.factory(name)(settings()) is not SINKS.factory(name)(settings())
