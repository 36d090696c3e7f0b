"""A rig as sampling positions: for each visible pixel, where in the infrared picture its light is found."""

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.align.rig import Rig

Points = NDArray[np.float64]

OUTSIDE_PX = -1e6  # far outside of every picture
STEEPEST = 10.0  # tangent of the angle to the axis up to which a lens model is followed: 84 degrees


def infrared_positions(rig: Rig) -> NDArray[np.float32]:
    """(H, W, 2) x, y in infrared pixels for each pixel of the visible picture; may lie outside it."""
    height, width = rig.visible_size
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64))
    points_N2: Points = np.stack([xs.ravel(), ys.ravel()], 1).astype(np.float64)
    if rig.visible_distortion and rig.visible_camera is not None:
        camera = np.array(rig.visible_camera)
        points_N2 = np.asarray(
            cv2.undistortPoints(points_N2[:, None], camera, np.array(rig.visible_distortion), P=camera)[:, 0], np.float64
        )
    points_N2 = through(np.asarray(np.linalg.inv(rig.matrix), np.float64), points_N2)
    if rig.infrared_distortion and rig.infrared_camera is not None:
        points_N2 = _distorted(points_N2, np.array(rig.infrared_camera), np.array(rig.infrared_distortion))
    return points_N2.reshape(height, width, 2).astype(np.float32)


def sampling_grid(rig: Rig) -> NDArray[np.float32]:
    """The same as (H, W, 2) for `torch.nn.functional.grid_sample` with `align_corners=False`: pixel edges at -1 and 1."""
    positions = infrared_positions(rig)
    height, width = rig.infrared_size
    grid: NDArray[np.float32] = ((2 * positions + 1) / np.array([width, height]) - 1).astype(np.float32)
    return grid


def through(homography: NDArray[np.float64], points_N2: Points) -> Points:
    """Points (N, 2) through a 3x3 homography. What lies behind the camera (w <= 0) is `OUTSIDE_PX`."""
    mapped = np.concatenate([points_N2, np.ones((len(points_N2), 1))], 1) @ homography.T
    w = mapped[:, 2:]
    return np.where(w > np.finfo(np.float32).eps, mapped[:, :2] / np.where(w == 0, 1, w), OUTSIDE_PX)


def _distorted(points_N2: Points, camera: NDArray[np.float64], distortion: NDArray[np.float64]) -> Points:
    """Undistorted pixels -> where the lens put them; what lies beyond its model is `OUTSIDE_PX`."""
    rays = np.concatenate([points_N2, np.ones((len(points_N2), 1))], 1) @ np.linalg.inv(camera).T
    zero = np.zeros(3)
    placed = np.asarray(cv2.projectPoints(rays, zero, zero, camera, distortion)[0][:, 0], np.float64)
    inside = np.hypot(rays[:, 0], rays[:, 1]) < _turning_point(distortion)
    return np.where(inside[:, None], placed, OUTSIDE_PX)


def _turning_point(distortion: NDArray[np.float64]) -> float:
    """Distance from the axis (as a tangent) at which a lens model turns back, and would show again what it showed further in."""
    radial = np.zeros(8)
    radial[: min(8, len(distortion))] = distortion[:8]
    radial[2:4] = 0  # p1 p2 are tangential
    away = np.linspace(0, STEEPEST, 2000)
    zero = np.zeros(3)
    placed = cv2.projectPoints(np.stack([away, 0 * away, 1 + 0 * away], 1), zero, zero, np.eye(3), radial)[0][:, 0, 0]
    turned = np.flatnonzero(np.diff(placed) <= 0)
    return float(away[turned[0]]) if len(turned) else np.inf
