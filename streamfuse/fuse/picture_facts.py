"""Numbers that tell what ails a picture, for a few tenths of a millisecond: levels, contrast, grain, sharpness, stripes.

Levels are measured everywhere; what needs pixels as they are (grain, sharpness, stripes) in the middle of large pictures only.
Legend: H W pixels.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.frames import Frame, Planes, Spectrum

Luma: TypeAlias = NDArray[np.uint8]

WHITE = 255
FINE = (480, 640)
"""Height and width in pixels of the middle that is looked at closely."""
SMALL = (160, 120)
"""Width and height of the picture that contrast is measured on."""
NEAR = 9
"""Edge, in its pixels, of what counts as near for contrast; the darkest level is looked for within 5."""
CLIPPED = 250
"""Levels from here on are as good as white."""
CELL = 16
"""Edge of the cells that grain is measured in, in pixels."""
CELLS_SHOWN = (8, 245)
"""Levels of cells that show grain; darker and brighter ones cut it off."""
CALMEST = 5
"""Percent: grain is that of the calmest cells, where the scene adds least."""
GRAIN_GAIN = 16
"""Second differences are kept in steps of 1/16 level; the largest, 4 x 255 levels, still fits 16 bits."""
BANDS = 8
"""Stripes run through all of so many bands of rows, what is seen does not."""
SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0])
FULL_RANGE: Luma = np.clip((np.arange(WHITE + 1) - 16) * (WHITE / 219) + 0.5, 0, WHITE).astype(np.uint8)
"""Levels of limited range, 16 to 235, as levels of full range."""
IMMERKAER = math.sqrt(math.pi / 2) / 6
"""Mean second difference -> deviation of the grain (J. Immerkaer, Fast Noise Variance Estimation, 1996)."""
MAD_TO_DEVIATION = 1.4826
SMALLEST_APART = 0.15
"""Levels: bands of a still and flat picture are taken to differ by no less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Of one camera; levels, contrast, grain and stripes as shares of white, from 0 to 1."""

    mean: float
    middle: float
    """Median level."""
    floor: float
    """Level that 0.5 % of the pixels lie below."""
    top: float
    """Level that 0.5 % of the pixels lie above."""
    clipped: float
    """Share of pixels that are as good as white."""
    veil: float
    """Mean of the darkest level near each place: what haze lifts."""
    contrast: float
    """Deviation near a place, where it is largest: 90th percentile. What haze takes."""
    grain: float
    """Deviation of the noise."""
    fine_edges: float
    """Strength of edges at full over half resolution: 1 is sharp, 0.5 smooth."""
    coarse_edges: float
    """The same at half over a quarter of the resolution."""
    edges: float
    """Strength of edges at a quarter of the resolution, in levels of 255; too little tells nothing about sharpness."""
    stripes: float
    """Deviation that columns have in common from top to bottom."""
    stripes_alike: float
    """How far above what differs from band to band that lies."""

    @property
    def spread(self) -> float:
        """Levels in use."""
        return self.top - self.floor

    def towards(self, other: "Facts", share: float) -> "Facts":
        """These, moved by `share` of the way to the others."""
        there = asdict(other)
        return Facts(**{name: value + share * (there[name] - value) for name, value in asdict(self).items()})


def facts(frame: Frame) -> Facts:
    """Of an 8-bit frame of either camera; stripes are looked for in infrared only."""
    luma = _luma(frame)
    step = max(1, min(luma.shape[0] // FINE[0], luma.shape[1] // FINE[1]))
    everywhere, middle = luma[::step, ::step], _middle(luma)
    if frame.range == "limited":
        everywhere, middle = FULL_RANGE[everywhere], FULL_RANGE[middle]
    stripes = _stripes(middle) if frame.spectrum is Spectrum.INFRARED else (0.0, 0.0)
    fine_edges, coarse_edges, edges = _sharpness(middle)
    return Facts(
        **_levels(everywhere),
        grain=_grain(middle),
        fine_edges=fine_edges,
        coarse_edges=coarse_edges,
        edges=edges,
        stripes=stripes[0],
        stripes_alike=stripes[1],
    )


def _luma(frame: Frame) -> Luma:
    if isinstance(frame.image, Planes):
        return frame.image.y
    image = frame.image
    return np.asarray(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def _middle(luma: Luma) -> Luma:
    top, left = (max(0, (have - want) // 2) for have, want in zip(luma.shape, FINE, strict=True))
    return np.ascontiguousarray(luma[top : top + FINE[0], left : left + FINE[1]])


def _levels(luma: Luma) -> dict[str, float]:
    counts = _counts(luma)
    heap = np.cumsum(counts) / counts.sum()
    small = cv2.resize(_halved(luma), SMALL, interpolation=cv2.INTER_AREA)
    mean, mean_of_squares = cv2.boxFilter(small, cv2.CV_32F, (NEAR, NEAR)), cv2.sqrBoxFilter(small, cv2.CV_32F, (NEAR, NEAR))
    spread = np.sqrt(np.maximum(mean_of_squares - mean**2, 0))
    floor, middle, top = (int(np.searchsorted(heap, share)) / WHITE for share in (0.005, 0.5, 0.995))
    return {
        "mean": float(small.mean()) / WHITE,
        "middle": middle,
        "floor": floor,
        "top": top,
        "clipped": float(counts[CLIPPED:].sum() / counts.sum()),
        "veil": float(cv2.erode(small, np.ones((5, 5), np.uint8)).mean()) / WHITE,
        "contrast": _percentile(spread[::2, ::2], 90) / WHITE,
    }


def _grain(luma: Luma) -> float:
    """Immerkaer's measure cell by cell: it does not see stripes, nor what is straight along a row or a column."""
    bent = cv2.sepFilter2D(luma, cv2.CV_16S, GRAIN_GAIN * SECOND_DIFFERENCE, SECOND_DIFFERENCE)
    cells = (max(1, luma.shape[1] // CELL), max(1, luma.shape[0] // CELL))
    bent_in_cells = cv2.resize(np.abs(bent), cells, interpolation=cv2.INTER_AREA)
    levels = cv2.resize(_halved(luma), cells, interpolation=cv2.INTER_AREA)
    shown = bent_in_cells[(levels > CELLS_SHOWN[0]) & (levels < CELLS_SHOWN[1])]
    return _percentile(shown, CALMEST) * IMMERKAER / GRAIN_GAIN / WHITE if shown.size else 0.0


def _sharpness(luma: Luma) -> tuple[float, float, float]:
    """Full over half, half over quarter, and the strength at a quarter. Root mean squares, which the strongest edges decide."""
    half = _halved(luma)
    fine, coarse, coarser = (_edges(picture) for picture in (luma, half, _halved(half)))
    return fine / max(coarse, 1.0), coarse / max(coarser, 1.0), coarser


def _halved(luma: Luma) -> Luma:
    size = (max(1, luma.shape[1] // 2), max(1, luma.shape[0] // 2))
    return np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8)


def _edges(luma: Luma) -> float:
    """Root mean square of the steps from pixel to pixel, along rows and columns."""
    across, down = cv2.norm(luma[:, 1:], luma[:, :-1], cv2.NORM_L2), cv2.norm(luma[1:], luma[:-1], cv2.NORM_L2)
    return math.hypot(across, down) / math.sqrt(2 * luma.size)


def _stripes(luma: Luma) -> tuple[float, float]:
    """What columns have in common over bands of rows, once neighbours are taken off; and that over what differs between bands."""
    bands = [cv2.reduce(band, 0, cv2.REDUCE_AVG, dtype=cv2.CV_32F) for band in np.array_split(luma, BANDS) if band.size]
    columns = np.concatenate(bands)
    rough = columns - cv2.blur(columns, (3, 1))
    common = np.median(rough, axis=0)
    size, apart = float(np.median(np.abs(common))), float(np.median(np.abs(rough - common)))
    return size * MAD_TO_DEVIATION / WHITE, size / (apart + SMALLEST_APART)


def _counts(picture: Luma) -> NDArray[np.float32]:
    """How many pixels have each of the 256 levels."""
    return np.asarray(cv2.calcHist([picture], [0], None, [WHITE + 1], [0, WHITE + 1]), np.float32).ravel()


def _percentile(values: NDArray[Any], percent: int) -> float:
    """The value that so many percent lie below; a sort of everything costs more than all the rest."""
    flat = values.ravel()
    place = min(flat.size - 1, flat.size * percent // 100)
    return float(np.partition(flat, place)[place])
