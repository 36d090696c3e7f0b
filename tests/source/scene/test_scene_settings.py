"""Settings of the drawn scene."""

import numpy as np
import pytest

from streamfuse.errors import ConfigError
from streamfuse.registry import checked
from streamfuse.source.scene import SceneSettings


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param({"fps": -5}, "scene.fps: Input should be greater than 0, got -5", id="negative rate"),
        pytest.param({"size": [640, 7]}, "scene.size.1: Input should be greater than or equal to 32", id="too small"),
        pytest.param({"homography": [[1, 0, 0], [0, 1, 0], [0, 0, 0]]}, "3 rows of 3 finite numbers that can be inverted", id="singular"),
        pytest.param({"homography": [[1, 0, 0], [0, 1, 0]]}, "scene.homography", id="two rows"),
        pytest.param({"homography": [[1, 0, float("nan")], [0, 1, 0], [0, 0, 1]]}, "finite numbers", id="not a number"),
        pytest.param({"nigth": 1}, "scene.nigth: unknown key; did you mean 'night'?", id="misspelt"),
        pytest.param({"smoke": 1.5}, "scene.smoke: Input should be less than or equal to 1", id="too much smoke"),
        pytest.param({"bits": 12}, "scene.bits: Input should be 8 or 16, got 12", id="bits"),
        pytest.param({"freeze_every_s": 0.4, "freeze_for_s": 0.5}, "must be less than freeze_every_s", id="frozen for ever"),
    ],
)
def test_names_what_is_wrong(values, words):
    """A value out of range or a misspelt key gives an error with the key, what was wanted and what came."""
    with pytest.raises(ConfigError) as caught:
        checked(SceneSettings, values, "scene")
    assert words in str(caught.value)


def test_switches_may_be_booleans():
    """`true` is full strength."""
    settings = checked(SceneSettings, {"night": True, "fog": False, "smoke": True})
    assert (settings.night, settings.fog, settings.smoke) == (1.0, 0.0, 1.0)


def test_without_homography_both_see_the_same_view():
    """An infrared frame of another size shows what the visible one shows, corner to corner."""
    settings = SceneSettings(spectrum="infrared", size=(640, 480), infrared_size=(320, 160))
    corners = np.array([[-0.5, -0.5, 1.0], [319.5, 159.5, 1.0]])
    assert np.allclose(corners @ settings.to_visible_33.T, [[-0.5, -0.5, 1.0], [639.5, 479.5, 1.0]])
    assert np.array_equal(SceneSettings(spectrum="infrared").to_visible_33, np.eye(3))
