"""Growth per hour, with what chance allows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats  # type: ignore[import-untyped]

S_PER_H = 3600.0
SHARE = 0.95


@dataclass(frozen=True, slots=True)
class Slope:
    """A straight line through points, per hour, with one-sided bounds of 95 %. NaN where there are fewer than three points."""

    per_h: float = math.nan
    lower: float = math.nan
    upper: float = math.nan

    def dump(self) -> dict[str, float | None]:
        """For JSON, which knows no NaN."""
        values = {"per_h": self.per_h, "lower_95": self.lower, "upper_95": self.upper}
        return {key: None if math.isnan(value) else round(value, 4) for key, value in values.items()}


def slope(points: Sequence[tuple[float, float]]) -> Slope:
    """Least squares through (seconds, value); the bounds take the residuals for independent, by Student's t."""
    if len(points) < 3:
        return Slope()
    line = stats.linregress([at_s / S_PER_H for at_s, _ in points], [value for _, value in points])
    reach = float(stats.t.ppf(SHARE, len(points) - 2) * line.stderr)
    return Slope(float(line.slope), float(line.slope) - reach, float(line.slope) + reach)
