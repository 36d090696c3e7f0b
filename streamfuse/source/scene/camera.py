"""Metres to pixels. The infrared camera is the visible one seen through a homography, so that this holds at every depth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamfuse.source.scene.street import CAMERA_M, CAMERA_PITCH_DEG, CAMERA_YAW_DEG

FOCAL = 1.12  # focal length over the root of the picture's area: 53 degrees across at 4:3
NEAREST_M = 0.5  # what reaches nearer than this is not seen


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera on a mast. Pixel centres are whole numbers; depth is in metres along the visible camera's axis."""

    projection_34: NDArray[np.float64]
    """World metres -> pixels of this camera."""
    depth_4: NDArray[np.float64]
    """World metres -> depth."""
    to_ray_33: NDArray[np.float64]
    """Visible pixel -> direction in the world whose depth is 1."""
    to_visible_33: NDArray[np.float64]
    size: tuple[int, int]
    """Width and height."""

    @classmethod
    def placed(cls, visible_size: tuple[int, int], size: tuple[int, int], to_visible_33: NDArray[np.float64]) -> "Camera":
        """The camera of the street, with frames of `size` whose pixels map to visible pixels by `to_visible_33`."""
        width, height = visible_size
        focal = FOCAL * (width * height) ** 0.5
        intrinsic = np.array([[focal, 0.0, (width - 1) / 2], [0.0, focal, (height - 1) / 2], [0.0, 0.0, 1.0]])
        view = intrinsic @ _rotation()
        projection = np.hstack([view, -view @ np.array(CAMERA_M)[:, None]])
        to_own = np.asarray(np.linalg.inv(to_visible_33), np.float64)
        return cls(to_own @ projection, projection[2], np.asarray(np.linalg.inv(view), np.float64), to_visible_33, size)

    def project(self, points_N3: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 3) metres -> (N, 2) pixels; points must lie in front of the camera."""
        homogeneous = points_N3 @ self.projection_34[:, :3].T + self.projection_34[:, 3]
        pixels: NDArray[np.float64] = homogeneous[:, :2] / homogeneous[:, 2:]
        return pixels

    def depth(self, points_N3: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, 3) metres -> (N,) depth."""
        depth: NDArray[np.float64] = points_N3 @ self.depth_4[:3] + self.depth_4[3]
        return depth

    def in_front(self, points_N3: NDArray[np.float64]) -> bool:
        """Whether all points can be projected."""
        return bool(self.depth(points_N3).min() > NEAREST_M)

    def rays(self, samples: int) -> NDArray[np.float32]:
        """Directions of depth 1 through `samples` x `samples` points of each pixel: (H * samples, W * samples, 3)."""
        width, height = self.size
        columns = (np.arange(width * samples) + 0.5) / samples - 0.5
        rows = (np.arange(height * samples) + 0.5) / samples - 0.5
        matrix = self.to_visible_33
        x, y, w = (row[0] * columns + (row[1] * rows[:, None] + row[2]) for row in matrix)
        x, y = (x / w).astype(np.float32), (y / w).astype(np.float32)
        rays = np.empty((*x.shape, 3), np.float32)
        for axis, (a, b, c) in enumerate(self.to_ray_33.astype(np.float32)):
            rays[..., axis] = a * x + (b * y + c)
        return rays


def _rotation() -> NDArray[np.float64]:
    """World axes -> camera axes (right, down, forward)."""
    yaw, pitch = np.radians(CAMERA_YAW_DEG), np.radians(CAMERA_PITCH_DEG)
    right = np.array([np.cos(yaw), -np.sin(yaw), 0.0])
    forward = np.array([np.sin(yaw) * np.cos(pitch), np.cos(yaw) * np.cos(pitch), -np.sin(pitch)])
    return np.stack([right, np.cross(forward, right), forward])
