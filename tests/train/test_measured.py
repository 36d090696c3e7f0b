"""`streamfuse.train.measured`."""

import cv2
import numpy as np
import pytest

from streamfuse.train.measured import measure, noise

SIZE = (240, 320)


@pytest.fixture
def scene():
    """Large soft shapes, in both pictures: structure without noise."""
    draw = np.random.default_rng(5)
    coarse = cv2.resize(draw.uniform(0, 255, (12, 16)).astype(np.float32), SIZE[::-1], interpolation=cv2.INTER_CUBIC).clip(20, 230)
    return coarse.astype(np.uint8), np.repeat(coarse[..., None], 3, axis=2).astype(np.uint8)


def noisy(picture: np.ndarray, deviation: float) -> np.ndarray:
    draw = np.random.default_rng(7)
    return (picture + draw.normal(0, deviation, picture.shape)).round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("deviation", [3.0, 10.0, 25.0])
def test_noise_is_measured_in_levels(deviation):
    """On a flat picture the estimate is the deviation that was added, less what the quietest tenth has by chance."""
    assert 0.7 * deviation < noise(noisy(np.full(SIZE, 128, np.uint8), deviation)) < 1.1 * deviation


def test_texture_is_not_noise(scene):
    """Shapes alone measure next to nothing, and nothing is measured where all is clipped."""
    assert noise(scene[0]) < 1
    assert noise(np.zeros(SIZE, np.uint8)) == 0


def test_each_fault_moves_its_own_number(scene):
    """Darkening, clipping, noise, flattening and stripes each show where they should."""
    infrared, visible = scene
    clean = measure(infrared, visible)
    assert measure(infrared, visible // 8).visible_mean < clean.visible_mean / 7
    assert measure(infrared, (visible * 2.0).clip(0, 255).astype(np.uint8)).visible_clipped > clean.visible_clipped + 0.2
    assert measure(infrared, noisy(visible, 12)).visible_noise > 5
    flat = (100 + infrared / 12).astype(np.uint8)
    assert measure(flat, visible).infrared_spread < 20 < clean.infrared_spread
    columns = np.random.default_rng(3).normal(0, 6, SIZE[1])
    striped = (infrared + columns).clip(0, 255).astype(np.uint8)
    assert clean.infrared_stripes < 2
    assert measure(striped, visible).infrared_stripes > 4


def test_a_veil_is_seen_against_infrared(scene):
    """Grey where infrared has structure is a veil; the sky, shade and what is empty in both are none."""
    infrared, visible = scene
    smoke = np.full_like(visible, 150)
    sky_only = visible.copy()
    sky_only[: SIZE[0] // 3] = 150
    assert measure(infrared, smoke).visible_veil > 0.9
    for no_veil in (visible, sky_only, np.full_like(visible, 10)):
        assert measure(infrared, no_veil).visible_veil < 0.1
    assert measure(np.full(SIZE, 90, np.uint8), smoke).visible_veil == 0
