"""The content check in a pipeline: told in figures and on the wire, warned of, and applied only when asked."""

import logging
import threading

import numpy as np
import pytest

from streamfuse.clock import NS_PER_S, ManualClock
from streamfuse.config import parse_config
from streamfuse.flow.build import recipe_of
from streamfuse.flow.content import ContentWatch, with_content
from streamfuse.flow.meter import Meter
from streamfuse.flow.worker import Failures, Worker
from streamfuse.frames import Frame, Spectrum
from streamfuse.results import ClockDifference
from streamfuse.sync.content import ContentCheck, ContentSettings
from streamfuse.sync.content_edges import COLUMNS, ROWS
from streamfuse.sync.content_lag import Lag
from tests.conftest import make_frame
from tests.flow.conftest import Listed
from tests.flow.running import run

INFRARED, VISIBLE = Spectrum.INFRARED, Spectrum.VISIBLE


def blocks(t_s: float) -> np.ndarray:
    """(HEIGHT, WIDTH) checks whose contrast changes block by block, each in its own irregular way."""
    number = np.arange(ROWS * COLUMNS)
    level = sum(np.sin(t_s * (1.1 + 0.37 * part) * (1 + number % 7) + number * part) for part in (1, 2, 3))
    amplitude = np.repeat(np.repeat(level.reshape(ROWS, COLUMNS), 5, 0), 5, 1)
    return np.asarray(128 + 15 * amplitude * ((np.indices((120, 160)).sum(0) % 4 < 2) - 0.5), np.float64)


def frames(spectrum: Spectrum, seconds: float, late_s: float = 0.0, fps: int = 20, since_s: float = 0.0) -> list[Frame]:
    made = []
    for number in range(round(since_s * fps), round((since_s + seconds) * fps)):
        picture = np.clip(blocks(number / fps - late_s), 0, 255).astype(np.uint8)
        made.append(make_frame(spectrum, 1000 * number / fps, number, picture if spectrum is INFRARED else np.stack([picture] * 3, -1)))
    return made


def watch_over(settings: ContentSettings, *, known_s: float = 0.0) -> tuple[ContentWatch, ContentCheck, Meter]:
    clock = ManualClock()
    meter, check = Meter(clock), ContentCheck(settings, known_s=known_s)
    return ContentWatch(check, stream="gate", clock=clock, meter=meter), check, meter


def test_it_tells_what_it_found():
    """Figures of the stream hold the offset, its confidence, and what is corrected of it."""
    watch, check, meter = watch_over(ContentSettings(), known_s=0.1)
    for frame in frames(INFRARED, 10) + frames(VISIBLE, 10, late_s=0.4):
        assert watch.take(frame) is frame
    assert "content" not in meter.stats("gate")
    watch.look()
    told = meter.stats("gate")["content"]
    assert told["offset_ms"] == pytest.approx(400, abs=15)
    assert told["corrected_ms"] == 100
    assert told["confidence"] >= 0.5
    assert not told["reason"]
    difference = with_content(ClockDifference(offset_ns=5, drift_ppm=12.0, confidence=1.0), check)
    assert difference is not None
    assert difference.offset_ns == pytest.approx(0.4 * NS_PER_S, abs=0.015 * NS_PER_S)
    assert difference.drift_ppm == 12.0


def test_what_is_not_corrected_is_warned_of_once(caplog):
    """The second look that says the same tells what to set, all later ones are silent; times stay as they are."""
    watch, _, _ = watch_over(ContentSettings())
    with caplog.at_level(logging.WARNING):
        for frame in frames(INFRARED, 10) + frames(VISIBLE, 10, late_s=0.4):
            watch.take(frame)
        watch.look()
        assert not caplog.records
        for _ in range(3):
            watch.look()
    (record,) = caplog.records
    assert "time_offset_ms: 4" in record.getMessage() or "time_offset_ms: 39" in record.getMessage()
    later = frames(INFRARED, 1, since_s=20)
    assert [watch.take(frame).t_cap_ns for frame in later] == [frame.t_cap_ns for frame in later]


def test_what_is_set_by_hand_needs_no_warning(caplog):
    """An offset that `time_offset_ms` corrects is no news."""
    watch, _, _ = watch_over(ContentSettings(), known_s=0.4)
    with caplog.at_level(logging.WARNING):
        for frame in frames(INFRARED, 10) + frames(VISIBLE, 10, late_s=0.4):
            watch.take(frame)
        for _ in range(3):
            watch.look()
    assert not caplog.records


def test_a_correction_is_slewed():
    """With `apply`, infrared's times move towards the offset by 2 % of time, in order, and stay there; the visible ones never move."""
    watch, _, meter = watch_over(ContentSettings(apply=True))
    for frame in frames(INFRARED, 10) + frames(VISIBLE, 10, late_s=0.4):
        watch.take(frame)
    watch.look()
    watch.look()
    stills = [make_frame(INFRARED, 1000 * number / 20, number) for number in range(200, 1000)]
    times_ns = [watch.take(frame).t_cap_ns for frame in stills]
    moved_ns = np.array(times_ns) - [frame.t_cap_ns for frame in stills]
    steps_ns = np.diff(moved_ns)
    assert (np.diff(times_ns) > 0).all()
    assert steps_ns.min() >= 0
    assert steps_ns.max() <= 0.02 * NS_PER_S / 20 + 1
    assert moved_ns[-1] == pytest.approx(0.4 * NS_PER_S, abs=0.015 * NS_PER_S)
    seen = make_frame(VISIBLE, 60_000)
    assert watch.take(seen) is seen
    watch.look()
    assert meter.stats("gate")["content"]["corrected_ms"] == pytest.approx(400, abs=15)


def test_a_guess_is_never_applied():
    """What is not sure changes no time, and is told with its reason."""
    watch, _, meter = watch_over(ContentSettings(apply=True))
    watch.look()
    watch.look()
    frame = make_frame(INFRARED, 1000)
    assert watch.take(frame) is frame
    assert meter.stats("gate")["content"]["reason"]


def test_before_the_first_look_the_clocks_have_their_say():
    """Without a check, or before it looked, `sync` is what the times of day say."""
    clocks = ClockDifference(offset_ns=5, drift_ppm=1.0, confidence=0.5)
    assert with_content(clocks, None) is clocks
    assert with_content(clocks, ContentCheck(ContentSettings())) is clocks
    assert with_content(None, None) is None


def test_it_looks_until_the_cameras_end():
    """Its thread ends with the last camera."""
    watch, check, _ = watch_over(ContentSettings(every_s=1.0))
    camera_ends, looked = threading.Event(), threading.Event()
    camera = Worker("camera", camera_ends.wait, Failures(), lambda: None)  # type: ignore[arg-type]
    body = Worker("content", lambda: watch.run([camera], threading.Event()), Failures(), lambda: None)
    clock = watch._clock
    assert isinstance(clock, ManualClock)
    real_look = check.look

    def look(since_ns: int | None = None, until_ns: int | None = None) -> Lag:
        looked.set()
        return real_look(since_ns, until_ns)

    check.look = look  # type: ignore[method-assign]
    camera.start()
    body.start()
    while not looked.wait(0.01):
        clock.advance_ms(2000)
    assert body.alive
    camera_ends.set()
    assert body.join(10)


def test_a_running_pipeline_publishes_the_offset(recipe, camera_pair, no_threads_left):
    """Results that leave after the first sure look say how far apart the cameras are; the threads end with the cameras."""
    check, looked = ContentCheck(ContentSettings(enabled=True, every_s=1.0)), threading.Event()
    real_look = check.look

    def look(since_ns: int | None = None, until_ns: int | None = None) -> Lag:
        lag = real_look(since_ns, until_ns)
        if lag.sure:
            looked.set()
        return lag

    check.look = look  # type: ignore[method-assign]
    cameras = {
        spectrum.value: Listed(spectrum, [*frames(spectrum, 8, late_s, fps=12), looked, *frames(spectrum, 0.25, late_s, fps=12, since_s=8)])
        for spectrum, late_s in ((INFRARED, 0.0), (VISIBLE, 0.4))
    }
    made = recipe([camera_pair(policy="live", content=check, **cameras)], policy="live", speed=50.0)
    sink = run(made)
    *_, last = sink
    assert last.clocks is not None
    assert last.clocks.offset_ns == pytest.approx(0.4 * NS_PER_S, abs=0.03 * NS_PER_S)
    assert last.clocks.confidence >= 0.5


def test_it_is_off_by_default_and_for_one_camera():
    """Nothing is looked at unless asked, and one camera alone has nothing to be compared with."""
    scene = {"kind": "scene", "size": (160, 120), "frames": 1}
    both = {"stream": "gate", "infrared": {**scene, "spectrum": "infrared"}, "visible": {**scene, "spectrum": "visible"}}
    one = {"stream": "door", "visible": {**scene, "spectrum": "visible"}}
    asked = {"sync": {"kind": "nearest", "content": {"enabled": True}}}
    assert recipe_of(parse_config({"pairs": [both], "publish": ["memory"]})).pairs[0].content is None
    assert recipe_of(parse_config({"pairs": [one], "publish": ["memory"], **asked})).pairs[0].content is None
    assert recipe_of(parse_config({"pairs": [both], "publish": ["memory"], **asked})).pairs[0].content is not None
