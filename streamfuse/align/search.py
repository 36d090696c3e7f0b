"""From nothing to roughly right: every size, shape and place that the view of one camera may have in the other's."""

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.align.orientation import Picture, Spectra, best_shift, orientation_field, shrunk

Matrix = NDArray[np.float64]

COARSE_PX = 160  # longer side of infrared during the search
RATIO_STEP = 0.06  # in natural logarithm, as all steps here
RATIOS = np.exp(np.arange(np.log(0.5), np.log(2.6), RATIO_STEP))  # size of infrared's view against an equal field of view
ASPECTS = np.exp(np.arange(-2, 3) * 0.08)  # stretch across against along
LEAST_OVERLAP = 0.25  # of the smaller picture


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer of the search."""

    homography: Matrix
    """3x3, infrared to visible pixels."""
    significance: float


def candidates(infrareds: list[Picture], visibles: list[Picture], count: int) -> list[Candidate]:
    """The `count` most significant placements, best first, for pictures of cameras that do not move against each other.

    Each size and shape contributes its best place. Rotation is left to the refinement, which follows a few degrees.
    """
    factor = min(1.0, COARSE_PX / max(infrareds[0].shape))
    first = Spectra([orientation_field(shrunk(picture, factor)) for picture in infrareds])
    to_coarse = scaling(first.size[1] / infrareds[0].shape[1], first.size[0] / infrareds[0].shape[0])
    height, width = visibles[0].shape
    equal_view = float(np.sqrt(visibles[0].size / infrareds[0].size))
    found = []
    for ratio, aspect in itertools.product(RATIOS, ASPECTS):
        scale = factor / (equal_view * ratio)
        size = (max(8, round(width * scale / np.sqrt(aspect))), max(8, round(height * scale * np.sqrt(aspect))))
        small = [cv2.resize(picture, size, interpolation=cv2.INTER_AREA) for picture in visibles]
        peak = best_shift(first, Spectra([orientation_field(picture) for picture in small]), LEAST_OVERLAP)
        moved = np.array([[1, 0, peak.dx], [0, 1, peak.dy], [0, 0, 1]]) @ scaling(size[0] / width, size[1] / height)
        found.append(Candidate(np.linalg.inv(moved) @ to_coarse, peak.significance))
    return sorted(found, key=lambda candidate: -candidate.significance)[:count]


def scaling(across: float, down: float) -> Matrix:
    """Pixels of a picture -> pixels of the same picture resized edges onto edges; centres are integers."""
    return np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2], [0, 0, 1]], np.float64)
