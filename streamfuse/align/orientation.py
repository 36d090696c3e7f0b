"""What both spectra agree on: where edges run. Fields of edge orientation, and how well two of them correlate.

An edge between warm and cold may be bright-dark in one spectrum and dark-bright in the other, so a gradient is taken with its angle
doubled: opposite gradients then look alike. Local contrast is divided out, so that a lamp counts no more than a kerb.
(Doubled angles: G. H. Granlund, "In search of a general picture processing operator", CGIP 1978.)
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[Any]
Field = NDArray[np.complex64]
Map = NDArray[np.float32]

BLUR_PX = 1.0  # sigma of the smoothing before the gradient
NEIGHBOURHOOD_PX = 8.0  # sigma over which contrast is evened out
SLOW_PX = 10.0  # sigma above which a field is background: rows of horizontals everywhere would fit anywhere
FLOOR = 0.3  # share of the picture's mean gradient that counts as noise
ROUNDING = 1e-5  # gradients below this share of the picture's level are errors of 32-bit numbers
BORDER_PX = 2
COARSER = 4  # times fewer pixels along each axis serve for a wide blur


def orientation_field(picture: Picture) -> Field:
    """(H, W) of any depth -> complex (H, W): doubled edge angle as phase, evened-out edge strength (about 0 to 1) as size.

    Zero along the border, and everywhere in a flat picture.
    """
    smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), BLUR_PX)
    dx, dy = cv2.Scharr(smooth, cv2.CV_32F, 1, 0), cv2.Scharr(smooth, cv2.CV_32F, 0, 1)
    size = cv2.magnitude(dx, dy)
    noise = FLOOR * float(size.mean())
    if noise <= ROUNDING * float(np.abs(smooth).max()):
        return np.zeros(picture.shape[:2], np.complex64)
    strength = np.tanh(size / (_widely(size, NEIGHBOURHOOD_PX) + noise))
    unit = (dx + 1j * dy) / np.maximum(size, np.finfo(np.float32).tiny)
    doubled = unit * unit * strength
    pair = np.ascontiguousarray(doubled, np.complex64).view(np.float32).reshape(*doubled.shape, 2)
    pair = pair - _widely(pair, SLOW_PX)
    field: Field = pair.view(np.complex64)[..., 0]
    field[:BORDER_PX] = field[-BORDER_PX:] = 0
    field[:, :BORDER_PX] = field[:, -BORDER_PX:] = 0
    return field


def _widely(values: Map, sigma: float) -> Map:
    """A wide Gaussian, made from few pixels."""
    height, width = values.shape[:2]
    few = cv2.resize(values, (max(1, width // COARSER), max(1, height // COARSER)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(cv2.GaussianBlur(few, (0, 0), sigma / COARSER), (width, height)), np.float32)


def shrunk(picture: Picture, factor: float) -> Picture:
    """The picture smaller by `factor` (<= 1), each pixel the mean of those it covers."""
    if factor >= 1:
        return picture
    height, width = picture.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))  # not by fx: that samples edges short of the last pixel
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


class Spectra:
    """A field and its energy, transformed once per padded size. Several frames of one camera count as one long picture."""

    def __init__(self, fields: list[Field]) -> None:
        self.size: tuple[int, int] = (fields[0].shape[0], fields[0].shape[1])
        self._fields = fields
        self._energies = [(field.real**2 + field.imag**2).astype(np.float32) for field in fields]
        self._known: dict[tuple[int, int], tuple[list[NDArray[Any]], list[NDArray[Any]], NDArray[Any]]] = {}

    def at(self, padded: tuple[int, int]) -> tuple[list[NDArray[Any]], list[NDArray[Any]], NDArray[Any]]:
        """Transforms of the fields, of their energies and of the area, at a padded size."""
        if padded not in self._known:
            self._known[padded] = (
                [np.fft.fft2(field, padded) for field in self._fields],
                [np.fft.rfft2(energy, padded) for energy in self._energies],
                np.fft.rfft2(np.ones(self.size, np.float32), padded),
            )
        return self._known[padded]


@dataclass(frozen=True, slots=True)
class Peak:
    """Where two fields fit best."""

    dx: int
    dy: int
    """Pixel (x, y) of the second field lies at (x + dx, y + dy) of the first."""
    correlation: float
    """Of the overlap, -1 to 1."""
    significance: float
    """Correlation times the root of the overlap, in units of its root mean square over all shifts."""


def best_shift(first: Spectra, second: Spectra, least_overlap: float) -> Peak:
    """The most significant shift among those that leave `least_overlap` of the smaller picture.

    Correlation over the overlap alone (after D. Padfield, "Masked object registration in the Fourier domain", IEEE TIP 2012).
    """
    (h, w), (height, width) = first.size, second.size
    padded = (fast_length(h + height), fast_length(w + width))
    fields, energies, area = first.at(padded)
    others, other_energies, other_area = second.at(padded)
    summed = np.fft.ifft2(sum(a * b.conj() for a, b in zip(fields, others, strict=True))).real
    energy = np.fft.irfft2(sum(energies) * other_area.conj(), padded)
    other_energy = np.fft.irfft2(area * np.conj(sum(other_energies)), padded)
    overlap = np.fft.irfft2(area * other_area.conj(), padded)
    allowed = overlap >= least_overlap * min(h * w, height * width)
    correlation = summed / np.sqrt(np.maximum(energy, 1) * np.maximum(other_energy, 1))
    weighed = np.where(allowed, correlation * np.sqrt(np.maximum(overlap, 0)), 0)
    usual = np.sqrt((weighed**2).sum() / max(1, allowed.sum()))
    y, x = np.unravel_index(int(np.argmax(weighed)), weighed.shape)
    significance = float(weighed[y, x] / usual) if usual > 0 else 0.0
    return Peak(
        dx=int(x) - (padded[1] if x >= w else 0),
        dy=int(y) - (padded[0] if y >= h else 0),
        correlation=float(correlation[y, x]),
        significance=significance,
    )


def fast_length(length: int) -> int:
    """The next length that a Fourier transform is fast at."""
    return int(cv2.getOptimalDFTSize(length))
