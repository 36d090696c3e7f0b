"""How sure a mean is: percentile bootstrap over pairs, and a ranking with its own interval. Legend: F fusers, N pairs, M metrics."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95
SEED = 1
Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the ends of its interval."""

    mean: float
    low: float
    high: float


def interval(values_N: Scores, resamples: int = RESAMPLES, level: float = LEVEL, seed: int = SEED) -> Interval:
    """Of the mean, over pairs drawn again with repetition. Efron, "Bootstrap methods: another look at the jackknife", 1979.

    The same values give the same interval. Not a number among them is left out; none at all gives NaN.
    """
    values_N = values_N[~np.isnan(values_N)]
    if not len(values_N):
        return Interval(float("nan"), float("nan"), float("nan"))
    if not np.isfinite(values_N).all():
        return Interval(float(values_N.mean()), float(values_N.min()), float(values_N.max()))
    means = values_N[_drawn(len(values_N), resamples, seed)].mean(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values_N.mean()), float(low), float(high))


def ranking(scores_FNM: Scores, better_M: NDArray[np.int64], seed: int = SEED) -> list[Interval]:
    """Mean place of each fuser over all metrics, 1 the best; ties share the mean of their places."""
    picks = _drawn(scores_FNM.shape[1], RESAMPLES // 4, seed)
    all_of_them = _places(scores_FNM.mean(1), better_M)
    drawn = np.stack([_places(scores_FNM[:, pick].mean(1), better_M) for pick in picks])
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return [Interval(float(m), float(a), float(b)) for m, a, b in zip(all_of_them, low, high, strict=True)]


def _places(means_FM: Scores, better_M: NDArray[np.int64]) -> Scores:
    """(F,): 1 + those that are better + half of those that are equal, averaged over metrics."""
    worth = means_FM * better_M
    ahead = (worth[None] > worth[:, None]).sum(1)
    level = (worth[None] == worth[:, None]).sum(1) - 1
    return np.asarray((1 + ahead + level / 2).mean(1), np.float64)


def _drawn(count: int, resamples: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, count, (resamples, count))
