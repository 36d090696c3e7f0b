"""What the pictures of the drawn scene show: weather, both spectra, and the homography between them."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from streamfuse.frames import Planes
from streamfuse.source.scene import SceneSettings, SceneSource

SIZE = (320, 240)
T_S = 7.0


def picture(spectrum: str, **values: Any) -> NDArray[Any]:
    source = SceneSource(SceneSettings.model_validate({"spectrum": spectrum, "size": SIZE, "start_s": T_S, **values}))
    source.open()
    frame = source.read()
    assert frame is not None
    return frame.image.y if isinstance(frame.image, Planes) else frame.image


def people() -> NDArray[np.int_]:
    found = SceneSource(SceneSettings(size=SIZE)).boxes(T_S)
    boxes: NDArray[np.int_] = found.boxes_N4[found.classes_N == 0].round().astype(int)
    return boxes


def contrast(image: NDArray[Any]) -> NDArray[np.floating]:
    """Standard deviation inside each person's box, on a slightly smoothed picture so that noise does not count."""
    smooth = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.0)
    return np.array([smooth[y1:y2, x1:x2].std() for x1, y1, x2, y2 in people()])


def test_smoke_hides_the_visible_picture_alone():
    """Smoke takes most of the contrast of people away in the visible picture, and nothing in infrared."""
    assert np.median(contrast(picture("visible", smoke=1.0)) / contrast(picture("visible"))) < 0.4
    assert np.array_equal(picture("infrared", smoke=1.0), picture("infrared"))


def test_smoke_drifts():
    """The smoke is elsewhere a second later."""
    now, later = (picture("visible", smoke=1.0, start_s=t).astype(float) for t in (T_S, T_S + 1.0))
    assert np.abs(now - later)[120:].mean() > 3


def test_night_is_dark_and_noisy():
    """At night the visible picture is much darker, noisier, and has lamps; people are clearer in infrared than in it."""
    day, night = picture("visible"), picture("visible", night=1.0)
    assert night.mean() < 0.4 * day.mean()
    assert night.max() > 220
    lawn = np.s_[200:235, 130:180]  # even asphalt
    assert (night[lawn] - cv2.GaussianBlur(night, (5, 5), 0)[lawn].astype(float)).std() > 2.0
    assert np.median(contrast(picture("infrared", night=1.0)) / contrast(night)) > 2


def test_fog_veils_by_distance():
    """Fog takes more of the far end's contrast than of the foreground's, and less in infrared."""
    near, far = np.s_[170:240, 100:300], np.s_[10:70, 90:160]
    clear, foggy = picture("visible").astype(float), picture("visible", fog=0.6).astype(float)
    assert foggy[far].std() / clear[far].std() < 0.5 * foggy[near].std() / clear[near].std()
    warm, veiled = picture("infrared").astype(float), picture("infrared", fog=0.6).astype(float)
    assert veiled[far].std() / warm[far].std() > 2 * foggy[far].std() / clear[far].std()


@pytest.mark.parametrize("size", [None, (200, 160)])
def test_homography_takes_infrared_to_visible(size):
    """Infrared warped by the homography lies on the infrared picture of a camera that shares the visible one's view."""
    homography = np.array([[1.15, 0.03, -14.0], [-0.02, 1.1, 6.0], [4e-5, -3e-5, 1.0]])
    values = {} if size is None else {"infrared_size": size}
    own = picture("infrared", homography=homography.tolist(), **values)
    assert own.shape == (SIZE if size is None else size)[::-1]
    warped = cv2.warpPerspective(own, homography, SIZE)
    inside = cv2.erode(cv2.warpPerspective(np.full_like(own, 255), homography, SIZE), np.ones((9, 9))) == 255
    assert inside.mean() > 0.4
    straight = picture("infrared").astype(float)
    right, wrong = np.abs(warped - straight)[inside], np.abs(np.roll(warped, 4, axis=1) - straight)[inside]
    assert right.mean() < 0.5 * wrong.mean()
    assert np.corrcoef(warped[inside], straight[inside])[0, 1] > 0.97


def test_a_warm_face_lands_where_the_homography_says():
    """The hottest spot of the nearest person alone is found at the place that the homography gives."""
    homography = np.array([[1.0, 0.0, 17.0], [0.0, 1.0, -9.0], [0.0, 0.0, 1.0]])
    plain, moved = picture("infrared", night=1.0), picture("infrared", night=1.0, homography=homography.tolist())
    x1, y1, x2, y2 = max((box for box in people() if box[3] < 230), key=lambda box: box[3] - box[1])
    found = []
    for image, (dx, dy) in ((plain, (0, 0)), (moved, (-17, 9))):
        part = cv2.GaussianBlur(image, (5, 5), 0)[y1 + dy : y2 + dy, x1 + dx : x2 + dx]
        found.append(np.unravel_index(part.argmax(), part.shape))
    assert np.abs(np.subtract(*found)).max() <= 1


def test_16_bits_are_degrees():
    """With 16 bits infrared hands out counts of 0.01 kelvin: the street near the air, people near 30 degrees."""
    counts = picture("infrared", bits=16, night=1.0)
    celsius = counts / 100 - 273.15
    assert counts.dtype == np.uint16
    assert 2 < np.median(celsius) < 10
    assert len(np.unique(counts)) > 1000
    tallest = max(people(), key=lambda box: box[3] - box[1])
    x1, y1, x2, y2 = tallest
    assert 26 < celsius[y1:y2, x1:x2].max() < 45


def test_day_has_sun_shade_and_colour():
    """By day the street has bright and dark places and colours of its own."""
    source = SceneSource(SceneSettings(size=SIZE))
    source.open()
    image = source.read().image
    assert np.percentile(image.y, 95) - np.percentile(image.y, 5) > 100
    assert image.u.std() > 3
    assert image.v.std() > 5


def test_noise_is_new_in_each_frame_and_modest():
    """Two frames of a still part differ by a little sensor noise, in both spectra."""
    for spectrum in ("visible", "infrared"):
        source = SceneSource(SceneSettings(spectrum=spectrum, size=SIZE, fps=1000))
        source.open()
        first, second = (source.read().image for _ in range(2))
        a, b = (np.asarray(i if spectrum == "infrared" else i.y, float)[5:60, 230:] for i in (first, second))
        assert 0.3 < (a - b).std() < 4
