"""Intervals and rankings."""

import numpy as np
import pytest

from streamfuse.evaluate.bootstrap import interval, ranking


def test_the_interval_holds_the_mean_and_is_repeatable():
    """The same values give the same interval, round their mean."""
    values = np.random.default_rng(1).normal(5, 2, 100)
    found = interval(values)
    assert found == interval(values)
    assert found.mean == pytest.approx(values.mean())
    assert found.low < found.mean < found.high


def test_width_is_that_of_the_normal_law():
    """For many values it is nearly the textbook's 1.96 standard errors."""
    values = np.random.default_rng(1).normal(0, 3, 400)
    found = interval(values)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * values.std() / 20, rel=0.1)


def test_it_covers():
    """Of many samples, the true mean lies in nineteen of twenty intervals, or nearly."""
    draw = np.random.default_rng(1)
    hits = [found.low <= 1 <= found.high for found in (interval(draw.exponential(1, 60), resamples=300) for _ in range(300))]
    assert 0.88 < np.mean(hits) < 0.98


def test_what_is_no_number_is_left_out():
    """NaN does not count; nothing at all gives NaN; infinity stays."""
    assert interval(np.array([1.0, np.nan, 1.0])).mean == 1
    assert np.isnan(interval(np.array([np.nan])).mean)
    assert interval(np.array([1.0, np.inf])).mean == np.inf


def test_ranking_knows_which_way_is_better():
    """One that leads in every metric, one of them lower-is-better, has place 1; equals share theirs."""
    scores = np.array([[[9.0, 0.1]] * 5, [[5.0, 0.5]] * 5, [[5.0, 0.5]] * 5])
    first, second, third = ranking(scores, np.array([1, -1]))
    assert (first.mean, first.low, first.high) == (1, 1, 1)
    assert second.mean == third.mean == 2.5


def test_ranking_is_unsure_where_pairs_disagree():
    """Two that win by turns have an interval from one place to the other."""
    scores = np.zeros((2, 10, 1))
    scores[0, :5], scores[1, 5:] = 1, 1
    first, second = ranking(scores, np.array([1]))
    assert first.mean == second.mean == 1.5
    assert (first.low, first.high) == (1, 2)
