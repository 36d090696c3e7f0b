"""The motion that fits all blocks best: first as a shift, then with all that it may do, each from where the last one ended."""

from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.align.blocks import Surfaces
from streamfuse.align.search import Matrix

Model: TypeAlias = Literal["affine", "homography"]
Motion: TypeAlias = Literal["none", "shift", "similarity", "affine", "homography"]
Parameters: TypeAlias = NDArray[np.float64]

COUNT = 8  # parameters of the richest motion; see `_basis`
FREE: dict[Motion, NDArray[np.float64]] = {  # (8, k): what each of the k numbers that a motion is free to choose adds to the parameters
    "none": np.zeros((COUNT, 0)),
    "shift": np.eye(COUNT)[:, :2],
    "similarity": np.eye(COUNT)[:, [0, 1, 2, 3]] + np.eye(COUNT)[:, [0, 1, 5, 4]] * (0, 0, 1, -1),
    "affine": np.eye(COUNT)[:, :6],
    "homography": np.eye(COUNT),
}
ROUNDS: dict[Motion, tuple[tuple[Motion, float], ...]] = {  # motion, smoothing of the surfaces in pixels
    "none": (),
    "shift": (("shift", 3.0), ("shift", 2.0)),
    "similarity": (("shift", 3.0), ("similarity", 3.0), ("similarity", 2.0)),
    "affine": (("shift", 3.0), ("affine", 3.0), ("affine", 2.0)),
    "homography": (("shift", 3.0), ("affine", 3.0), ("affine", 2.0), ("homography", 1.0)),
}
STEPS = 15
ENOUGH_PX = 0.01
MOST_DAMPING = 1e3
OVERLAP = 4  # blocks that see each pixel


def fit(surfaces: Surfaces, motion: Motion, start_px: NDArray[np.float64] | None = None) -> Parameters:
    """(8,) parameters of the motion in pixels of the working grid; those beyond it are 0.

    From the shift (x, y) given, or else from the one at which all blocks together fit best.
    """
    parameters = np.zeros(COUNT)
    if motion == "none":
        return parameters
    parameters[:2] = _highest(surfaces) if start_px is None else start_px
    for name, smoothing in ROUNDS[motion]:
        parameters = _climbed(surfaces.smoothed(smoothing), parameters, FREE[name])
    return parameters


def _highest(surfaces: Surfaces) -> tuple[int, int]:
    summed = surfaces.smoothed(2.0).values_NSS.sum(0)
    y, x = np.unravel_index(int(np.argmax(summed)), summed.shape)
    return int(x) - surfaces.reach, int(y) - surfaces.reach


def moved(parameters: Parameters, points_N2: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """Shift (N, 2) in pixels at points of a working grid of (height, width)."""
    return np.asarray(_basis(points_N2, size) @ parameters, np.float64)


def as_homography(parameters: Parameters, size: tuple[int, int]) -> Matrix:
    """The same motion as a 3x3 matrix on the working grid, fitted to its corners, edges and centre."""
    height, width = size
    places = np.array([(x, y) for x in (0, width / 2, width) for y in (0, height / 2, height)], np.float64)
    matrix, _ = cv2.findHomography(places, places + moved(parameters, places, size), 0)
    return np.asarray(matrix, np.float64)


def _climbed(surfaces: Surfaces, start: Parameters, free: NDArray[np.float64]) -> Parameters:
    """Levenberg-Marquardt steps up the sum of all surfaces, along the columns of `free`."""
    whole = _basis(surfaces.centres_N2, surfaces.size)
    basis = whole @ free
    here, damping = start.copy(), 1e-2
    heights = surfaces.at(whole @ here)
    for _ in range(STEPS):
        normal = np.einsum("nip,nij,njq->pq", basis, heights.downward(), basis)
        right = np.einsum("nip,ni->p", basis, heights.gradient_N2)
        while damping < MOST_DAMPING:
            step = np.linalg.solve(normal + np.diag(damping * np.diag(normal) + 1e-6), right)
            there = surfaces.at(whole @ (here + free @ step))
            if there.value_N.sum() > heights.value_N.sum():
                break
            damping *= 5
        else:
            return here
        here = here + free @ step
        heights, damping = there, damping * 0.3
        if np.abs(step).max() < ENOUGH_PX:
            return here
    return here


def _basis(points_N2: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """(N, 2, 8): what one pixel of each parameter moves at each point; coordinates run from -1 to 1 along the longer side."""
    height, width = size
    x, y = ((points_N2 - (width / 2, height / 2)) / (max(width, height) / 2)).T
    one, zero = np.ones_like(x), np.zeros_like(x)
    across = [one, zero, x, zero, y, zero, x * x, x * y]
    down = [zero, one, zero, x, zero, y, x * y, y * y]
    return np.stack([np.stack(across, -1), np.stack(down, -1)], 1)


def spread(surfaces: Surfaces, motion: Motion) -> float:
    """Expected error in working pixels of a fit that ended at no motion, root mean square over its blocks.

    From how much the blocks contradict each other: the covariance of an M-estimator (P. J. Huber, "The behavior of maximum likelihood
    estimates under nonstandard conditions", 1967). Blocks overlap by half both ways, so that four of them say what one says.
    """
    basis = _basis(surfaces.centres_N2, surfaces.size) @ FREE[motion]
    heights = surfaces.smoothed(1.0).at(np.zeros_like(surfaces.centres_N2))
    normal = np.einsum("nip,nij,njq->pq", basis, heights.downward(), basis)
    pulls_NP = np.einsum("nip,ni->np", basis, heights.gradient_N2)
    inverse = np.linalg.pinv(normal, hermitian=True)
    covariance = inverse @ (OVERLAP * pulls_NP.T @ pulls_NP) @ inverse
    return float(np.sqrt(np.einsum("nip,pq,niq->n", basis, covariance, basis).mean()))
