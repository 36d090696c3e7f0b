"""What a person without a network does about a fault: the fitting classical repair, then `laplacian`. Told by name what ails the pair.

Pictures are uint8, visible RGB (H, W, 3), infrared (H, W). Settings are the best of those tried on the training part, by PSNR against R:
docs/10-evaluate.md lists them, so that a network is held against classical repair at its best.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.evaluate.contender import Sight
from streamfuse.evaluate.words import NEUTRAL, Obey, WordCase
from streamfuse.train.degradations import FAULT_INDEX

NAME = "classical repair"
"""Of the row in a report."""

Picture = NDArray[np.uint8]
Repair = Callable[[Picture], Picture]

AIRLIGHT_SHARE = 1000
"""One in so many pixels, those with the brightest dark channel, shows the airlight; He et al., section 4.4."""
LEAST_THROUGH = 0.1
"""Of the transmission; He et al., section 4.3."""
GUIDED_PX, GUIDED_EPS = 30, 1e-3
"""Radius and regularisation of the guided filter of the transmission."""
LEVELS = np.arange(256) / 255


def repairing(case: WordCase, fuse: Obey) -> Obey:
    """Does to the pictures of one case what its words name, and fuses them with `fuse` under neutral words."""
    told: dict[str, tuple[str, ...]] = dict.fromkeys((*case.right, *case.trained), case.faults)
    told |= {case.wrong: case.wrong_faults, NEUTRAL: ()}
    told |= {text: (fault,) for text, fault in zip(case.parts, case.faults, strict=False)}
    return lambda sight, text: fuse(repaired(sight, told[text]), NEUTRAL)


def repaired(sight: Sight, faults: Iterable[str]) -> Sight:
    """The pair after the repairs of the named faults (`REPAIRS`). What came upon the pictures last is repaired first."""
    infrared, visible = sight
    for fault in sorted(faults, key=FAULT_INDEX.__getitem__, reverse=True):
        if fault.startswith("infrared"):
            infrared = REPAIRS[fault](infrared)
        else:
            visible = REPAIRS[fault](visible)
    return Sight(infrared, visible)


def toned(picture: Picture, mean: float) -> Picture:
    """Luma through x^g, where g takes its mean, in [0, 1], to `mean`: lifts what is dark, and darkens what is too light."""
    ycc = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb), np.uint8)
    level = float(np.clip(ycc[..., 0].mean() / 255, 1 / 255, 254 / 255))
    curve = (255 * LEVELS ** (np.log(mean) / np.log(level))).round().astype(np.uint8)
    ycc[..., 0] = cv2.LUT(np.ascontiguousarray(ycc[..., 0]), curve)
    return _bytes(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB))


def stretched(picture_HW: Picture, low: float, high: float) -> Picture:
    """From the percentiles `low` and `high` to 0 and 255."""
    bottom, top = np.percentile(picture_HW, (low, high))
    return _bytes((picture_HW - bottom) * (255 / max(1.0, top - bottom)))


def dehazed(picture_HW3: Picture, omega: float, patch_px: int) -> Picture:
    """Dark channel prior: J = (I - A) / max(t, 0.1) + A with t = 1 - omega min over a patch and the channels of I / A.

    He, Sun and Tang, "Single image haze removal using dark channel prior", CVPR 2009, eq. 12 and 16; t is smoothed along the edges of
    the picture by the guided filter of the same authors (ECCV 2010) instead of matting.
    """
    patch = np.ones((patch_px, patch_px), np.uint8)
    dark_HW = cv2.erode(picture_HW3.min(axis=2), patch)
    count = max(1, dark_HW.size // AIRLIGHT_SHARE)
    veiled = picture_HW3.reshape(-1, 3)[np.argpartition(dark_HW.ravel(), -count)[-count:]]
    airlight = np.maximum(veiled[veiled.sum(axis=1, dtype=np.int64).argmax()], 1).astype(np.float32)
    through_HW = 1 - omega * cv2.erode((picture_HW3 / airlight).min(axis=2).astype(np.float32), patch)
    luma_HW = cv2.cvtColor(picture_HW3, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    through_HW = _guided(luma_HW, np.asarray(through_HW, np.float32)).clip(LEAST_THROUGH, 1)
    return _bytes((picture_HW3 - airlight) / through_HW[..., None] + airlight)


def sharpened(picture: Picture, sigma_px: float, amount: float) -> Picture:
    """Unsharp mask: x + amount (x - Gaussian of x)."""
    return _bytes(cv2.addWeighted(picture, 1 + amount, cv2.GaussianBlur(picture, (0, 0), sigma_px), -amount, 0))


def smoothed(picture: Picture, sigma_grey: float, sigma_px: float) -> Picture:
    """Bilateral filter (Tomasi and Manduchi, ICCV 1998)."""
    return _bytes(cv2.bilateralFilter(picture, 0, sigma_grey, sigma_px))


def median(picture: Picture, edge_px: int) -> Picture:
    """Over a square window."""
    return _bytes(cv2.medianBlur(picture, edge_px))


def destriped(picture_HW: Picture, sigma_px: float) -> Picture:
    """Less what the mean of each column differs from the Gaussian mean of the columns around it."""
    means_1W = picture_HW.mean(axis=0, dtype=np.float64)[None].astype(np.float32)
    around_1W = cv2.GaussianBlur(means_1W, (0, 0), sigma_px, borderType=cv2.BORDER_REFLECT)
    return _bytes(picture_HW - (means_1W - around_1W))


REPAIRS: Mapping[str, Repair] = {
    "visible.haze": partial(dehazed, omega=0.8, patch_px=7),
    "visible.rain": partial(median, edge_px=3),
    "visible.blur": partial(sharpened, sigma_px=2, amount=1),
    "visible.darkness": partial(toned, mean=0.35),
    "visible.glare": partial(toned, mean=0.3),
    "visible.noise": partial(smoothed, sigma_grey=80, sigma_px=2),
    "infrared.low_resolution": partial(sharpened, sigma_px=2, amount=0.5),
    "infrared.low_contrast": partial(stretched, low=0, high=100),
    "infrared.stripes": partial(destriped, sigma_px=16),
    "infrared.noise": partial(smoothed, sigma_grey=80, sigma_px=3),
}
"""By fault, in the order of `train.degradations.FAULTS`."""


def _guided(guide_HW: NDArray[np.float32], picture_HW: NDArray[np.float32]) -> NDArray[np.float32]:
    """He, Sun and Tang, "Guided image filtering", ECCV 2010, eq. 5, 6 and 8."""

    def mean(values_HW: Any) -> Any:
        return cv2.boxFilter(values_HW, -1, (2 * GUIDED_PX + 1, 2 * GUIDED_PX + 1))

    guide_mean, picture_mean = mean(guide_HW), mean(picture_HW)
    slope = (mean(guide_HW * picture_HW) - guide_mean * picture_mean) / (mean(guide_HW * guide_HW) - guide_mean**2 + GUIDED_EPS)
    return np.asarray(mean(slope) * guide_HW + mean(picture_mean - slope * guide_mean), np.float32)


def _bytes(values: Any) -> Picture:
    return np.asarray(np.asarray(values).clip(0, 255).round(), np.uint8)
