"""The residual monitor."""

import logging

import cv2
import numpy as np
import pytest

from streamfuse.align.calibration import rig_of
from streamfuse.align.monitor import Monitor, MonitorSettings
from streamfuse.align.rig import Rig
from streamfuse.cli.stills import stills
from streamfuse.frames import Planes, Spectrum

S = 1_000_000_000
KNOCKS = [(6, 0), (0, -6), (4.3, 4.3)]


def knocked(picture: np.ndarray, x: float, y: float) -> np.ndarray:
    moved = np.array([[1, 0, x], [0, 1, y]], np.float32)
    return np.asarray(cv2.warpAffine(picture, moved, picture.shape[::-1], borderMode=cv2.BORDER_REPLICATE))


def off_by(x: float, infrared: np.ndarray, visible: np.ndarray, truth: np.ndarray) -> Rig:
    """The rig of both cameras, wrong by so many pixels to the right."""
    return rig_of(np.array([[1, 0, x], [0, 1, 0], [0, 0, 1]]) @ truth, (infrared.shape, visible.shape), "test", 0)


def seconds_to_alarm(pairs, x, y, limit_s=10) -> int | None:
    """Twelve seconds of peace, which must stay peaceful, then the knock; pairs go round."""
    monitor = Monitor(MonitorSettings())
    for t_s in range(12 + limit_s + 1):
        infrared, visible = pairs[t_s % len(pairs)]
        drift = monitor.look(knocked(infrared, x, y) if t_s >= 12 else infrared, visible, t_s * S)
        assert t_s >= 12 or drift is None or not drift.alarm
        if drift is not None and drift.alarm:
            return t_s - 12
    return None


@pytest.fixture(scope="module")
def aligned(two_cameras):
    """One grid, 640 wide."""
    infrared, visible, truth = two_cameras()
    warped = cv2.warpPerspective(infrared, truth, visible.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    return tuple(cv2.resize(picture, (640, 492)) for picture in (warped, visible))


@pytest.mark.parametrize(("x", "y"), KNOCKS)
def test_a_knock_raises_the_alarm(aligned, x, y):
    """Six pixels, in any direction, within ten seconds."""
    assert seconds_to_alarm([aligned], x, y) is not None


def test_measures_the_shift(aligned):
    """In visible pixels and with its sign: infrared lies to the right and above."""
    infrared, visible = aligned
    monitor = Monitor(MonitorSettings())
    for t_s in range(6):
        monitor.look(knocked(infrared, 5, -3), visible, t_s * S)
    assert monitor.drift is not None
    assert monitor.drift.shift_px == pytest.approx((5, -3), abs=0.7)
    assert monitor.drift.residual_px == pytest.approx(np.hypot(5, 3), abs=0.7)


def test_looks_once_a_second(aligned):
    """Shown every frame, it looks now and then; a clock that goes back does not stop it."""
    infrared, visible = aligned
    monitor = Monitor(MonitorSettings())
    for number in range(91):
        monitor.look(infrared, visible, 100 * S + number * S // 30)
    assert monitor._looks == 4
    monitor.look(infrared, visible, 5 * S)
    assert monitor._looks == 5


def test_follows_a_rig(two_cameras):
    """Pictures of different sizes: under the true rig nothing is off; under one that is 12 px off, 12 px are."""
    infrared, visible, truth = two_cameras()
    found = []
    for off in (0, 12):
        rig = off_by(off, infrared, visible, truth)
        monitor = Monitor(MonitorSettings(), rig)
        for t_s in range(5):
            monitor.look(infrared, visible, t_s * S)
        assert monitor.drift is not None
        found.append(monitor.drift.shift_px[0])
    assert found == pytest.approx([0, 12], abs=0.7)


def test_refines_slowly_when_asked(two_cameras):
    """Step by step the rig comes nearer to the truth; the file's own is never touched, and nobody else refines."""
    infrared, visible, truth = two_cameras()
    rig = off_by(3, infrared, visible, truth)
    monitor = Monitor(MonitorSettings(refine=True, refine_every_s=5, refine_gain=0.5), rig)
    offs = []
    for t_s in range(40):
        monitor.look(infrared, visible, t_s * S)
        better = monitor.refined(t_s * S)
        if better is not None:
            middle = np.array([160, 128, 1])
            offs.append(abs((better.matrix @ middle / (better.matrix @ middle)[2] - truth @ middle)[0]))
    assert len(offs) > 3
    assert offs[0] == pytest.approx(1.5, abs=0.4)
    assert offs[-1] < 0.5
    assert Monitor(MonitorSettings(), rig).refined(0) is None


def test_an_old_measurement_refines_once(two_cameras):
    """Under the new rig nothing is known before it was looked at again, so a lens that is covered then moves it no further."""
    infrared, visible, truth = two_cameras()
    rig = off_by(3, infrared, visible, truth)
    monitor = Monitor(MonitorSettings(refine=True, refine_every_s=5), rig)
    moves = []
    for t_s in range(30):
        monitor.look(infrared if t_s <= 5 else np.full_like(infrared, 80), visible, t_s * S)
        moves.append(monitor.refined(t_s * S))
    assert sum(moved is not None for moved in moves) == 1


def test_refining_is_no_knock(two_cameras):
    """The rig may move further than the alarm allows a camera to."""
    infrared, visible, truth = two_cameras()
    rig = off_by(7, infrared, visible, truth)
    monitor = Monitor(MonitorSettings(refine=True, refine_every_s=5, refine_gain=0.9), rig)
    known = []
    for t_s in range(30):
        drift = monitor.look(infrared, visible, t_s * S)
        known += [] if drift is None else [drift]
        monitor.refined(t_s * S)
    assert not any(drift.alarm for drift in known)
    assert known[-1].moved_px < 1
    assert known[-1].residual_px < 1


def test_a_flat_picture_says_nothing(aligned):
    """A covered lens raises no alarm and no warning; the last that was known stays."""
    infrared, visible = aligned
    monitor = Monitor(MonitorSettings())
    for t_s in range(6):
        known = monitor.look(infrared, visible, t_s * S)
    assert known is not None
    for t_s in range(6, 14):
        assert monitor.look(np.full(visible.shape, 80, np.uint8), visible, t_s * S) == known
    assert all(Monitor(MonitorSettings()).look(np.full(visible.shape, 80, np.uint8), visible, t_s * S) is None for t_s in range(8))


def test_noise_says_nothing(aligned):
    """Pictures that have nothing in common never raise the alarm."""
    _, visible = aligned
    draws = np.random.default_rng(8)
    monitor = Monitor(MonitorSettings())
    for t_s in range(15):
        drift = monitor.look(draws.integers(0, 255, visible.shape).astype(np.uint8), visible, t_s * S)
        assert drift is None or not drift.alarm


def test_the_alarm_is_told_once(aligned, pair, caplog):
    """One warning names the stream; pairs of which one camera is stale are not looked at."""
    infrared, visible = aligned
    height, width = visible.shape
    grey = np.full(((height + 1) // 2, (width + 1) // 2), 128, np.uint8)
    planes = Planes(y=visible.copy(), u=grey.copy(), v=grey.copy())
    monitor = Monitor(MonitorSettings())
    with caplog.at_level(logging.INFO):
        for t_s in range(20):
            shown = infrared if t_s < 6 else knocked(infrared, 6, 0)
            monitor.see(pair(seq=t_s, t_ms=t_s * 1000, infrared=shown.copy(), visible=planes))
        assert monitor.drift is not None
        assert monitor.drift.alarm
        looks = monitor._looks
        monitor.see(pair(seq=30, t_ms=30_000, infrared_state="stale", infrared=infrared.copy(), visible=planes))
    assert monitor._looks == looks
    told = [record.message for record in caplog.records if "knocked" in record.message]
    assert len(told) == 1
    assert told[0].startswith("gate: ")


@pytest.mark.needs_data
@pytest.mark.parametrize("name", ["m3svd_0111_1716", "m3svd_0117_1605", "m3svd_1230_1202"])
def test_recordings(data, name):
    """Fixed cameras: no alarm over the whole recording; after a knock of 6 px one within ten seconds."""
    files = {Spectrum.INFRARED: "ir.mp4", Spectrum.VISIBLE: "vi.mp4"}
    found = stills({spectrum: str(data / "replay" / name / file) for spectrum, file in files.items()}, 20, 1.0, lambda count: None)
    pairs = list(zip(found.infrared, found.visible, strict=True))
    assert len(pairs) > 4
    assert seconds_to_alarm(pairs, 0, 0) is None
    for x, y in KNOCKS:
        assert seconds_to_alarm(pairs, x, y) is not None, (x, y)
