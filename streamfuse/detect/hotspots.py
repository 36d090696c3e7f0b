"""Warm blobs of the infrared picture, found by a robust threshold. White must be hot; needs no weights.

The picture is averaged on the device to at most `WORK_PX` along its longer edge and comes to the host as bytes; boxes are exact to
one cell of that grid. Cells that infrared does not cover in full are zero there.
"""

from typing import Any, Self

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch.nn.functional import avg_pool2d

from streamfuse.frames import Fused
from streamfuse.registry import Settings
from streamfuse.results import Detections

NAMES = ("hotspot",)
WORK_PX = 320
LEVELS = np.arange(256)
MAD_TO_SIGMA = 1.4826  # of a normal distribution: 1 / (quantile of 3/4), Rousseeuw and Croux 1993
LARGEST_SHARE = 1 / 8  # of the picture, where `max_area_px` is not set: beyond that it is a wall, not an object
SMALLEST_VIEW = 0.1  # of the picture: as little as this may be covered by the infrared camera
CLOSING_CELLS = np.ones((5, 3), np.uint8)  # taller than wide: a standing person falls apart at the belt and the neck


class HotSpotsSettings(Settings):
    """What counts as a hot spot."""

    sigmas: float = Field(5.0, gt=0, le=50)
    """Least contrast to the background, in robust standard deviations of the picture."""
    min_contrast: float = Field(0.15, gt=0, lt=1)
    """Least contrast in any case, as a share of the full range: keeps noise out of flat pictures."""
    min_area_px: int = Field(64, ge=1)
    """Smaller blobs are dropped; pixels of the fused frame."""
    max_area_px: int | None = Field(None, ge=1)
    """Larger blobs are dropped; by default an eighth of the picture."""
    max_detections: int = Field(50, ge=1, le=1000)
    """Of more blobs, the largest are kept."""

    @model_validator(mode="after")
    def _areas_in_order(self) -> Self:
        if self.max_area_px is not None and self.max_area_px < self.min_area_px:
            raise ValueError(f"max_area_px must be at least min_area_px, {self.min_area_px}")
        return self


class HotSpots:
    """Blobs warmer than the scene; score = c / (c + t) of contrast c and threshold t: 1/2 at the threshold, towards 1 far above it."""

    name = "hotspots"

    def __init__(self, settings: HotSpotsSettings) -> None:
        self.settings = settings

    def to(self, device: torch.device) -> None:
        """Nothing to load."""

    def detect(self, fused: Fused) -> list[Detections]:
        """Boxes per item, in the part that infrared covers; none where the batch has no infrared picture."""
        infrared_B1hw, covered_B1HW = fused.batch.infrared_B1hw, fused.batch.covered_B1HW
        if infrared_B1hw is None:
            return [Detections.none(NAMES) for _ in fused.batch.pairs]
        height, width = infrared_B1hw.shape[2:]
        cell_px = max(1, -(-max(height, width) // WORK_PX))
        if covered_B1HW is not None:  # one pixel that infrared did not see takes its whole cell out
            infrared_B1hw = torch.where(covered_B1HW, infrared_B1hw, -torch.inf)
        cells = avg_pool2d(infrared_B1hw, cell_px, ceil_mode=True)  # the last cell of an odd size averages what there is
        levels = cells.mul(255).round_().clamp_(min=0).byte().cpu().numpy()
        return [self._of_picture(picture, cell_px, (height, width)) for picture in levels[:, 0]]

    def _of_picture(self, levels: NDArray[np.uint8], cell_px: int, size: tuple[int, int]) -> Detections:
        """Boxes of one picture of cells."""
        background, sigma = background_of(levels)
        contrast = max(self.settings.sigmas * sigma, self.settings.min_contrast * 255)
        _, hot = cv2.threshold(levels, background + contrast, 1, cv2.THRESH_BINARY)
        hot = cv2.morphologyEx(hot, cv2.MORPH_CLOSE, CLOSING_CELLS)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(hot, connectivity=8, ltype=cv2.CV_16U)
        kept = self._kept(stats[:, cv2.CC_STAT_AREA] * cell_px**2, size[0] * size[1])
        if not len(kept):
            return Detections.none(NAMES)
        left, top, wide, high = stats[kept, : cv2.CC_STAT_AREA].T
        boxes = np.stack([left, top, left + wide, top + high], axis=1).astype(np.float32) * cell_px
        above = np.array([_mean_level(levels, labels, stats[i], i) for i in kept]) - background
        return Detections(
            boxes_N4=np.minimum(boxes, np.array([size[1], size[0]] * 2, np.float32)),
            scores_N=np.clip(above / (above + contrast), 0, 1).astype(np.float32),
            classes_N=np.zeros(len(kept), np.int32),
            tracks_N=np.full(len(kept), -1, np.int32),
            names=NAMES,
        )

    def _kept(self, areas_px: NDArray[np.int32], picture_px: int) -> NDArray[np.intp]:
        """Labels of the blobs whose area is allowed, largest first; label 0 is the background."""
        largest = self.settings.max_area_px or picture_px * LARGEST_SHARE
        allowed = np.flatnonzero((areas_px >= self.settings.min_area_px) & (areas_px <= largest))
        allowed = allowed[allowed > 0]
        by_area = np.argsort(-areas_px[allowed], kind="stable")
        return allowed[by_area[: self.settings.max_detections]]


def background_of(levels: NDArray[np.uint8]) -> tuple[int, float]:
    """Median and robust standard deviation of a picture, from its histogram.

    Zeros are left out unless nearly all is zero: what infrared does not cover is zero here, and a narrow view would be one hot spot
    on a black background.
    """
    histogram = cv2.calcHist([levels], [0], None, [256], [0, 256]).ravel()
    if histogram[0] <= (1 - SMALLEST_VIEW) * levels.size:
        histogram[0] = 0
    median = _median(histogram)
    deviations = np.bincount(np.abs(LEVELS - median), weights=histogram, minlength=256)
    return median, MAD_TO_SIGMA * _median(deviations)


def _median(histogram: NDArray[Any]) -> int:
    """The level that half of the counted pixels reach."""
    counted = np.cumsum(histogram)
    return int(np.searchsorted(counted, counted[-1] / 2))


def _mean_level(levels: NDArray[np.uint8], labels: NDArray[np.uint16], stat: NDArray[np.int32], label: int) -> float:
    """Mean over the cells of one blob."""
    left, top, wide, high = stat[: cv2.CC_STAT_AREA]
    inside = (slice(top, top + high), slice(left, left + wide))
    return float(levels[inside][labels[inside] == label].mean())
