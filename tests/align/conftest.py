"""A drawn place seen in two spectra: the same shapes, each with a brightness of its own in each of them."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

Picture = NDArray[Any]
SIDE = 1100


def place(seed: int = 3) -> tuple[Picture, Picture]:
    """(SIDE, SIDE) infrared and visible, one pixel grid."""
    draws = np.random.default_rng(seed)
    both = [np.full((SIDE, SIDE), 90, np.uint8), np.full((SIDE, SIDE), 140, np.uint8)]
    for _ in range(260):
        centre, half = draws.uniform(0, SIDE, 2), draws.uniform(8, 60, 2)
        corners = cv2.boxPoints(((float(centre[0]), float(centre[1])), (float(half[0]), float(half[1])), float(draws.uniform(0, 90))))
        for picture in both:
            cv2.fillConvexPoly(picture, np.rint(corners).astype(np.int32), int(draws.integers(0, 255)), cv2.LINE_AA)
    for number, sigma in enumerate((1.6, 0.8)):  # infrared is softer
        noisy = cv2.GaussianBlur(both[number], (0, 0), sigma).astype(np.float32) + draws.normal(0, 2.5, (SIDE, SIDE))
        both[number] = np.clip(noisy, 0, 255).astype(np.uint8)
    return both[0], both[1]


def seen(picture: Picture, to_camera: NDArray[np.float64], size: tuple[int, int]) -> Picture:
    """What a camera of (height, width) sees of a place; `to_camera` maps the place's pixels to its own."""
    return np.asarray(cv2.warpPerspective(picture, to_camera, size[::-1], flags=cv2.INTER_AREA))


def camera(scale: float, x: float, y: float, roll_deg: float = 0.0, stretch: float = 1.0) -> NDArray[np.float64]:
    """Place pixels -> camera pixels."""
    turn = np.eye(3)
    turn[:2] = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), roll_deg, 1)
    return np.array([[scale * stretch, 0, x], [0, scale, y], [0, 0, 1]]) @ turn


@pytest.fixture(scope="session")
def two_cameras() -> Callable[..., tuple[Picture, Picture, NDArray[np.float64]]]:
    """`two_cameras(roll_deg=, stretch=, visible_scale=, seed=)` -> infrared (256, 320), visible (400, 520), the true homography."""
    places: dict[int, tuple[Picture, Picture]] = {}

    def make(
        roll_deg: float = 0.0, stretch: float = 1.0, visible_scale: float = 0.7, seed: int = 3
    ) -> tuple[Picture, Picture, NDArray[np.float64]]:
        infrared, visible = places.setdefault(seed, place(seed))
        one, other = camera(0.4, -60, -70), camera(visible_scale, -150, -170, roll_deg, stretch)
        return seen(infrared, one, (256, 320)), seen(visible, other, (400, 520)), other @ np.linalg.inv(one)

    return make


def error_px(found: NDArray[np.float64], truth: NDArray[np.float64], infrared: Picture, visible: Picture) -> float:
    """Mean distance over what both see, in visible pixels."""
    ys, xs = np.mgrid[0 : infrared.shape[0] : 8, 0 : infrared.shape[1] : 8].astype(np.float64)
    points = np.stack([xs.ravel(), ys.ravel()], -1)[None]
    there, here = cv2.perspectiveTransform(points, truth)[0], cv2.perspectiveTransform(points, found)[0]
    shared = (there >= 0).all(1) & (there[:, 0] < visible.shape[1]) & (there[:, 1] < visible.shape[0])
    return float(np.linalg.norm(there - here, axis=1)[shared].mean())


@pytest.fixture(scope="session")
def error() -> Callable[..., float]:
    """`error(found, truth, infrared, visible)`: mean distance over what both see, in visible pixels."""
    return error_px
