"""How the clocks of two cameras go with each other."""

from dataclasses import replace

import pytest

from streamfuse.clock import NS_PER_MS, NS_PER_S, ClockReport
from streamfuse.flow.clocks import clock_difference
from streamfuse.frames import Spectrum
from tests.flow.conftest import Listed, frames

REPORT = ClockReport(
    kind="rtcp",
    uncertainty_ns=NS_PER_MS,
    offset_ns=-30 * NS_PER_MS,
    drift_ppm=5.0,
    jitter_ns=0,
    delay_ns=30 * NS_PER_MS,
    lag_ns=0,
    reports=3,
    biased=False,
    span_ns=60 * NS_PER_S,
)


class Camera(Listed):
    """A source with a clock."""

    def __init__(self, report: ClockReport | None) -> None:
        super().__init__(Spectrum.VISIBLE, frames(Spectrum.VISIBLE, 1), live=True)
        self.clock_report = report
        self.assumed_ns = 0

    def assume_delay(self, delay_ns: int) -> None:
        self.assumed_ns = delay_ns


def test_visible_minus_infrared():
    """Offset and drift are those of the visible camera relative to infrared."""
    other = replace(REPORT, offset_ns=970 * NS_PER_MS, drift_ppm=25.0)
    found = clock_difference(Camera(REPORT), Camera(other))
    assert found is not None
    assert (found.offset_ns, found.drift_ppm, found.confidence) == (NS_PER_S, 20.0, 1.0)


def test_a_short_look_is_less_sure():
    """Confidence grows with the shorter of both measurements, up to a minute."""
    found = clock_difference(Camera(replace(REPORT, span_ns=15 * NS_PER_S)), Camera(REPORT))
    assert found is not None
    assert found.confidence == 0.25


@pytest.mark.parametrize("other", [None, Camera(None), Camera(replace(REPORT, offset_ns=None)), Listed(Spectrum.INFRARED, [])])
def test_nothing_is_said_without_two_clocks(other):
    """One camera alone, none known yet, no time of day, a source without a clock: there is no difference."""
    assert clock_difference(Camera(REPORT), other) is None
    assert clock_difference(other, Camera(REPORT)) is None
