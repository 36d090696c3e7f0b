"""Persons, bikes and cars by a small network of our own, whose weights come with the package: for fused, visible and infrared pictures.

Legend: B batch, C classes, K candidates, N boxes, h w cells of the network.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch.nn.functional import interpolate, max_pool2d

from streamfuse.detect.small_file import load_small, shipped
from streamfuse.detect.small_network import STRIDE_PX, Found, SmallNetwork, folded
from streamfuse.frames import Fused
from streamfuse.registry import Settings
from streamfuse.results import Detections

NAMES = ("person", "bike", "car")
CANDIDATES = 200
"""Strongest peaks of a picture, of all classes, from which boxes are made."""
PEAK_CELLS = 3
"""A centre is the strongest cell of a window of this edge."""


class SmallSettings(Settings):
    """Which of its boxes count."""

    weights: Path | None = None
    """A file by `streamfuse train configs/train/detector.yaml`; by default the one that comes with the package."""
    confidence: float = Field(0.25, ge=0, lt=1)
    """Boxes with a score up to this are dropped."""
    iou: float = Field(0.5, ge=0, le=1)
    """Of two boxes of one class that overlap more than this (intersection over union), the weaker is dropped."""
    size_px: int = Field(640, ge=64, le=4096)
    """Pictures with a longer edge than this are scaled down to it."""
    max_detections: int = Field(100, ge=1, le=1000)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Of the network; auto takes bf16 where the processor or the GPU has units for it."""


class Small:
    """Looks at luma alone, so that either camera and any mixture of both looks alike. One thread."""

    name = "small"

    def __init__(self, settings: SmallSettings) -> None:
        self.settings = settings
        self._network: SmallNetwork | None = None
        self._dtype = torch.float32

    def to(self, device: torch.device) -> None:
        """Load the weights; `WeightsError` where the file is not for this network."""
        network = folded(load_small(self.settings.weights or shipped()).eval())
        self._network = network.to(device).to(memory_format=torch.channels_last)
        self._dtype = torch.bfloat16 if _in_bf16(self.settings.precision, device) else torch.float32

    @torch.inference_mode()
    def detect(self, fused: Fused) -> list[Detections]:
        """Boxes per item, strongest first."""
        assert self._network is not None, "call to(device) first"
        luma_B1HW = fused.luma_B1HW
        height, width = luma_B1HW.shape[2:]
        gain = min(1.0, self.settings.size_px / max(height, width))
        size = (max(1, round(height * gain)), max(1, round(width * gain)))
        if size != (height, width):
            luma_B1HW = interpolate(luma_B1HW, size, mode="bilinear", antialias=True)
        s = self.settings
        with torch.autocast(luma_B1HW.device.type, self._dtype, enabled=self._dtype != torch.float32):
            said = self._network(luma_B1HW)
        found = boxes_of(said, s.confidence, s.iou, s.max_detections)
        return [_scaled(one, (width / size[1], height / size[0]), (height, width)) for one in found]


def boxes_of(found: Found, confidence: float, iou: float = 0.5, most: int = 100) -> list[Detections]:
    """Per item the boxes in pixels of the network's picture, strongest first; they may reach beyond its edge."""
    heat_BChw = found.heat_BChw.float().sigmoid()
    peaks_BChw = heat_BChw * (max_pool2d(heat_BChw, PEAK_CELLS, 1, PEAK_CELLS // 2) == heat_BChw)
    width = heat_BChw.shape[3]
    cells = heat_BChw.shape[2] * width
    scores_BK, at_BK = peaks_BChw.flatten(1).topk(min(CANDIDATES, peaks_BChw[0].numel()))
    where_BK = at_BK % cells
    edges_B4K = found.edges_B4hw.float().flatten(2).gather(2, where_BK[:, None].expand(-1, 4, -1))
    x_BK, y_BK = ((where_BK % width) + 0.5) * STRIDE_PX, ((where_BK // width) + 0.5) * STRIDE_PX
    left, top, right, low = edges_B4K.unbind(1)
    rows_BK6 = torch.stack([x_BK - left, y_BK - top, x_BK + right, y_BK + low, scores_BK, (at_BK // cells).float()], 2)
    return [_chosen(rows_K6, confidence, iou, most) for rows_K6 in rows_BK6.cpu().numpy()]


def _in_bf16(precision: str, device: torch.device) -> bool:
    if precision == "auto":
        return torch.cuda.is_bf16_supported() if device.type == "cuda" else torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001  no public way
    return precision == "bf16"


def _chosen(rows_K6: NDArray[np.float32], confidence: float, iou: float, most: int) -> Detections:
    rows_K6 = rows_K6[rows_K6[:, 4] > confidence]
    kept = list(_suppressed(rows_K6, iou))[:most]
    return Detections(
        boxes_N4=rows_K6[kept, :4],
        scores_N=rows_K6[kept, 4],
        classes_N=rows_K6[kept, 5].astype(np.int32),
        tracks_N=np.full(len(kept), -1, np.int32),
        names=NAMES,
    )


def _suppressed(rows_K6: NDArray[np.float32], iou: float) -> Iterator[int]:
    """Which rows stay, strongest first: none that overlaps a stronger one of its class too much."""
    corners_K4 = rows_K6[:, :4]
    areas_K = (corners_K4[:, 2:] - corners_K4[:, :2]).prod(1)
    free_K = np.ones(len(rows_K6), bool)
    for index in range(len(rows_K6)):  # sorted already
        if not free_K[index]:
            continue
        yield index
        shared_K2 = np.minimum(corners_K4[index, 2:], corners_K4[:, 2:]) - np.maximum(corners_K4[index, :2], corners_K4[:, :2])
        shared_K = shared_K2.clip(0).prod(1)
        overlap_K = shared_K / (areas_K + areas_K[index] - shared_K)
        free_K &= (overlap_K <= iou) | (rows_K6[:, 5] != rows_K6[index, 5])


def _scaled(found: Detections, scale: tuple[float, float], size: tuple[int, int]) -> Detections:
    """In pixels of the fused picture, cut at its edges; what lies beyond them is dropped."""
    boxes_N4 = found.boxes_N4 * np.array(scale * 2, np.float32)
    boxes_N4 = boxes_N4.clip(0, np.array([size[1], size[0]] * 2, np.float32)).astype(np.float32)
    kept = (boxes_N4[:, 2] > boxes_N4[:, 0]) & (boxes_N4[:, 3] > boxes_N4[:, 1])
    return Detections(
        boxes_N4=boxes_N4[kept],
        scores_N=found.scores_N[kept],
        classes_N=found.classes_N[kept],
        tracks_N=found.tracks_N[kept],
        names=found.names,
    )
