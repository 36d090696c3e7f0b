"""Straight lines through points."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.source.clocks.line import Line, floor, least_squares, lower_envelope

FAR_NS = 1_700_000_000 * NS_PER_S


def test_a_line_is_exact_far_from_zero():
    """Nanoseconds since 1970 keep their last digit."""
    assert Line(FAR_NS, FAR_NS + 1, 1e-4).at(FAR_NS + 10_000_000) == FAR_NS + 1_001


def test_no_steeper_than_allowed():
    """A line is turned about its point."""
    assert Line(10, 5, 0.5).clamped(0.1) == Line(10, 5, 0.1)
    assert Line(10, 5, -0.5).clamped(0.1) == Line(10, 5, -0.1)


def test_one_point():
    """The line through one point is flat."""
    assert lower_envelope([(7, 3)]) == least_squares([(7, 3)]) == floor([(7, 3)], sloped=True) == Line(7, 3, 0.0)


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=60))
def test_the_envelope_lies_below_every_point(ys):
    """No point lies below the envelope by more than the rounding."""
    points = [(second * NS_PER_S, y) for second, y in enumerate(ys)]
    line = lower_envelope(points)
    assert all(y >= line.at(x) - 2 for x, y in points)


def test_the_envelope_knows_drift_from_delay():
    """Delays of up to half a second on a clock of 80 ppm: the envelope finds the clock to 1 ppm, the usual line does not."""
    chance = random.Random(1)
    points = [(s * NS_PER_S, round(s * 80e-6 * NS_PER_S + max(0.0, chance.uniform(-100, 500)) * NS_PER_MS)) for s in range(60)]
    assert lower_envelope(points).slope * 1e6 == pytest.approx(80, abs=1)
    assert abs(least_squares(points).slope * 1e6 - 80) > 50


@pytest.mark.parametrize("drift_ppm", [-200, 0, 200])
def test_the_floor_shakes_less_than_the_envelope(drift_ppm):
    """Stamps that shake by 1 ms to both sides, and a quarter of them late: still within 20 ppm and 1 ms."""
    for seed in range(10):
        chance = random.Random(seed)
        late = [chance.choice((0, 0, 0, 50)) for _ in range(60)]
        points = [(s * NS_PER_S, round(s * drift_ppm * 1000 + (chance.gauss(0, 1) + late[s]) * NS_PER_MS)) for s in range(60)]
        line = floor(points, sloped=True)
        assert line.slope * 1e6 == pytest.approx(drift_ppm, abs=20)
        assert line.at(30 * NS_PER_S) == pytest.approx(30 * drift_ppm * 1000, abs=NS_PER_MS)


def test_least_squares_is_exact_on_a_line():
    """Points on a line give that line."""
    line = least_squares([(FAR_NS + s * NS_PER_S, FAR_NS + 5 * s * 1000) for s in range(20)])
    assert line.slope == pytest.approx(5e-6)
    assert line.at(FAR_NS) == pytest.approx(FAR_NS, abs=2)
