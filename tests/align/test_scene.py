"""Registration from the scene, on drawn places and on the recordings there are."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from streamfuse.align.scene import register
from streamfuse.errors import RigError


def grey(path: Path) -> np.ndarray:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))


@pytest.mark.parametrize("case", [{}, {"roll_deg": 5.0}, {"stretch": 1.15}, {"visible_scale": 0.5, "seed": 7}])
def test_finds_how_the_cameras_stand(two_cameras, error, case):
    """Another scale, place, roll and shape of pixels: within a pixel, sure of it, and an affine by its last row."""
    infrared, visible, truth = two_cameras(**case)
    found = register([infrared], [visible])
    assert error(found.homography, truth, infrared, visible) < 1
    assert found.sure
    assert found.residual_px < 2
    assert found.homography[2].tolist() == [0, 0, 1]


def test_one_grid_is_found_to_be_one(two_cameras):
    """Two pictures of one grid give the identity itself."""
    infrared, _, _ = two_cameras()
    negative = 255 - infrared
    found = register([infrared], [negative])
    assert np.array_equal(found.homography, np.eye(3))
    assert found.motion == "none"


@pytest.mark.parametrize(("move", "motion"), [((1, 3, 0), "shift"), ((1, -4, 5), "shift"), ((1.015, 0, 0), "similarity")])
def test_cameras_nearly_on_one_grid_are_not_taken_for_one(two_cameras, error, move, motion):
    """A few pixels or percent off, they come out so much off, by the least motion that does it."""
    infrared, _, _ = two_cameras()
    scale, x, y = move
    truth = np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]], np.float64)
    visible = 255 - cv2.warpPerspective(infrared, truth, infrared.shape[::-1], flags=cv2.INTER_CUBIC)
    found = register([infrared], [visible])
    assert found.motion == motion
    assert error(found.homography, truth, infrared, visible) < 0.5


def test_perspective_only_where_it_shows(two_cameras):
    """Allowed a homography, cameras that an affine serves get an affine."""
    infrared, visible, _ = two_cameras()
    found = register([infrared], [visible], "homography")
    assert found.motion == "affine"
    assert found.homography[2].tolist() == [0, 0, 1]


def test_perspective_is_followed_where_it_is_allowed(two_cameras, error):
    """A view that tapers is fitted within a pixel by a homography, and worse by an affine."""
    infrared, visible, truth = two_cameras()
    taper = np.array([[1, 0, 0], [0, 1, 0], [1.2e-4, 6e-5, 1]])
    tapered = cv2.warpPerspective(visible, taper, visible.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    flat, bent = (register([infrared], [tapered], model) for model in ("affine", "homography"))
    assert bent.motion == "homography"
    assert error(bent.homography, taper @ truth, infrared, tapered) < 1
    assert error(flat.homography, taper @ truth, infrared, tapered) > error(bent.homography, taper @ truth, infrared, tapered)


def test_different_scenes_are_refused(two_cameras):
    """What one camera sees is nowhere in the other's picture: an answer may come, but it is not called sure."""
    found = register([two_cameras(seed=3)[0]], [two_cameras(seed=11)[1]])
    assert not found.sure
    assert "agree too little" in " ".join(found.doubts)


def test_a_blind_camera_is_an_error():
    """A flat picture cannot be registered, and the message says what to do."""
    flat = np.full((120, 160), 80, np.uint8)
    with pytest.raises(RigError, match="share"):
        register([flat], [flat])


def test_sixteen_bits_are_as_good(two_cameras, error):
    """Raw thermal levels need no toning first."""
    infrared, visible, truth = two_cameras()
    found = register([infrared.astype(np.uint16) * 20 + 20000], [visible])
    assert error(found.homography, truth, infrared, visible) < 1


@pytest.mark.needs_data
@pytest.mark.parametrize("name", ["FLIR_01871", "FLIR_06993"])
def test_real_street(data, error, name):
    """Raw infrared and a cropped visible frame, one of them at night: within 3 px of the authors' registration."""
    root = data / "unaligned" / "roadscene_raw"
    entry = json.loads((root / "homographies.json").read_text())[name]
    infrared, visible = grey(root / entry["ir"]), grey(root / entry["vi"])
    found = register([infrared], [visible])
    assert found.sure
    assert error(found.homography, np.array(entry["H_ir_to_vi"]), infrared, visible) < 3


@pytest.mark.needs_data
@pytest.mark.parametrize("clip", ["m3svd_0114_1551", "m3svd_0114_1609", "m3svd_0115_1847"])
def test_real_clips_are_on_one_grid(data, clip):
    """Wood and night street, aligned by their authors: the identity itself."""
    infrared, visible = (grey(min((data / "sequences" / clip / name).iterdir())) for name in ("ir", "vi"))
    assert np.array_equal(register([infrared], [visible]).homography, np.eye(3))


@pytest.mark.needs_data
def test_real_strangers_are_refused(data):
    """Infrared of one street and the visible picture of another."""
    root = data / "unaligned" / "roadscene_raw"
    assert not register([grey(root / "ir" / "FLIR_01871.png")], [grey(root / "vi" / "FLIR_07225.jpg")]).sure
