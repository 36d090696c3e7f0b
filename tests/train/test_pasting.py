"""`streamfuse.train.pasting`: persons are cut out along their warm outline and put where there is room."""

import numpy as np
import pytest

from streamfuse.results import Detections
from streamfuse.train.boxes import CLASSES
from streamfuse.train.pasting import cut_outs, outline, paste

BOX = (40, 30, 60, 80)


def person(level: int = 200) -> tuple[np.ndarray, np.ndarray, Detections]:
    """A warm ellipse in its box; by day."""
    infrared, luma = np.full((120, 160), 60, np.uint8), np.full((120, 160), 120, np.uint8)
    y, x = np.mgrid[:120, :160]
    inside = ((x + 0.5 - 50) / 9) ** 2 + ((y + 0.5 - 55) / 25) ** 2 < 1
    infrared[inside], luma[inside] = level, 30
    zero = np.zeros(1, np.int32)
    boxes = Detections(
        boxes_N4=np.array([BOX], np.float32), scores_N=np.ones(1, np.float32), classes_N=zero, tracks_N=zero - 1, names=CLASSES
    )
    return infrared, luma, boxes


def test_outline_is_the_warm_blob():
    """About the ellipse, and nothing of the corners of the box."""
    infrared, _, _ = person()
    mask = outline(infrared[30:80, 40:60])
    assert mask is not None
    assert mask[25, 10] == pytest.approx(1)
    assert mask[0, 0] == 0


def test_who_hardly_stands_out_is_not_cut_out():
    """With little contrast the outline would be a guess."""
    assert cut_outs(*person(level=70)) == []
    assert len(cut_outs(*person())) == 1


def test_pasted_persons_are_where_their_box_says():
    """In both cameras, nowhere else, and not over another box."""
    bank = cut_outs(*person())
    taken = np.array([[0, 0, 75, 120]], np.float32)
    infrared, luma = np.full((120, 160), 50, np.float32), np.full((120, 160), 130, np.float32)
    box = next(found for seed in range(20) if (found := paste((infrared, luma), taken, bank, np.random.default_rng(seed))) is not None)
    x1, y1, x2, y2 = box.astype(int)
    for picture, before in ((infrared, 50), (luma, 130)):
        changed = picture != before
        assert changed[y1:y2, x1:x2].any()
        changed[y1:y2, x1:x2] = False
        assert not changed.any()
    assert infrared[y1:y2, x1:x2].max() > 150
    assert luma[y1:y2, x1:x2].min() < 60


def test_day_stays_day():
    """Who was cut out by day does not come into a picture of the night."""
    night = np.full((120, 160), 20, np.float32)
    assert paste((night.copy(), night), np.zeros((0, 4), np.float32), cut_outs(*person()), np.random.default_rng(1)) is None
