"""`streamfuse.train.detecting_views`: every view of a pair is a picture."""

import numpy as np
import pytest

from streamfuse.train.detecting_views import VIEWS, toned, view


def planes() -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(1)
    return draw.random((64, 64), np.float32), draw.random((64, 64), np.float32)


@pytest.mark.parametrize("name", VIEWS)
def test_views_are_pictures(name):
    """Of the same size, in [0, 1], float32."""
    shown = np.asarray(VIEWS[name][1](*planes(), np.random.default_rng(2)), np.float32)
    assert shown.shape == (64, 64)
    assert shown.min() >= 0
    assert shown.max() <= 1


def test_each_view_is_drawn():
    """Over many draws of different pictures all of the table turn up."""
    infrared, luma = planes()
    draw = np.random.default_rng(3)
    sums = {round(float(view(infrared, luma, draw).sum()), 1) for _ in range(200)}
    assert len(sums) >= len(VIEWS)


@pytest.mark.parametrize("seed", range(10))
def test_tones_stay_in_range(seed):
    """However bright, steep, coarse or noisy; also of values a hair beyond the range."""
    picture = planes()[0] * np.float32(1.00001)
    shown = toned(picture, np.random.default_rng(seed))
    assert np.isfinite(shown).all()
    assert shown.min() >= 0
    assert shown.max() <= 1
    assert shown.dtype == np.float32
