"""The pixels of one camera, and how figures get onto them.

A figure is painted without a mask: its part of the picture is enlarged by repeating pixels, the polygons are filled on that, and
the average comes back. Where no polygon was, the average of equal pixels is the pixel; on an edge it is the right mixture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamfuse.frames import Spectrum
from streamfuse.source.scene.camera import NEAREST_M, Camera
from streamfuse.source.scene.figure import F64, Crowd, Figure
from streamfuse.source.scene.light import Light
from streamfuse.source.scene.palette import yuv

SHIFT = 3  # fractional bits of the corners of a polygon
COUNTS_PER_KELVIN, ZERO_CELSIUS_K = 100, 273.15
CHEST_M = np.array([0.0, 0.0, 1.0])  # above the feet: where the light on a figure is taken
SMALL_PX = 72  # below this height a figure is painted with 4 x 4 points to a pixel, else with 2 x 2


class Patch(NamedTuple):
    """A rectangle of the picture; left and top are even, so that it has whole samples of colour."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True)
class Plane:
    """Samples of a picture, writable. `step` is the distance of samples in pixels: 2 for the colour of a visible picture."""

    samples: NDArray[Any]
    step: int

    def part(self, patch: Patch) -> NDArray[Any]:
        """The samples of a patch, as a view."""
        s = self.step
        return self.samples[patch.top // s : (patch.bottom + s - 1) // s, patch.left // s : (patch.right + s - 1) // s]


def counts(celsius: ArrayLike) -> NDArray[np.floating]:
    """Degrees -> counts of 0.01 kelvin."""
    return (np.asarray(celsius) + ZERO_CELSIUS_K) * COUNTS_PER_KELVIN


class Canvas:
    """Visible: Y (H, W) and UV (ceil(H/2), ceil(W/2), 2), uint8. Infrared: (H, W) counts, uint16."""

    def __init__(
        self, camera: Camera, light: Light, spectrum: Spectrum, planes: list[NDArray[Any]], occluders: NDArray[np.float32]
    ) -> None:
        self.camera, self.light, self.visible = camera, light, spectrum is Spectrum.VISIBLE
        self.planes = [Plane(samples, step) for samples, step in zip(planes, (1, 2), strict=False)]
        self.occluders = occluders  # (H, W) depth of what stands in front of figures, infinite where nothing does

    def patch(self, low: Sequence[float], high: Sequence[float]) -> Patch | None:
        """The part of the frame from one pixel (x, y) to another; None if that is nothing."""
        width, height = self.camera.size
        left, top = max(0, int(low[0]) & ~1), max(0, int(low[1]) & ~1)
        right, bottom = min(width, (int(high[0]) + 3) & ~1), min(height, (int(high[1]) + 3) & ~1)
        return Patch(left, top, right, bottom) if left < right and top < bottom else None

    def crowd(self, figures: Sequence[Figure]) -> Crowd | None:
        """Those of the figures that lie in front of the camera, taken together."""
        if not figures:
            return None
        crowd = Crowd(figures)
        before = crowd.least(self.camera.depth(crowd.points_K3)) > NEAREST_M
        return crowd if before.all() else self.crowd([figure for figure, seen in zip(figures, before, strict=True) if seen])

    def paint(self, crowd: Crowd) -> list[Patch]:
        """Paint figures from far to near, but not over what stands in front of them; returns the touched patches."""
        pixels = self.camera.project(crowd.points_K3)
        lows, highs, each = crowd.least(pixels).tolist(), crowd.most(pixels).tolist(), crowd.each(pixels)
        depths = self.camera.depth(crowd.feet_F3)
        colours = self._colours(crowd, depths)
        done = []
        for i in np.argsort(-depths).tolist():
            patch = self.patch(lows[i], highs[i])
            if patch is not None:
                self._fill(patch, each[i], crowd.figures[i].ends, colours[i], float(depths[i]))
                done.append(patch)
        return done

    def _fill(self, patch: Patch, pixels_K2: F64, ends: tuple[int, ...], colours: list[list[Any]], depth: float) -> None:
        enlarge = 4 if patch.bottom - patch.top < SMALL_PX else 2
        hidden = cv2.compare(self.occluders[patch.top : patch.bottom, patch.left : patch.right], depth, cv2.CMP_LT)
        hides = cv2.countNonZero(hidden) > 0
        for plane, paints in zip(self.planes, colours, strict=True):
            part, step = plane.part(patch), plane.step
            rows, columns = part.shape[:2]
            large = cv2.resize(part, (columns * enlarge, rows * enlarge), interpolation=cv2.INTER_NEAREST)
            scaled = (pixels_K2 + np.array([0.5 - patch.left, 0.5 - patch.top])) * (enlarge / step) - 0.5
            corners = np.rint(scaled * (1 << SHIFT)).astype(np.int32)
            start = 0
            for end, paint in zip(ends, paints, strict=True):
                cv2.fillConvexPoly(large, corners[start:end], paint, cv2.LINE_8, SHIFT)
                start = end
            small = cv2.resize(large, (columns, rows), interpolation=cv2.INTER_AREA)
            if hides:
                cv2.copyTo(part, np.ascontiguousarray(hidden[::step, ::step]), small)
            part[...] = small

    def _colours(self, crowd: Crowd, depths_F: F64) -> list[list[list[Any]]]:
        """What each polygon of each figure leaves on each plane."""
        counts_F, figures = crowd.polygons_F, crowd.figures
        veil = np.repeat(self.light.veil(depths_F, infrared=not self.visible), counts_F)
        if not self.visible:
            celsius = np.concatenate([figure.celsius_N for figure in figures])
            levels = [np.rint(counts(celsius + veil * (self.light.air_c - celsius)))]
        else:
            at = crowd.feet_F3 + CHEST_M
            sun = np.outer(self.light.sunlit(at), self.light.sun).repeat(counts_F, axis=0)
            lamps = 0.6 * np.outer(self.light.lamplit(at), self.light.lamp_light).repeat(counts_F, axis=0)
            sunny, openness, albedo, glow = (
                np.concatenate([getattr(figure, name) for figure in figures]) for name in ("sunny_N", "openness_N", "albedo_N3", "glow_N3")
            )
            light = albedo * (np.outer(openness, self.light.sky) + sunny[:, None] * sun + lamps) + glow
            colours = np.rint(yuv(light + veil[:, None] * (self.light.fog_light - light)))
            levels = [colours[:, 0], colours[:, 1:]]
        per_plane = [crowd.per_polygon(level) for level in levels]
        return [[part.tolist() for part in parts] for parts in zip(*per_plane, strict=True)]
