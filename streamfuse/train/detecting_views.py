"""What a detector may be shown of a pair: either camera or some mixture of both, in many tones. Pictures are (H, W) float32 in [0, 1]."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.fuse.salience import PYRAMID

Plane = NDArray[np.float32]
View = Callable[[Plane, Plane, np.random.Generator], Plane]

INVERTED = 0.1
"""Of the infrared views: black is hot."""
BLURRED, NOISY, COARSE = 0.15, 0.3, 0.1
"""Of all views."""
GAMMA_LOG, GAIN, OFFSET = 0.5, 0.35, 0.15
"""Half widths around 0, 1 and 0."""


def _infrared(infrared: Plane, _: Plane, draw: np.random.Generator) -> Plane:
    return 1 - infrared if draw.random() < INVERTED else infrared


def _mixture(infrared: Plane, luma: Plane, draw: np.random.Generator) -> Plane:
    share = np.float32(draw.uniform(0.2, 0.8))
    return share * infrared + (1 - share) * luma


VIEWS: dict[str, tuple[float, View]] = {
    "visible": (0.17, lambda _, luma, __: luma),
    "infrared": (0.13, _infrared),
    "average": (0.12, lambda infrared, luma, _: (infrared + luma) / np.float32(2)),
    "mixture": (0.13, _mixture),
    "maximum": (0.17, lambda infrared, luma, _: np.maximum(infrared, luma)),
    "pyramid": (0.28, lambda infrared, luma, _: PYRAMID.on_cpu(infrared, luma).clip(0, 1)),
}
"""Share of the views, and how each is made. The pyramid is that of the fuser `salience`."""


def view(infrared: Plane, luma: Plane, draw: np.random.Generator) -> Plane:
    """One of them, by chance."""
    names = list(VIEWS)
    chosen = names[int(draw.choice(len(names), p=[VIEWS[name][0] for name in names]))]
    return np.asarray(VIEWS[chosen][1](infrared, luma, draw), np.float32)


def toned(picture: Plane, draw: np.random.Generator) -> Plane:
    """Brighter or darker, flatter or steeper, blurred, noisy or coarse, by chance."""
    picture = picture.clip(0, 1) ** np.float32(np.exp(draw.uniform(-GAMMA_LOG, GAMMA_LOG)))
    mean = picture.mean()
    picture = (picture - mean) * np.float32(draw.uniform(1 - GAIN, 1 + GAIN)) + mean + np.float32(draw.uniform(-OFFSET, OFFSET))
    if draw.random() < COARSE:
        size = picture.shape[1], picture.shape[0]
        small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        picture = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.float32)
    if draw.random() < BLURRED:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), draw.uniform(0.5, 1.5)), np.float32)
    if draw.random() < NOISY:
        picture = picture + np.float32(draw.uniform(0, 0.04)) * draw.standard_normal(picture.shape, np.float32)
    return picture.clip(0, 1)
