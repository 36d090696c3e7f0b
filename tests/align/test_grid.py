"""A rig as sampling positions, against OpenCV and by hand."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamfuse.align.grid import OUTSIDE_PX, infrared_positions, sampling_grid, through
from streamfuse.align.rig import Rig

CAMERA = ((250.0, 0.0, 159.5), (0.0, 250.0, 119.5), (0.0, 0.0, 1.0))
LENS = (-0.25, 0.06, 0.002, -0.001, 0.01)
UNIT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def rig(**changes: Any) -> Rig:
    values: dict[str, Any] = {"homography": UNIT, "infrared_size": (240, 320), "visible_size": (240, 320)}
    return Rig.model_validate({**values, **changes})


def test_identity_finds_each_pixel_in_its_place():
    """Without a lens and with the identity, pixel (x, y) is found at (x, y)."""
    positions = infrared_positions(rig(visible_size=(3, 4)))
    assert positions.shape == (3, 4, 2)
    assert positions[2, 3].tolist() == [3, 2]
    assert positions[0, 0].tolist() == [0, 0]


def test_follows_the_homography_backwards():
    """A visible pixel is looked for where the homography takes it from."""
    homography = np.array([[1.9, 0.05, 12.0], [-0.04, 2.1, -8.0], [1e-4, -5e-5, 1.0]])
    positions = infrared_positions(rig(homography=homography.tolist(), visible_size=(480, 640)))
    for x, y in ((0, 0), (639, 479), (320, 100)):
        forward = homography @ (*positions[y, x].astype(float), 1)
        assert forward[:2] / forward[2] == pytest.approx((x, y), abs=1e-3)


@pytest.mark.parametrize("scale", [-1.0, 1e8, 1e-8])
def test_scale_of_the_homography_means_nothing(scale):
    """Positions do not depend on the scale or the sign in which a homography was written."""
    plain = infrared_positions(rig())
    assert np.allclose(infrared_positions(rig(homography=(scale * np.eye(3)).tolist())), plain, atol=1e-3)


def test_edges_of_the_picture_lie_at_one():
    """In units of the sampler the outer edges of the border pixels are -1 and 1, their centres half a pixel inside."""
    grid = sampling_grid(rig(infrared_size=(2, 4), visible_size=(2, 4)))
    assert grid[0, :, 0].tolist() == [-0.75, -0.25, 0.25, 0.75]
    assert grid[:, 0, 1].tolist() == [-0.5, 0.5]


def test_behind_the_camera_is_outside():
    """A point that the homography puts behind the camera is not mirrored into the picture."""
    points = through(np.array([[1.0, 0, 0], [0, 1, 0], [-0.01, 0, 1]]), np.array([[50.0, 10.0], [100.0, 10.0], [200.0, 10.0]]))
    assert points[0].tolist() == [100, 20]
    assert points[1:].tolist() == [[OUTSIDE_PX, OUTSIDE_PX]] * 2


@settings(deadline=None, max_examples=50)
@given(
    points=st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=1, max_size=5),
    rows=st.tuples(*[st.floats(-0.3, 0.3)] * 4, *[st.floats(-50, 50)] * 2, *[st.floats(-5e-4, 5e-4)] * 2),
)
def test_there_and_back(points, rows):
    """A point through a homography and through its inverse is where it was."""
    a, b, c, d, e, f, g, h = rows
    homography = np.array([[1 + a, b, e], [c, 1 + d, f], [g, h, 1]])
    given_points = np.array(points)
    there = through(homography, given_points)
    seen = there[:, 0] != OUTSIDE_PX
    back = through(np.linalg.inv(homography), there[seen])
    assert np.allclose(back, given_points[seen], atol=1e-4)


def test_infrared_lens_as_opencv_undistorts():
    """A grid with an infrared lens is the map that OpenCV uses to undistort that camera."""
    positions = infrared_positions(rig(infrared_camera=CAMERA, infrared_distortion=LENS))
    camera = np.array(CAMERA)
    want_x, want_y = cv2.initUndistortRectifyMap(camera, np.array(LENS), np.eye(3), camera, (320, 240), cv2.CV_32FC1)
    assert np.abs(positions[..., 0] - want_x).max() < 1e-3
    assert np.abs(positions[..., 1] - want_y).max() < 1e-3


def test_visible_lens_is_kept_in_the_result():
    """The visible picture is not undistorted: a pixel of it is looked for where its undistorted place is."""
    positions = infrared_positions(rig(visible_camera=CAMERA, visible_distortion=LENS))
    ideal = infrared_positions(rig(visible_size=(240, 320)))
    placed = cv2.projectPoints(
        (np.concatenate([positions.reshape(-1, 2), np.ones((240 * 320, 1))], 1) @ np.linalg.inv(np.array(CAMERA)).T),
        np.zeros(3),
        np.zeros(3),
        np.array(CAMERA),
        np.array(LENS),
    )[0].reshape(240, 320, 2)
    assert np.abs(placed - ideal).max() < 0.1


def test_same_lens_on_both_sides_cancels():
    """Two cameras with the same lens and the identity between them see the same pixels."""
    both = rig(infrared_camera=CAMERA, infrared_distortion=LENS, visible_camera=CAMERA, visible_distortion=LENS)
    assert np.abs(infrared_positions(both) - infrared_positions(rig())).max() < 0.1


def test_lens_does_not_fold_back():
    """Beyond the turning point of its model a lens shows nothing again: a wide visible camera is covered in the middle only."""
    wide = np.array([[250.0, 0, 319.5], [0, 250.0, 239.5], [0, 0, 1]])
    homography = wide @ np.linalg.inv(np.array(CAMERA))
    changes = {"homography": homography.tolist(), "visible_size": (480, 640), "infrared_camera": CAMERA}
    grid = sampling_grid(rig(**changes, infrared_distortion=(-0.4, 0.05, 0, 0)))
    covered = (np.abs(grid).max(-1) <= 1).astype(np.uint8)
    assert covered[240, 320] == 1
    assert covered[0, 0] == covered[-1, -1] == 0
    assert cv2.connectedComponents(covered)[0] == 2  # the outside, and one piece
