"""The content check on real recordings and on the drawn street, shifted by lags that are known.

A lag is made by leaving out the beginning of one camera and counting its time from there, so that the two have less in common.
"""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from streamfuse.clock import NS_PER_S
from streamfuse.frames import Spectrum
from streamfuse.source.av_stream import AvSettings, AvSource
from streamfuse.source.scene import SceneSettings, SceneSource
from streamfuse.stages import Source
from streamfuse.sync.content_curve import Series
from streamfuse.sync.content_edges import COLUMNS, ROWS, block_edges
from streamfuse.sync.content_lag import ENOUGH_S, Lag, find_lag

MOST_S = 2.5
LAGS_S = (-2.0, -1.2, -0.5, 0.0, 0.33, 0.8, 1.6)
RECORDINGS = ("m3svd_0111_1716", "m3svd_0117_1605", "m3svd_1230_1202")
STREETS: dict[str, dict[str, float]] = {"day": {"seed": 1}, "night": {"seed": 2, "night": 1.0}, "smoke": {"seed": 3, "smoke": 0.6}}


def series(source: Source) -> Series:
    source.open()
    seen = []
    while (frame := source.read()) is not None:
        seen.append((frame.t_cap_ns / NS_PER_S, block_edges(frame)))
    source.close()
    t_N = np.array([t_s for t_s, _ in seen])
    return Series(t_N - t_N[0], np.stack([edges_B for _, edges_B in seen]))


@cache
def recording(folder: Path) -> tuple[Series, Series]:
    infrared, visible = (
        series(AvSource(AvSettings(spectrum=spectrum, url=str(folder / name), creation_time=False)))
        for spectrum, name in ((Spectrum.INFRARED, "ir.mp4"), (Spectrum.VISIBLE, "vi.mp4"))
    )
    return infrared, visible


@cache
def street(name: str) -> tuple[Series, Series]:
    fields: dict[str, object] = {"size": (320, 240), "frames": 300, "start_s": 40, **STREETS[name]}
    infrared, visible = (series(SceneSource(SceneSettings.model_validate({**fields, "spectrum": spectrum}))) for spectrum in Spectrum)
    return infrared, visible


def late(both: tuple[Series, Series], late_s: float, fps: tuple[float | None, float | None] = (None, None)) -> Lag:
    """The lag that is found when visible's stamps are late by `late_s`, each camera thinned to its rate."""
    cut = [Series(one.t_N[after] - skip_s, one.edges_NB[after]) for one, skip_s, after in _skips(both, late_s)]
    infrared, visible = (_thinned(one, rate) for one, rate in zip(cut, fps, strict=True))
    return find_lag(infrared, visible, most_s=MOST_S, grid=(ROWS, COLUMNS))


def _skips(both: tuple[Series, Series], late_s: float) -> list[tuple[Series, float, np.ndarray]]:
    return [(one, skip_s, one.t_N >= skip_s) for one, skip_s in zip(both, (max(late_s, 0.0), max(-late_s, 0.0)), strict=True)]


def _thinned(one: Series, fps: float | None) -> Series:
    """As a slower camera would have it: the first picture after each of its instants."""
    if fps is None:
        return one
    taken = np.unique(np.searchsorted(one.t_N, np.arange(one.t_N[0], one.t_N[-1], 1 / fps) - 1e-6))
    return Series(one.t_N[taken], one.edges_NB[taken])


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_whole_recording_is_found_in_time(data, name):
    """Nothing left out: both streams of each recording go together to within half a period, and that is sure."""
    both = recording(data / "replay" / name)
    lag = late(both, 0.0)
    assert lag.sure, lag.reason
    assert abs(lag.offset_s) < 0.5 * float(np.median(np.diff(both[1].t_N)))


@pytest.mark.parametrize("fps", [(None, None), (25, None), (9, None), (None, 9)], ids=str)
@pytest.mark.parametrize("name", RECORDINGS)
def test_no_confident_wrong_answer_on_recordings(data, name, fps):
    """Every lag that is called sure is right to one period, or half of 9 fps; at full rates and with 4 s in common all are sure."""
    both = recording(data / "replay" / name)
    period_s = 1 / 30 if name != RECORDINGS[2] else 1 / 22
    allowed_s = max(period_s, 0.5 / 9 if 9 in fps else 0.0)
    found = [(late_s, late(both, late_s, fps)) for late_s in LAGS_S]
    wrong = [(late_s, lag.offset_s) for late_s, lag in found if lag.sure and abs(lag.offset_s - late_s) > allowed_s]
    assert not wrong
    length_s = float(both[1].t_N[-1])
    enough = [lag for late_s, lag in found if length_s - abs(late_s) > ENOUGH_S + 0.1]
    assert enough
    if fps[0] != 9 and fps[1] != 9 and name != RECORDINGS[2]:  # the square has hardly any motion
        assert all(lag.sure for lag in enough)


@pytest.mark.parametrize("name", RECORDINGS)
def test_what_lies_beyond_the_search_is_not_found(data, name):
    """Streams that are three seconds and more apart, and time that runs backwards, are never called sure."""
    infrared, visible = recording(data / "replay" / name)
    backwards = Series(visible.t_N, visible.edges_NB[::-1])
    assert not find_lag(infrared, backwards, most_s=MOST_S, grid=(ROWS, COLUMNS)).sure
    length_s = float(visible.t_N[-1])
    beyond = [late_s for late_s in (-9, -7, -5, -4, -3, 3, 4, 5, 7, 9) if length_s - abs(late_s) > 2]
    assert not [late_s for late_s in beyond if late((infrared, visible), float(late_s)).sure]


@pytest.mark.parametrize("fps", [(None, None), (9, None), (None, 9)], ids=str)
@pytest.mark.parametrize("name", STREETS)
def test_the_drawn_street_is_found(name, fps):
    """By day, by night with headlights that run ahead of the cars, and in smoke: sure, to half a period of the slower camera."""
    half_s = 0.5 / 9 if 9 in fps else 0.5 / 30
    for late_s in (-2.0, 0.0, 0.33, 1.6):
        lag = late(street(name), late_s, fps)
        assert lag.sure, (late_s, lag.reason)
        assert lag.offset_s == pytest.approx(late_s, abs=half_s)
