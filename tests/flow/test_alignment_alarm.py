"""A camera that was knocked, as somebody in another process hears of it: over a real socket, without a log."""

import dataclasses
import threading
from typing import Any

import cv2
import numpy as np
import pytest

from streamfuse.align.monitor import Monitor, MonitorSettings
from streamfuse.clock import NS_PER_S
from streamfuse.flow.pipeline import Pipeline
from streamfuse.frames import Frame, Spectrum
from streamfuse.publish.bus import BusSettings, BusSink
from streamfuse.publish.subscriber import Subscriber
from streamfuse.source.scene.settings import SceneSettings
from streamfuse.source.scene.stream import SceneSource
from tests.flow.conftest import Listed

IR, VIS = Spectrum.INFRARED, Spectrum.VISIBLE
PEACE_S, LIMIT_S = 8, 10
KNOCK_PX = 6

pytestmark = pytest.mark.usefixtures("no_threads_left")


def street(spectrum: Spectrum) -> list[Frame]:
    """One picture a second, 640x480."""
    source = SceneSource(SceneSettings(spectrum=spectrum, seed=3, fps=1, frames=PEACE_S + LIMIT_S + 1))
    source.open()
    taken = list(iter(source.read, None))
    source.close()
    return taken


def knocked(frame: Frame, number: int) -> Frame:
    """Infrared after somebody ran into its mast."""
    if number < PEACE_S:
        return frame
    moved = np.array([[1, 0, KNOCK_PX], [0, 1, 0]], np.float32)
    image: Any = cv2.warpAffine(np.asarray(frame.image), moved, (frame.size[1], frame.size[0]), borderMode=cv2.BORDER_REPLICATE)
    return dataclasses.replace(frame, image=image)


def test_a_knock_is_heard_on_the_bus(recipe, camera_pair):
    """Six pixels raise `fit.alarm` and that of `stat` within ten seconds of video; a pair that stands still raises none."""
    infrared, visible, heard = street(IR), street(VIS), threading.Event()
    after = [knocked(frame, number) for number, frame in enumerate(infrared)]
    pairs = [
        camera_pair("mast", Listed(IR, [*after, heard]), Listed(VIS, visible), monitor=Monitor(MonitorSettings())),
        camera_pair("wall", Listed(IR, infrared), Listed(VIS, visible), monitor=Monitor(MonitorSettings())),
    ]
    sink = BusSink(BusSettings(endpoint="tcp://127.0.0.1:*"), policy="lossless", streams=["mast", "wall"])
    with Pipeline(recipe(pairs, sinks=[sink], wait_subscribers=1)) as pipeline:
        waiting = threading.Thread(target=pipeline.wait)
        waiting.start()
        found = listen(sink.endpoint, heard, visible[0].t_cap_ns)
        waiting.join(20)
    assert heard.is_set()
    assert not any(alarm for t_s, alarm in found["mast"] if t_s < PEACE_S)
    first_s = next(t_s for t_s, alarm in found["mast"] if alarm)
    assert PEACE_S <= first_s <= PEACE_S + LIMIT_S
    assert len(found["wall"]) > LIMIT_S
    assert not any(alarm for _, alarm in found["wall"])


def listen(endpoint: str, heard: threading.Event, began_ns: int) -> dict[str, list[tuple[float, bool]]]:
    """For each stream the seconds of video and the alarm of every result that has one, until the end. `heard` is set by a `stat`."""
    found: dict[str, list[tuple[float, bool]]] = {"mast": [], "wall": []}
    with Subscriber(endpoint, kinds=["det", "stat"], mode="all") as bus:
        while (message := bus.recv(20)) is not None:
            if message.kind == "stat":
                told = message.figures.get("alignment", {"alarm": False})
                if told["alarm"]:
                    assert message.stream == "mast"
                    assert told["x_px"] == pytest.approx(KNOCK_PX, abs=1)
                    heard.set()
            elif (fit := message.result.fit) is not None:
                found[message.stream].append(((message.t_cap_ns - began_ns) / NS_PER_S, fit.alarm))
    return found
