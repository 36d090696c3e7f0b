"""Real cameras over RTSP that misbehave on command: whatever one does, its partner and all other pairs go on, and it comes back."""

import gc
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import psutil
import pytest

from streamfuse.config import parse_config
from streamfuse.flow import backoff
from streamfuse.flow.build import recipe_of
from streamfuse.flow.pipeline import Pipeline
from streamfuse.frames import Spectrum
from streamfuse.results import Result
from tools.faults import Camera, RtspServer

SIZE, FPS = (160, 128), 15.0
LIMIT_S = 30.0
GOES_ON = 8  # results that show that something goes on

pytestmark = pytest.mark.soak


@dataclass
class Watch:
    """All results, as they come."""

    results: list[Result] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def see(self, result: Result) -> Result:
        with self.changed:
            self.results.append(result)
            self.changed.notify_all()
        return result

    def wait_for(self, stream: str, wanted: Callable[[Result], bool], count: int = 1) -> list[Result]:
        """So many results of a stream from now on that are as wanted."""
        began = len(self.results)

        def found() -> list[Result]:
            return [result for result in self.results[began:] if result.stream == stream and wanted(result)]

        with self.changed:
            assert self.changed.wait_for(lambda: len(found()) >= count, LIMIT_S), f"{stream}: {len(found())} of {count} in {LIMIT_S:g} s"
            return found()


@dataclass
class Rig:
    server: RtspServer
    pipeline: Pipeline
    watch: Watch

    def fused(self, stream: str) -> list[Result]:
        return self.watch.wait_for(stream, lambda result: result.mode == "fused", GOES_ON)

    def visible_alone(self, count: int = GOES_ON) -> list[Result]:
        return self.watch.wait_for("gate", lambda result: result.mode == "visible_only", count)

    def state(self, camera: str = "infrared") -> str:
        state: str = self.pipeline.meter.stats("gate")["cameras"][camera]
        return state


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """Two pairs; trouble comes to the infrared camera of `gate`."""
    cameras = [Camera(name=f"{stream}-{s}", spectrum=s, size=SIZE, fps=FPS) for stream in ("gate", "yard") for s in Spectrum]
    watch = Watch()
    with RtspServer(cameras) as server:
        pairs = [{"stream": stream, **{str(s): server.url(f"{stream}-{s}") for s in Spectrum}} for stream in ("gate", "yard")]
        recipe = recipe_of(parse_config({"pairs": pairs, "fuse": "average", "publish": [{"kind": "memory", "limit": 1}]}))
        with Pipeline(recipe.after("detect", watch.see)) as pipeline:
            made = Rig(server, pipeline, watch)
            made.fused("gate")
            yield made


@pytest.mark.parametrize("kind", ["stall", "halfopen", "gone", "hold"])
def test_a_camera_that_falls_silent(rig, kind):
    """The visible camera goes on alone, the other pair as before; when the camera is back, so is the pair, in a later epoch or the same."""
    rig.fused("gate")
    with rig.server.trouble("gate-infrared", kind):
        alone = rig.visible_alone()
        rig.fused("yard")
    together = rig.fused("gate")
    assert together[0].epoch >= alone[0].epoch
    assert all(a.t_cap_ns < b.t_cap_ns for a, b in pairwise(together) if a.epoch == b.epoch)


@pytest.mark.parametrize("kind", ["reset", "reboot", "codec", "midgop"])
def test_a_camera_that_cuts_the_connection(rig, kind):
    """It is connected to again, whatever it is afterwards, and the pair has a new epoch."""
    before = rig.fused("gate")[-1]
    with rig.server.trouble("gate-infrared", kind, 5.0 if kind == "reboot" else None):
        if kind == "reboot":  # it is off meanwhile
            rig.visible_alone()
        rig.fused("yard")
    rig.watch.wait_for("gate", lambda result: result.mode == "fused" and result.epoch > before.epoch, GOES_ON)


@pytest.mark.parametrize(("kind", "by_s"), [("step", 20.0), ("step", -20.0), ("jump", 20.0), ("jump", -20.0)])
def test_a_clock_that_is_set(rig, kind, by_s):
    """Pairs go on, and their pictures stay within a period of each other; no camera is connected to anew."""
    rig.fused("gate")
    device = rig.server.device("gate-infrared")
    connected = sum(event.what == "watched" for event in rig.server.events)
    with rig.server.trouble("gate-infrared", kind, by_s):
        results = rig.watch.wait_for("gate", lambda result: result.mode == "fused", 5 * int(FPS))
    assert all(abs(result.skew_ns) < 1e9 / FPS for result in results if result.skew_ns is not None)
    assert sum(event.what == "watched" for event in rig.server.events) == connected
    assert device.viewers


@pytest.mark.parametrize("kind", ["corrupt", "loss"])
def test_packets_that_are_broken(rig, kind):
    """Pictures that cannot be decoded are counted, and both pairs go on."""
    with rig.server.trouble("gate-infrared", kind, 0.1):
        rig.watch.wait_for("gate", lambda _: True, 3 * GOES_ON)
        rig.fused("yard")
    rig.fused("gate")


def test_pictures_of_another_size(rig):
    """They are left out, since the pair's geometry does not hold for them; the camera says so, and is back with its old size."""
    with rig.server.trouble("gate-infrared", "size", 0.5):
        rig.visible_alone()
        assert "left out, 128x64 pictures instead of 160x128" in rig.state()
        rig.fused("yard")
    rig.fused("gate")
    assert rig.state() == "running"


def test_a_picture_that_stands_still(rig):
    """A thermal camera behind its shutter is called frozen, and is fused again afterwards."""
    with rig.server.trouble("gate-infrared", "freeze"):
        rig.watch.wait_for("gate", lambda result: result.infrared.state == "frozen", GOES_ON)
        rig.fused("yard")
    rig.fused("gate")


def test_both_cameras_gone(rig):
    """A pair without any camera publishes nothing and comes back; the other pair does not notice."""
    for spectrum in Spectrum:
        rig.server.begin(f"gate-{spectrum}", "gone")
    rig.fused("yard")
    for spectrum in Spectrum:
        rig.server.end(f"gate-{spectrum}", "gone")
    rig.fused("gate")


def test_nothing_leaks_over_many_connections(rig, monkeypatch):
    """Two hundred resets later there are about as many threads and handles as before."""
    monkeypatch.setattr(backoff, "FIRST_S", 0.02)
    monkeypatch.setattr(backoff, "SHARE", 0.0)
    rig.fused("gate")
    process = psutil.Process()
    gc.collect()
    threads, handles = threading.active_count(), process.num_fds()
    for _ in range(200):
        watched = len(rig.server.events)
        rig.server.begin("gate-infrared", "reset")
        assert rig.server.wait_for("gate-infrared", "watched", since=watched, timeout_s=LIMIT_S)
    rig.fused("gate")
    gc.collect()
    assert threading.active_count() <= threads + 2  # a connection may be on its way
    assert process.num_fds() <= handles + 2


def test_a_changed_password(rig):
    """The camera is absent and tried slowly, which its state tells."""
    with rig.server.trouble("gate-infrared", "password"):
        rig.visible_alone()
        rig.watch.wait_for("gate", lambda _: rig.state().startswith("disabled: credentials refused"))
        rig.fused("yard")
