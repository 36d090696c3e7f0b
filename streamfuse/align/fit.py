"""The motion that fits all blocks best: shift, then affine, then homography, each from where the last one ended."""

from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.align.blocks import Surfaces
from streamfuse.align.search import Matrix

Model: TypeAlias = Literal["affine", "homography"]
Parameters: TypeAlias = NDArray[np.float64]

PARAMETERS = {"shift": 2, "affine": 6, "homography": 8}
ROUNDS = (("shift", 3.0), ("affine", 3.0), ("affine", 2.0), ("homography", 1.0))  # model, smoothing of the surfaces in pixels
STEPS = 15
ENOUGH_PX = 0.01
MOST_DAMPING = 1e3
OVERLAP = 4  # blocks that see each pixel


def fit(surfaces: Surfaces, model: Model) -> Parameters:
    """(8,) parameters of the motion in pixels of the working grid; those beyond the model are 0."""
    tried = surfaces.smoothed(2.0).values_NSS.sum(0)
    y, x = np.unravel_index(int(np.argmax(tried)), tried.shape)
    parameters = np.zeros(PARAMETERS["homography"])
    parameters[:2] = x - surfaces.reach, y - surfaces.reach
    for name, smoothing in ROUNDS:
        if PARAMETERS[name] <= PARAMETERS[model]:
            parameters = _climbed(surfaces.smoothed(smoothing), parameters, PARAMETERS[name])
    return parameters


def moved(parameters: Parameters, points_N2: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """Shift (N, 2) in pixels at points of a working grid of (height, width)."""
    return np.asarray(_basis(points_N2, size) @ parameters, np.float64)


def as_homography(parameters: Parameters, size: tuple[int, int]) -> Matrix:
    """The same motion as a 3x3 matrix on the working grid, fitted to its corners, edges and centre."""
    height, width = size
    places = np.array([(x, y) for x in (0, width / 2, width) for y in (0, height / 2, height)], np.float64)
    matrix, _ = cv2.findHomography(places, places + moved(parameters, places, size), 0)
    return np.asarray(matrix, np.float64)


def _climbed(surfaces: Surfaces, start: Parameters, count: int) -> Parameters:
    """Levenberg-Marquardt steps up the sum of all surfaces, over the first `count` parameters."""
    basis = _basis(surfaces.centres_N2, surfaces.size)[:, :, :count]
    here, damping = start.copy(), 1e-2
    heights = surfaces.at(basis @ here[:count])
    for _ in range(STEPS):
        normal = np.einsum("nip,nij,njq->pq", basis, heights.downward(), basis)
        right = np.einsum("nip,ni->p", basis, heights.gradient_N2)
        while damping < MOST_DAMPING:
            step = np.linalg.solve(normal + np.diag(damping * np.diag(normal) + 1e-6), right)
            there = surfaces.at(basis @ (here[:count] + step))
            if there.value_N.sum() > heights.value_N.sum():
                break
            damping *= 5
        else:
            return here
        here[:count] += step
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


def spread(surfaces: Surfaces, model: Model) -> float:
    """Expected error in working pixels of a fit that ended at no motion, root mean square over its blocks.

    From how much the blocks contradict each other: the covariance of an M-estimator (P. J. Huber, "The behavior of maximum likelihood
    estimates under nonstandard conditions", 1967). Blocks overlap by half both ways, so that four of them say what one says.
    """
    basis = _basis(surfaces.centres_N2, surfaces.size)[:, :, : PARAMETERS[model]]
    heights = surfaces.smoothed(1.0).at(np.zeros_like(surfaces.centres_N2))
    normal = np.einsum("nip,nij,njq->pq", basis, heights.downward(), basis)
    pulls_NP = np.einsum("nip,ni->np", basis, heights.gradient_N2)
    inverse = np.linalg.pinv(normal, hermitian=True)
    covariance = inverse @ (OVERLAP * pulls_NP.T @ pulls_NP) @ inverse
    return float(np.sqrt(np.einsum("nip,pq,niq->n", basis, covariance, basis).mean()))
