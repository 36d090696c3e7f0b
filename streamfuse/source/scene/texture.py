"""Seeded noise that repeats without a seam, looked up by metres: the grain of asphalt, plaster, leaves and clouds."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.source.scene.chance import dice

TILE = 512  # texels along an edge; a power of two, so that wrapping is a mask


class Texture:
    """Three tiles of noise with mean 0 and deviation about 1: `fine`, `broad`, and `dots` without any smoothness."""

    def __init__(self, seed: int) -> None:
        raw = dice(seed, "texture").standard_normal((3, TILE, TILE)).astype(np.float32)
        self.dots: NDArray[np.float32] = raw[0]
        self._chances: NDArray[np.float32] = (raw[0].ravel() * 977.0) % 1.0
        self.fine = _smooth(raw[1], 1.2)
        octaves = [
            _smooth(np.roll(raw[2], 97 * i, axis=0), sigma) * weight for i, (sigma, weight) in enumerate(((24, 1.0), (9, 0.6), (3, 0.4)))
        ]
        self.broad = sum(octaves[1:], octaves[0])

    def at(self, tile: NDArray[np.float32], u: NDArray[np.floating], v: NDArray[np.floating], per_unit: float) -> NDArray[np.float32]:
        """Noise at (u, v), with `per_unit` texels to a unit."""
        column = np.floor(u * np.float32(per_unit)).astype(np.int32) & (TILE - 1)
        row = np.floor(v * np.float32(per_unit)).astype(np.int32) & (TILE - 1)
        found: NDArray[np.float32] = tile.ravel()[(row << (TILE.bit_length() - 1)) | column]
        return found

    def chance(self, *numbers: "NDArray[np.floating] | NDArray[np.integer]") -> NDArray[np.float32]:
        """One number in [0, 1) per combination of whole `numbers`: which slab, which window."""
        mixed: NDArray[np.int64] = np.zeros(1, np.int64)
        for number in numbers:
            mixed = mixed * 92821 + np.floor(number).astype(np.int64) * 68917 + 3571
        found: NDArray[np.float32] = self._chances[(mixed ^ (mixed >> 9)) & (TILE * TILE - 1)]
        return found


textures = lru_cache(maxsize=4)(Texture)  # both cameras of a scene look at the same one


def _smooth(tile: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    pad = int(4 * sigma) + 1
    blurred = cv2.GaussianBlur(np.pad(tile, pad, mode="wrap"), (0, 0), sigma)[pad:-pad, pad:-pad]
    out: NDArray[np.float32] = blurred / blurred.std()
    return out
