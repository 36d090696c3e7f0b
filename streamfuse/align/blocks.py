"""Blocks of two nearly aligned pictures: for each, how well it fits at every small shift.

A block with one straight edge fits anywhere along it; its surface says so, and a model fitted to all surfaces at once needs no points.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.align.orientation import Field, Map, Picture, orientation_field, shrunk
from streamfuse.align.search import Matrix, scaling

LEAST_FILLED = 0.6  # share of a block that the other camera must see
LEAST_ENERGY = 0.1  # share of a block's energy under which a match counts as if it had that much
FLATTEST = 1e-3  # least curvature of a surface, so that a ridge has a direction to be followed in


@dataclass(frozen=True, slots=True)
class Scale:
    """One step of the refinement."""

    longer_px: int
    """Longer side of infrared."""
    block_px: int
    """At most a third of the shorter side is taken."""
    reach_px: int
    """Largest shift looked at."""


@dataclass(frozen=True, slots=True)
class Surfaces:
    """Correlation of each block at each shift."""

    values_NSS: Map
    """(N, 2 reach + 1, 2 reach + 1): y, x of the shift."""
    centres_N2: NDArray[np.float64]
    """x, y in pixels of the working grid."""
    size: tuple[int, int]
    """(height, width) of the working grid."""

    @property
    def reach(self) -> int:
        """Largest shift."""
        return int(self.values_NSS.shape[1]) // 2

    def part(self, chosen_N: NDArray[np.bool_]) -> "Surfaces":
        """Some of the blocks."""
        return Surfaces(self.values_NSS[chosen_N], self.centres_N2[chosen_N], self.size)

    def smoothed(self, sigma: float) -> "Surfaces":
        """With wider peaks, for the first steps."""
        return Surfaces(np.stack([cv2.GaussianBlur(s, (0, 0), sigma) for s in self.values_NSS]), self.centres_N2, self.size)

    def at(self, shifts_N2: NDArray[np.float64]) -> "Heights":
        """Value, gradient and curvature of each surface at its own shift (x, y); a shift out of reach counts as the nearest within.

        A quadratic B-spline through 3x3 values: with bilinear steps a sum of surfaces is highest at whole pixels, and fits lock there.
        """
        place = np.clip(shifts_N2 + self.reach, 1, 2 * self.reach - 1)
        whole = np.rint(place).astype(int)
        (fx, fy), (x, y) = (place - whole).T, whole.T
        near = np.arange(-1, 2)
        patch_N33 = self.values_NSS[np.arange(len(place))[:, None, None], (y[:, None] + near)[:, :, None], (x[:, None] + near)[:, None]]
        (wx, dx, ddx), (wy, dy, ddy) = _spline(fx), _spline(fy)

        def summed(down: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(np.einsum("nij,ni,nj->n", patch_N33, down, across), np.float64)

        mixed = summed(dy, dx)
        bend = -np.stack([np.stack([summed(wy, ddx), mixed], -1), np.stack([mixed, summed(ddy, wx)], -1)], -2)
        return Heights(summed(wy, wx), np.stack([summed(wy, dx), summed(dy, wx)], -1), bend)


@dataclass(frozen=True, slots=True)
class Heights:
    """What all surfaces are like at one shift each."""

    value_N: NDArray[np.float64]
    gradient_N2: NDArray[np.float64]
    bend_N22: NDArray[np.float64]
    """Curvature, positive where the surface bends down."""

    def downward(self) -> NDArray[np.float64]:
        """(N, 2, 2) curvature with everything that does not bend down made flat, so that a step always leads up."""
        bend, axes = np.linalg.eigh(self.bend_N22)
        return np.asarray(np.einsum("nij,nj,nkj->nik", axes, np.maximum(bend, FLATTEST), axes), np.float64)


def _spline(t: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(N, 3) weights of the quadratic B-spline at -0.5 <= t <= 0.5 around the middle value, and their first and second derivatives."""
    one = np.ones_like(t)
    weights = np.stack([(0.5 - t) ** 2 / 2, 0.75 - t * t, (0.5 + t) ** 2 / 2], -1)
    return weights, np.stack([t - 0.5, -2 * t, t + 0.5], -1), np.stack([one, -2 * one, one], -1)


def block_surfaces(infrareds: list[Picture], visibles: list[Picture], homography: Matrix, scale: Scale) -> Surfaces:
    """Match blocks of infrared against the visible pictures as `homography` puts them on infrared's grid; frames add up."""
    factor = min(1.0, scale.longer_px / max(infrareds[0].shape))
    first = [orientation_field(shrunk(picture, factor)) for picture in infrareds]
    height, width = first[0].shape
    to_visible = homography @ np.linalg.inv(working(infrareds[0], first[0].shape))
    block = min(scale.block_px, min(height, width) // 3)
    second: list[Field] = []
    seen: Map = np.zeros((height, width), np.float32)
    for picture in visibles:
        warped, seen = brought(picture, to_visible, (height, width))
        second.append(orientation_field(warped) * seen)
    corners = [
        (x, y)
        for y in range(0, height - block + 1, max(1, block // 2))
        for x in range(0, width - block + 1, max(1, block // 2))
        if seen[y : y + block, x : x + block].mean() >= LEAST_FILLED
    ]
    side = 2 * scale.reach_px + 1
    values = [_surface(first, second, corner, block, scale.reach_px) for corner in corners]
    centres = np.array(corners, np.float64).reshape(-1, 2) + (block - 1) / 2
    return Surfaces(np.array(values, np.float32).reshape(-1, side, side), centres, (height, width))


def working(picture: Picture, size: tuple[int, ...]) -> Matrix:
    """Pixels of a picture -> pixels of its shrunk self."""
    return scaling(size[1] / picture.shape[1], size[0] / picture.shape[0])


def brought(picture: Picture, to_picture: Matrix, size: tuple[int, int]) -> tuple[Picture, Map]:
    """A picture on another grid, sampled through `to_picture` (grid pixel -> picture pixel) without aliasing, and where it is known."""
    height, width = size
    centre = to_picture @ (width / 2, height / 2, 1)
    x, y = centre[:2] / centre[2]
    local = (to_picture[:2, :2] - np.outer((x, y), to_picture[2, :2])) / centre[2]
    factor = 1 / max(1.0, float(np.sqrt(abs(np.linalg.det(local)))))
    small = shrunk(picture, factor)
    through = working(picture, small.shape) @ to_picture
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpPerspective(small, through, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    known = cv2.warpPerspective(np.ones(small.shape, np.float32), through, (width, height), flags=flags)
    inside = cv2.erode(known, np.ones((7, 7), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return warped, (inside > 0.99).astype(np.float32)


def _surface(first: list[Field], second: list[Field], corner: tuple[int, int], block: int, reach: int) -> Map:
    x, y = corner
    side = 2 * reach + 1
    summed: Map = np.zeros((side, side), np.float32)
    energy: Map = np.zeros((side, side), np.float32)
    own = 0.0
    for one, other in zip(first, second, strict=True):
        template = _channels(one[y : y + block, x : x + block])
        window = _channels(_window(other, (x - reach, y - reach), block + 2 * reach))
        summed += cv2.matchTemplate(window, template, cv2.TM_CCORR)
        energy += cv2.matchTemplate((window**2).sum(2), np.ones((block, block), np.float32), cv2.TM_CCORR)
        own += float((template**2).sum())
    surface: Map = (summed / np.sqrt(np.maximum(energy, LEAST_ENERGY * own) * own + np.finfo(np.float32).eps)).astype(np.float32)
    return surface


def _window(field: Field, corner: tuple[int, int], side: int) -> Field:
    """A square of a field, zero where it reaches beyond."""
    x, y = corner
    height, width = field.shape
    window = np.zeros((side, side), np.complex64)
    top, left, bottom, right = max(0, y), max(0, x), min(height, y + side), min(width, x + side)
    window[top - y : bottom - y, left - x : right - x] = field[top:bottom, left:right]
    return window


def _channels(field: Field) -> Map:
    """Complex (H, W) -> (H, W, 2)."""
    return np.dstack([field.real, field.imag])
