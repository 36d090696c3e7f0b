"""The camera of the drawn scene."""

import numpy as np
import pytest

from streamfuse.source.scene.camera import Camera

HOMOGRAPHY = np.array([[1.1, 0.02, -20.0], [-0.01, 1.05, 14.0], [1e-5, -2e-5, 1.0]])
PLACES = np.array([[0.0, 12.0, 0.0], [-4.0, 30.0, 1.7], [5.0, 60.0, 3.0]])


@pytest.fixture
def visible():
    return Camera.placed((640, 480), (640, 480), np.eye(3))


@pytest.fixture
def infrared():
    return Camera.placed((640, 480), (320, 256), HOMOGRAPHY)


def test_homography_holds_at_every_depth(visible, infrared):
    """Where infrared sees a place, the homography takes it to where the visible camera sees it, near and far."""
    seen = np.column_stack([infrared.project(PLACES), np.ones(len(PLACES))]) @ HOMOGRAPHY.T
    assert np.allclose(seen[:, :2] / seen[:, 2:], visible.project(PLACES))


@pytest.mark.parametrize("name", ["visible", "infrared"])
def test_rays_meet_what_is_projected(name, request):
    """A ray through the pixel of a place, as long as its depth, ends there."""
    camera = request.getfixturevalue(name)
    rays = camera.rays(1)
    assert rays.shape == (camera.size[1], camera.size[0], 3)
    places = np.array([-5.2, -3.0, 6.4]) + rays[[0, 100, 255], [0, 200, 319]].astype(np.float64) * 20.0
    assert np.allclose(camera.project(places), [[0, 0], [200, 100], [319, 255]], atol=1e-2)
    assert np.allclose(camera.depth(places), 20.0, atol=1e-4)


def test_finer_rays_lie_around_the_pixel(visible):
    """The mean of a pixel's four rays is the ray through its centre."""
    fine = visible.rays(2).reshape(480, 2, 640, 2, 3).mean(axis=(1, 3))
    assert np.allclose(fine, visible.rays(1), atol=1e-5)


def test_what_is_behind_cannot_be_projected(visible):
    """A figure that reaches behind the camera is not in front of it."""
    assert visible.in_front(PLACES)
    assert not visible.in_front(np.vstack([PLACES, [[0.0, -10.0, 0.0]]]))
