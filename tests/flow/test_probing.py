"""What a probe says of two cameras."""

from fractions import Fraction

import pytest

from streamfuse.clock import NS_PER_MS, ClockReport
from streamfuse.flow.probing import Sight, matches
from streamfuse.frames import Spectrum
from tests.conftest import make_frame


def sight(name: str, kind: str = "rtcp", fps: float = 30.0, uncertainty_ms: float = 2.0, **report: object) -> Sight:
    values: dict[str, object] = {
        "offset_ns": 0,
        "drift_ppm": None,
        "jitter_ns": 0,
        "delay_ns": None,
        "lag_ns": 0,
        "reports": 3,
        "biased": False,
        **report,
    }
    clock = ClockReport(kind=kind, uncertainty_ns=round(uncertainty_ms * NS_PER_MS), span_ns=0, **values)  # type: ignore[arg-type]
    made = Sight(name=name, live=kind != "media", clock=None if kind == "media" else clock)
    for number in range(10):
        made.see(make_frame(Spectrum.VISIBLE, clock=kind, pts=round(number * 90_000 / fps), time_base=Fraction(1, 90_000)))
    return made


def test_counts_the_rate_by_time_stamps():
    """Ten pictures at 30 fps span nine periods; one without a stamp does not count."""
    made = sight("a")
    made.see(make_frame(Spectrum.VISIBLE, clock="host"))
    assert made.pictures == 11
    assert made.fps == pytest.approx(30)


def test_two_cameras_with_good_clocks():
    """Their clocks agree to the sum of both uncertainties, their pictures to half a period of the faster one."""
    (match,) = matches([sight("a"), sight("b", fps=10, uncertainty_ms=3)])
    assert match.clocks_ms == 5
    assert match.frames_ms == pytest.approx(500 / 30)
    assert match.verdict.startswith("well")


def test_clocks_that_shake():
    """More than half a period of uncertainty is not called well."""
    (match,) = matches([sight("a", uncertainty_ms=20), sight("b")])
    assert match.verdict.startswith("roughly")


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"kind": "estimated", "reports": 0}, "b is estimated (it sends no sender reports)"),
        ({"kind": "estimated", "biased": True}, "b is biased"),
    ],
)
def test_a_clock_that_is_not_known(other, words):
    """A constant offset remains; which camera it is and why is said."""
    (match,) = matches([sight("a"), sight("b", **other)])
    assert match.clocks_ms is None
    assert "time_offset_ms" in match.verdict
    assert words in match.verdict


def test_recordings():
    """Two recordings go by their stamps; a recording and a camera do not go together at all."""
    assert "recordings" in matches([sight("a", "media"), sight("b", "media")])[0].verdict
    assert "not at all" in matches([sight("a", "media"), sight("b")])[0].verdict


def test_every_two_that_were_seen():
    """Three cameras make three pairs; one that showed nothing makes none."""
    assert len(matches([sight("a"), sight("b"), sight("c"), Sight(name="dead", live=True, problem="refused")])) == 3
