"""What ails a pair, in numbers, from the pictures alone. Cheap statistics, not a diagnosis: captions put only clear cases into words."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.train.data import grey

CLIPPED = 250
NOISE_MASK = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)  # Immerkaer: Fast Noise Variance Estimation, CVIU 1996
NOISE_GAIN = 6.0  # root of the sum of squares of that mask
NOISE_BLOCK, QUIET_PERCENTILE = 8, 10  # the quietest tenth of blocks holds noise and little else
NORMAL_MAD = 0.6745  # median absolute deviation of a normal distribution of deviation 1

VEIL_BLOCK, SKY = 16, 3  # pixels; the upper third may be sky, which is empty by nature
STRUCTURE, STRUCTURE_SHARE = 8.0, 0.06  # standard deviation in a block of infrared: levels, and share of the whole spread
EMPTY = 4.0  # standard deviation in a block of luma that shows nothing
VEIL_DARKEST, VEIL_BRIGHTEST = 60, 240  # grey of haze and smoke; below is shade, above is overexposed sky
EDGE_LIMIT = 8.0  # steps between columns beyond this are edges of things


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Levels are of 255, shares in [0, 1]."""

    visible_mean: float
    """Of luma."""
    visible_clipped: float
    """Share of pixels whose luma is at least 250."""
    visible_veil: float
    """Below the sky, of the places where infrared has structure: the share where the visible picture is grey and empty."""
    visible_noise: float
    """Standard deviation."""
    infrared_spread: float
    """From the 2nd to the 98th percentile."""
    infrared_noise: float
    infrared_stripes: float
    """Typical step between neighbouring columns in the mean over rows."""


def measure(infrared_HW: NDArray[np.uint8], visible_HW3: NDArray[np.uint8]) -> Measured:
    """Statistics of a pair of uint8 pictures of at least 32 x 32 pixels; visible is RGB."""
    luma = grey(visible_HW3)
    low, high = np.percentile(infrared_HW, (2, 98))
    return Measured(
        visible_mean=float(luma.mean()),
        visible_clipped=float((luma >= CLIPPED).mean()),
        visible_veil=_veil(infrared_HW, visible_HW3, luma, float(high - low)),
        visible_noise=noise(luma),
        infrared_spread=float(high - low),
        infrared_noise=noise(infrared_HW),
        infrared_stripes=_stripes(infrared_HW),
    )


def noise(picture_HW: NDArray[np.uint8]) -> float:
    """Standard deviation of noise: Immerkaer's estimate in the quietest blocks, so that texture counts little. 0 where all is clipped."""
    answer = np.abs(cv2.filter2D(picture_HW.astype(np.float32), -1, NOISE_MASK))
    level = _blocks(picture_HW.astype(np.float32), NOISE_BLOCK).mean(axis=(1, 3))
    strength = _blocks(answer, NOISE_BLOCK).mean(axis=(1, 3))[(level > 255 - CLIPPED) & (level < CLIPPED)]
    return float(np.percentile(strength, QUIET_PERCENTILE) * np.sqrt(np.pi / 2) / NOISE_GAIN) if strength.size else 0.0


def _veil(infrared_HW: NDArray[np.uint8], visible_HW3: NDArray[np.uint8], luma_HW: NDArray[np.uint8], spread: float) -> float:
    below = slice(len(luma_HW) // SKY, None)
    warm, seen = (_blocks(picture[below].astype(np.float32), VEIL_BLOCK) for picture in (infrared_HW, luma_HW))
    structure = warm.std(axis=(1, 3)) > max(STRUCTURE, STRUCTURE_SHARE * spread)
    darkest = _blocks(visible_HW3[below].min(axis=2), VEIL_BLOCK).min(axis=(1, 3))
    empty = (seen.std(axis=(1, 3)) < EMPTY) & (darkest > VEIL_DARKEST) & (seen.mean(axis=(1, 3)) < VEIL_BRIGHTEST)
    return float((structure & empty).sum() / max(1, structure.sum()))


def _stripes(infrared_HW: NDArray[np.uint8]) -> float:
    steps = np.diff(infrared_HW.astype(np.float32), axis=1).clip(-EDGE_LIMIT, EDGE_LIMIT).mean(axis=0)
    return float(np.median(np.abs(steps - np.median(steps))) / NORMAL_MAD)


def _blocks(picture_HW: NDArray[np.generic], edge: int) -> NDArray[np.generic]:
    """(rows of blocks, edge, columns of blocks, edge); what is left over at the right and below is not looked at."""
    rows, columns = picture_HW.shape[0] // edge, picture_HW.shape[1] // edge
    return picture_HW[: rows * edge, : columns * edge].reshape(rows, edge, columns, edge)
