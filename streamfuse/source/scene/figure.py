"""A figure: flat convex polygons in space, each with a colour and a temperature, in the order in which they are painted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

F64: TypeAlias = NDArray[np.float64]
CAP = 5  # corners of each round end of a limb
_ARC = np.linspace(-np.pi / 2, np.pi / 2, CAP)
_TURNS = np.concatenate([_ARC + np.pi, _ARC])  # round one end, then round the other


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """N polygons over K points."""

    points_K3: F64
    ends: tuple[int, ...]
    """Polygon i has the points from `ends[i - 1]` to `ends[i]`."""
    albedo_N3: F64
    sunny_N: F64
    """Cosine to the sun, 0 to 1."""
    openness_N: F64
    """Share of the sky that it sees."""
    glow_N3: F64
    """Light that it sends out itself."""
    celsius_N: F64
    foot_3: F64
    """Where it stands; its depth and light are taken here."""


def limbs(starts_L3: F64, ends_L3: F64, radii_L2: F64, right_L3: F64) -> F64:
    """Tapered rods with round ends, upright and facing the camera: (L, 2 * CAP, 3). `right_L3` is horizontal, across the view."""
    along = ends_L3 - starts_L3
    angle = np.arctan2(along[:, 2], (along * right_L3).sum(axis=1))[:, None] + _TURNS
    radius = np.repeat(radii_L2, CAP, axis=1)
    out = np.repeat(np.stack([starts_L3, ends_L3], axis=1), CAP, axis=1)
    out += (radius * np.cos(angle))[..., None] * right_L3[:, None]
    out[..., 2] += radius * np.sin(angle)
    return np.asarray(out)


class Crowd:
    """Figures taken together, so that numpy works on all their points at once. None of them may be empty."""

    def __init__(self, figures: Sequence[Figure]) -> None:
        self.figures = figures
        self.points_K3 = np.concatenate([figure.points_K3 for figure in figures])
        self.feet_F3 = np.stack([figure.foot_3 for figure in figures])
        self.polygons_F = [len(figure.ends) for figure in figures]
        self._sizes = [len(figure.points_K3) for figure in figures]
        self._firsts = np.cumsum([0, *self._sizes[:-1]])

    def least(self, values_K: F64) -> F64:
        """The least value over the points of each figure."""
        return np.asarray(np.minimum.reduceat(values_K, self._firsts, axis=0))

    def most(self, values_K: F64) -> F64:
        """The greatest value over the points of each figure."""
        return np.asarray(np.maximum.reduceat(values_K, self._firsts, axis=0))

    def each(self, values_K: NDArray[Any]) -> list[NDArray[Any]]:
        """The values of each figure's points."""
        return [values_K[first : first + size] for first, size in zip(self._firsts.tolist(), self._sizes, strict=True)]

    def per_polygon(self, values_N: NDArray[Any]) -> list[NDArray[Any]]:
        """The values of each figure's polygons."""
        last = 0
        return [values_N[last - count : last] for count in self.polygons_F if (last := last + count)]


@dataclass(slots=True)
class Sketch:
    """Collects polygons into a figure."""

    points: list[F64] = field(default_factory=list)
    albedo: list[F64] = field(default_factory=list)
    celsius: list[float] = field(default_factory=list)
    sunny: list[float] = field(default_factory=list)
    openness: list[float] = field(default_factory=list)
    glow: list[F64] = field(default_factory=list)

    def add(self, points: F64, albedo: F64, celsius: float, *, sunny: float = 0.6, openness: float = 0.8, glow: F64 | None = None) -> None:
        """Paint one polygon over those before it."""
        self.points.append(points)
        self.albedo.append(albedo)
        self.celsius.append(celsius)
        self.sunny.append(sunny)
        self.openness.append(openness)
        self.glow.append(np.zeros(3) if glow is None else glow)

    def figure(self, foot_3: F64) -> Figure:
        """What was painted so far, standing at `foot_3`."""
        ends = tuple(np.cumsum([len(p) for p in self.points]).tolist())
        return Figure(
            points_K3=np.concatenate(self.points),
            ends=ends,
            albedo_N3=np.stack(self.albedo),
            sunny_N=np.array(self.sunny),
            openness_N=np.array(self.openness),
            glow_N3=np.stack(self.glow),
            celsius_N=np.array(self.celsius),
            foot_3=foot_3,
        )
