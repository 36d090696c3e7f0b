"""StampRepair: time that always grows. Stamps are in milliseconds here, the period is 40 of them."""

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamfuse.clock import NS_PER_MS
from streamfuse.source.timestamps import StampRepair


def repaired(pts: Iterable[int | None], start: int | None = 0, period_ms: int = 40) -> tuple[list[float], dict[str, int]]:
    problems: Counter[str] = Counter()
    repair = StampRepair(Fraction(1, 1000), start, period_ms * NS_PER_MS, problems)
    return [repair.next_ns(stamp) / NS_PER_MS for stamp in pts], dict(problems)


@pytest.mark.parametrize(
    ("pts", "want_ms", "problems"),
    [
        pytest.param([0, 40, 80], [0, 40, 80], {}, id="good ones pass"),
        pytest.param([100, 140, 180], [100, 140, 180], {}, id="a late first picture stays late"),
        pytest.param([0, None, 80], [0, 40, 80], {"pts_missing": 1}, id="one missing"),
        pytest.param([None, None, None], [0, 40, 80], {"pts_missing": 3}, id="all missing"),
        pytest.param([0, 40, 40, 120], [0, 40, 60, 120], {"pts_unordered": 1}, id="a double"),
        pytest.param([0, 80, 40, 120, 160], [0, 80, 100, 120, 160], {"pts_unordered": 1}, id="two swapped: the others stay"),
        pytest.param([0, 40, 80, 9000, 9040], [0, 40, 80, 9000, 9040], {}, id="a gap is a gap"),
        pytest.param([5000, 5040, 0, 40], [5000, 5040, 5080, 5120], {"pts_jump": 1}, id="starts again: time goes on"),
    ],
)
def test_repairs(pts, want_ms, problems):
    """Stamps come out in order, with as few as possible moved."""
    assert repaired(pts) == (want_ms, problems)


def test_starts_at_the_first_stamp_where_the_stream_names_no_start():
    """Without a start time the first picture is at 0, whatever its stamp."""
    assert repaired([7000, 7040], start=None) == ([0, 40], {})


def test_first_stamp_missing_and_no_start():
    """A first picture without a stamp takes no other one's place."""
    assert repaired([None, 7000, 7040], start=None) == ([0, 40, 80], {"pts_missing": 1})


def test_period_follows_a_variable_rate():
    """What is missing is filled in at the running median, not at the rate that the container claims."""
    times, _ = repaired([*range(0, 4000, 100), None], period_ms=40)
    assert times[-1] - times[-2] == 100


def test_both_files_of_a_pair_agree():
    """The same frame number has the same time in files of different time bases."""
    coarse = StampRepair(Fraction(1, 30), 0, 33_333_333, Counter())
    fine = StampRepair(Fraction(1, 15360), 0, 33_333_333, Counter())
    assert [coarse.next_ns(n) for n in range(500)] == [fine.next_ns(512 * n) for n in range(500)]


@given(st.lists(st.one_of(st.none(), st.integers(-(10**6), 10**6)), max_size=60))
def test_time_always_grows(pts):
    """Whatever the stamps are, time grows strictly and every picture has one."""
    times, _ = repaired(pts)
    assert len(times) == len(pts)
    assert all(a < b for a, b in pairwise(times))
