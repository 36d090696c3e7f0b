"""Chance that depends on the seed and on what it is for, never on what was drawn before: frame n can be drawn first."""

import zlib

import numpy as np

from streamfuse.frames import Spectrum


def dice(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """A generator of its own for each purpose and numbers; the numbers may be negative."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode()), *(2 * n if n >= 0 else -2 * n - 1 for n in numbers)])


def camera_dice(seed: int, purpose: str, spectrum: Spectrum, seq: int) -> np.random.Generator:
    """The same for frame `seq` of one camera."""
    return dice(seed, f"{purpose}/{spectrum}", seq)
