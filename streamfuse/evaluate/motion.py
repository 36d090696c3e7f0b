"""Optical flow by a stated name, warping, and where flow can be trusted. Legend: H W pixels; a flow (H, W, 2) is x, y in pixels."""

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.errors import ConfigError
from streamfuse.registry import suggestion

Grey = NDArray[np.uint8]
Field = NDArray[np.float32]
Flow = Callable[[Grey, Grey], Field]
"""From the pixels of one picture to where they are in the other."""

CONSISTENT_PX = 1.0
"""Forward and backward flow may differ by less than this; VF-Bench, occ_threshold."""


def dis_medium() -> Flow:
    """Dense inverse search (Kroeger et al., ECCV 2016) at OpenCV's medium preset."""
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]  # missing in OpenCV's stubs
    return lambda here, there: np.asarray(search.calc(here, there, None), np.float32)


FLOWS: Mapping[str, Callable[[], Flow]] = {"dis-medium": dis_medium}
"""Numbers made with different flows do not compare: reports name theirs."""


def flow(name: str) -> Flow:
    """The flow of that name; `ConfigError` with the nearest one."""
    if name not in FLOWS:
        raise ConfigError(f"no flow called {name!r}{suggestion(name, FLOWS)} (known: {', '.join(FLOWS)})")
    return FLOWS[name]()


def warped(picture: NDArray[Any], field_HW2: Field) -> NDArray[np.float32]:
    """What `picture` has at the places that `field` points to, bilinear. Places outside repeat the border: see `inside`."""
    rows, columns = _grid(field_HW2)
    at_x, at_y = columns + field_HW2[..., 0], rows + field_HW2[..., 1]
    return np.asarray(cv2.remap(picture.astype(np.float32), at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def inside(field_HW2: Field) -> NDArray[np.bool_]:
    """Where the place that the flow points to lies in the picture."""
    rows, columns = _grid(field_HW2)
    x, y = columns + field_HW2[..., 0], rows + field_HW2[..., 1]
    return np.asarray((x >= 0) & (x <= field_HW2.shape[1] - 1) & (y >= 0) & (y <= field_HW2.shape[0] - 1), bool)


def consistent(there: Field, back: Field) -> NDArray[np.bool_]:
    """Where going there and back ends less than a pixel from the start."""
    return np.asarray(np.linalg.norm(there + warped(back, there), axis=2) < CONSISTENT_PX, bool) & inside(there)


def unoccluded(there: Field, back: Field) -> NDArray[np.bool_]:
    """Where there is neither an occlusion nor a border of motion.

    |w + w'|^2 <= 0.01 (|w|^2 + |w'|^2) + 0.5 and |grad u|^2 + |grad v|^2 <= 0.01 |w|^2 + 0.002: Ruder, Dosovitskiy and Brox, "Artistic
    style transfer for videos", GCPR 2016, eq. 5 and 6, which Lai et al. take over.
    """
    returned = warped(back, there)
    size = np.square(there).sum(2)
    occluded = np.square(there + returned).sum(2) > 0.01 * (size + np.square(returned).sum(2)) + 0.5
    slopes = sum(np.square(slope) for axis in range(2) for slope in np.gradient(there[..., axis]))
    return np.asarray(~occluded & ~(slopes > 0.01 * size + 0.002) & inside(there), bool)


def _grid(field_HW2: Field) -> tuple[Field, Field]:
    places_2HW = np.indices(field_HW2.shape[:2])
    return np.asarray(places_2HW[0], np.float32), np.asarray(places_2HW[1], np.float32)
