"""How an offset changes over a long recording."""

import numpy as np
import pytest

from streamfuse.clock import NS_PER_S
from streamfuse.frames import Frame, Spectrum
from streamfuse.sync.content import ContentCheck, ContentSettings
from streamfuse.sync.content_drift import find_drift
from streamfuse.sync.content_edges import COLUMNS, ROWS

FPS = 12


KNOTS = np.random.default_rng(0).normal(0, 1, (400, ROWS * COLUMNS))  # three a second


def picture(t_s: float) -> np.ndarray:
    """(120, 160) checks whose contrast changes in each block in its own irregular way."""
    before = int(3 * t_s)
    level = KNOTS[before] + (3 * t_s - before) * (KNOTS[before + 1] - KNOTS[before])
    amplitude = np.repeat(np.repeat(level.reshape(ROWS, COLUMNS), 5, 0), 5, 1)
    return np.asarray(np.clip(128 + 25 * amplitude * ((np.indices((120, 160)).sum(0) % 4 < 2) - 0.5), 0, 255), np.uint8)


def watched(seconds: int, *, drift_ppm: float = 0.0, late_s: float = 0.0) -> ContentCheck:
    """Both cameras see the same; visible's clock runs fast and is late."""
    check = ContentCheck(ContentSettings(window_s=300.0))
    for number in range(seconds * FPS):
        t_s = number / FPS
        seen = picture(t_s)
        for spectrum, stamp_s in ((Spectrum.INFRARED, t_s), (Spectrum.VISIBLE, late_s + t_s * (1 + drift_ppm / 1e6))):
            image = seen.copy() if spectrum is Spectrum.INFRARED else np.stack([seen] * 3, -1)
            check.see(Frame(image=image, spectrum=spectrum, t_cap_ns=round(stamp_s * NS_PER_S), clock="media", seq=number, source="drawn"))
    return check


@pytest.mark.parametrize("drift_ppm", [0.0, -500.0])
def test_drift_is_the_slope_of_the_offset(drift_ppm):
    """In parts per million, positive where the visible camera's clock is the faster one."""
    drift = find_drift(watched(80, drift_ppm=drift_ppm, late_s=0.3))
    assert drift is not None
    assert drift.ppm == pytest.approx(drift_ppm, abs=30)
    assert drift.sigma_ppm < 60
    assert len(drift.pieces) in (3, 4)
    assert drift.pieces[0][1].offset_s == pytest.approx(0.3, abs=0.02)


def test_only_the_time_that_both_saw_is_looked_at(monkeypatch):
    """A camera that came a day after the other had gone costs no look at that day."""
    check, looks = ContentCheck(ContentSettings()), []
    for spectrum, began_s in ((Spectrum.INFRARED, 0), (Spectrum.VISIBLE, 86_400)):
        for number in range(3):
            image = np.stack([picture(number)] * 3, -1) if spectrum is Spectrum.VISIBLE else picture(number)
            t_ns = (began_s + number) * NS_PER_S
            check.see(Frame(image=image, spectrum=spectrum, t_cap_ns=t_ns, clock="media", seq=number, source="drawn"))
    monkeypatch.setattr(check, "look", lambda *span: looks.append(span))
    assert find_drift(check) is None
    assert not looks


def test_a_short_recording_has_no_drift():
    """Less than three pieces of 20 s say nothing about it, nor does nothing at all."""
    assert find_drift(watched(45)) is None
    assert find_drift(ContentCheck(ContentSettings())) is None
