"""What of a picture both spectra share: where there are edges, and how that changes. Light and heat themselves are not compared.

A person is bright in infrared and dark in the visible picture, headlights run ahead of a car in one of them only, exposure and gain
change one picture as a whole. Edges relative to the brightness around them, and saturating, are alike in both.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.frames import Frame, Planes

WIDTH, HEIGHT = 160, 120  # of the small picture
BLOCK = 5  # small pixels: blocks of 20x20 pixels of a 640x480 picture, about a person far away
COLUMNS, ROWS = WIDTH // BLOCK, HEIGHT // BLOCK
SURROUNDINGS = 15  # small pixels: the brightness that an edge is measured against
DARK = 16.0  # grey levels added to it, so that noise in the dark does not become edges
HALF = 0.0625  # an edge of this share of the surroundings per small pixel counts half


def block_edges(frame: Frame, to_visible_33: NDArray[np.float64] | None = None) -> NDArray[np.float32]:
    """(ROWS * COLUMNS,) edges of each block, 0 none to 1. `to_visible_33`: own pixels -> view of the visible camera, both from 0 to 1."""
    small = _small(frame, to_visible_33)
    across = cv2.Sobel(small, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(small, cv2.CV_32F, 0, 1, scale=1 / 8)
    relative = cv2.magnitude(across, down) / (cv2.blur(small, (SURROUNDINGS, SURROUNDINGS)) + DARK)
    edges = relative / (relative + HALF)
    blocks: NDArray[np.float32] = edges.reshape(ROWS, BLOCK, COLUMNS, BLOCK).mean((1, 3)).ravel()
    return blocks


def across_pictures(matrix_33: NDArray[np.float64], infrared_size: tuple[int, int], visible_size: tuple[int, int]) -> NDArray[np.float64]:
    """A homography from infrared to visible pixels as one between pictures that reach from 0 to 1. Sizes are (height, width)."""
    infrared_33, visible_33 = (np.diag([float(width), float(height), 1.0]) for height, width in (infrared_size, visible_size))
    across_33: NDArray[np.float64] = np.linalg.inv(visible_33) @ matrix_33 @ infrared_33
    return across_33


def _small(frame: Frame, to_visible_33: NDArray[np.float64] | None) -> NDArray[np.float32]:
    plane = _plane(frame)
    small: NDArray[Any] = cv2.resize(plane, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    if small.dtype == np.uint16:
        small = cv2.normalize(small.astype(np.float32), None, 0, 255, cv2.NORM_MINMAX)
    if to_visible_33 is not None:
        size = np.diag([WIDTH, HEIGHT, 1.0])
        matrix = size @ to_visible_33 @ np.linalg.inv(size)
        small = cv2.warpPerspective(small, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    picture: NDArray[np.float32] = small.astype(np.float32, copy=False)
    return picture


def _plane(frame: Frame) -> NDArray[Any]:
    """Luma. Green stands in for it in RGB: it is most of it, and costs nothing."""
    if isinstance(frame.image, Planes):
        return frame.image.y
    return frame.image if frame.image.ndim == 2 else frame.image[..., 1]
