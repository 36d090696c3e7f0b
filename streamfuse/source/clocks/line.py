"""Straight lines through points: below all of them, along the lower ones, or through their middle."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

Point = tuple[int, int]
"""Stream time and a difference of two clocks, both in nanoseconds."""


class Line(NamedTuple):
    """`y0_ns + slope * (x - x0_ns)`; kept as a point and a slope, since nanoseconds since 1970 do not fit a float."""

    x0_ns: int
    y0_ns: int
    slope: float

    def at(self, x_ns: int) -> int:
        """Its value there."""
        return self.y0_ns + round(self.slope * (x_ns - self.x0_ns))

    def clamped(self, most: float) -> "Line":
        """No steeper than `most`, turned about its point."""
        return self._replace(slope=max(-most, min(most, self.slope)))


def floor(points: Sequence[Point], *, sloped: bool) -> Line:
    """The line that the lowest points shake about: `lower_envelope`, then the mean of the half of them that lies nearest to it.

    The envelope itself goes through the extremes, which are mostly noise; points far above it were late, and say nothing.
    """
    below = lower_envelope(points) if sloped else Line(*min(points, key=lambda point: point[1]), 0.0)
    excess = [y - below.at(x) for x, y in points]
    near = [point for point, above in zip(points, excess, strict=True) if above <= 2 * median(excess)]
    fitted = least_squares(near)
    return fitted if sloped else fitted._replace(slope=0.0)


def lower_envelope(points: Sequence[Point]) -> Line:
    """The line that lies below all points and nearest to them on average, through the point that it touches at the left.

    Of the edges of the lower convex hull it is the one above which the mean of the points lies: Moon, Skelly, Towsley, "Estimation and
    removal of clock skew from network delay measurements", INFOCOM 1999. `points` are in order of x, which grows strictly.
    """
    hull: list[Point] = []
    for point in points:
        while len(hull) > 1 and _turns_right(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    middle_ns = sum(x - points[0][0] for x, _ in points) // len(points) + points[0][0]
    left, right = next(((a, b) for a, b in pairwise(hull) if b[0] >= middle_ns), (hull[0], hull[-1]))
    return Line(*left, (right[1] - left[1]) / (right[0] - left[0]) if right[0] > left[0] else 0.0)


def least_squares(points: Sequence[Point]) -> Line:
    """The usual one, through the mean of the points."""
    count, (x0, y0) = len(points), points[0]
    mean_x, mean_y = sum(x - x0 for x, _ in points) / count, sum(y - y0 for _, y in points) / count
    spread = sum((x - x0 - mean_x) ** 2 for x, _ in points)
    slope = sum((x - x0 - mean_x) * (y - y0 - mean_y) for x, y in points) / spread if spread else 0.0
    return Line(x0 + round(mean_x), y0 + round(mean_y), slope)


def _turns_right(a: Point, b: Point, c: Point) -> bool:
    """Whether b lies on or above the line from a to c."""
    return (b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0])
