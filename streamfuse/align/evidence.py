"""Which motion the pictures call for: the simplest one, unless a richer one foretells blocks that it was not shown.

A richer motion always fits a little better. So it is fitted without a ninth of the picture and asked about that ninth, in turn.
(M. Stone, "Cross-validatory choice and assessment of statistical predictions", JRSS B 1974.)
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamfuse.align.blocks import Surfaces
from streamfuse.align.fit import OVERLAP, Motion, fit, moved

TILES = 3  # along each side: what is left out at once must be larger than a block, or its neighbours tell it
LEAST_ERRORS = 2.0  # standard errors that a richer motion must be better by
LEAST_GAIN = 0.1  # of what the simpler one explains: on a scene full of edges the smallest gain is significant


def called_for(surfaces: Surfaces, motions: Sequence[Motion], start_px: NDArray[np.float64]) -> Motion:
    """One of `motions`, which go from simple to rich; each is fitted from the shift (x, y) in pixels of the working grid."""
    best = motions[0]
    explained_N = foretold(surfaces, best, start_px)
    for motion in motions[1:]:
        values_N = foretold(surfaces, motion, start_px)
        if _is_better(values_N, explained_N):
            best, explained_N = motion, values_N
    return best


def foretold(surfaces: Surfaces, motion: Motion, start_px: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) correlation of each block where a fit to the blocks of all other tiles puts it; with no block elsewhere, where it is."""
    tile_N = np.floor(surfaces.centres_N2 / surfaces.size[::-1] * TILES).astype(int) @ (1, TILES)
    smooth = surfaces.smoothed(1.0)
    values_N = np.zeros(len(tile_N))
    for tile in np.unique(tile_N):
        asked_N = tile_N == tile
        shifts_N2 = np.zeros((int(asked_N.sum()), 2))
        if not asked_N.all():
            shifts_N2 = moved(fit(surfaces.part(~asked_N), motion, start_px), surfaces.centres_N2[asked_N], surfaces.size)
        values_N[asked_N] = smooth.part(asked_N).at(shifts_N2).value_N
    return values_N


def _is_better(richer_N: NDArray[np.float64], simpler_N: NDArray[np.float64]) -> bool:
    gain_N = richer_N - simpler_N
    error = float(np.std(gain_N)) * np.sqrt(OVERLAP * len(gain_N))  # of the sum; overlapping blocks say the same thing again
    return bool(gain_N.sum() > max(LEAST_ERRORS * error, LEAST_GAIN * abs(float(simpler_N.sum()))))
