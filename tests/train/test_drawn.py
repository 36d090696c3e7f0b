"""`streamfuse.train.drawn`."""

import numpy as np
import pytest

from streamfuse.errors import ConfigError
from streamfuse.train.boxes import CLASSES
from streamfuse.train.drawn import scene_pairs

SIZE = (192, 128)


def test_draws_pairs_with_boxes():
    """As many as asked for, in both spectra and of the size asked for, by day and at night, with persons and cars."""
    pairs = list(scene_pairs(6, seed=1, size=SIZE))
    assert [pair.light for pair in pairs] == ["day"] * 4 + ["night"] * 2
    assert len({pair.name for pair in pairs}) == 6
    for pair in pairs:
        assert pair.infrared_HW.shape == (128, 192)
        assert pair.visible_HW3.shape == (128, 192, 3)
        assert pair.boxes.names == CLASSES
        assert (pair.boxes.boxes_N4 >= 0).all()
        assert (pair.boxes.boxes_N4 <= (*SIZE, *SIZE)).all()
    kinds = {CLASSES[index] for pair in pairs for index in pair.boxes.classes_N}
    assert kinds == {"person", "car"}
    assert np.mean([p.visible_HW3.mean() for p in pairs[4:]]) < np.mean([p.visible_HW3.mean() for p in pairs[:4]])


def test_boxes_of_people_hold_what_is_warm():
    """By day and by night, a box of a person holds brighter infrared pixels than the picture has at large."""
    for pair in list(scene_pairs(5, seed=3, size=SIZE))[::4]:
        people = pair.boxes.boxes_N4[pair.boxes.classes_N == CLASSES.index("person")].round().astype(int)
        assert len(people)
        inside = [pair.infrared_HW[y1:y2, x1:x2].max() for x1, y1, x2, y2 in people]
        assert np.median(inside) > np.percentile(pair.infrared_HW, 90)


def test_the_same_seed_draws_the_same():
    """Arguments alone decide the pixels; another seed is another street."""
    one, same, other = (next(scene_pairs(1, seed=seed, size=SIZE)) for seed in (4, 4, 5))
    assert np.array_equal(one.visible_HW3, same.visible_HW3)
    assert np.array_equal(one.infrared_HW, same.infrared_HW)
    assert not np.array_equal(one.visible_HW3, other.visible_HW3)


def test_smoke_hides_the_street_from_one_camera_only():
    """With `smoke` the visible picture changes and infrared stays as it is."""
    clear, smoky = (next(scene_pairs(1, seed=4, size=SIZE, smoke=smoke)) for smoke in (0.0, 1.0))
    assert np.array_equal(clear.infrared_HW, smoky.infrared_HW)
    assert not np.array_equal(clear.visible_HW3, smoky.visible_HW3)


def test_nothing_to_draw_is_an_error():
    """A count of 0 is a mistake."""
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        next(scene_pairs(0, seed=1))
