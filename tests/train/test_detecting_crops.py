"""`streamfuse.train.detecting_crops`: boxes go where their pixels go."""

import numpy as np
import pytest

from streamfuse.results import Detections
from streamfuse.train.boxes import CLASSES
from streamfuse.train.detecting_crops import batch_of, cells, crop
from streamfuse.train.detecting_pictures import Boxed
from streamfuse.train.detecting_views import VIEWS

EDGE = 128


def boxed(*boxes: tuple[int, int, int, int], level: int = 220, size: tuple[int, int] = (200, 260), unsure: bool = False) -> Boxed:
    """Bright blocks with a dark core on grey, in both cameras."""
    picture = np.full(size, 90, np.uint8)
    for x1, y1, x2, y2 in boxes:
        picture[y1:y2, x1:x2] = level
    corners = np.array(boxes, np.float32).reshape(-1, 4)
    nothing = corners[:0]
    known = nothing if unsure else corners
    zeros = np.zeros(len(known), np.int32)
    found = Detections(boxes_N4=known, scores_N=np.ones(len(known), np.float32), classes_N=zeros, tracks_N=zeros - 1, names=CLASSES)
    return Boxed(infrared_HW=picture, luma_HW=picture.copy(), boxes=found, unsure_M4=corners if unsure else nothing)


@pytest.fixture(autouse=True)
def plain_views(monkeypatch: pytest.MonkeyPatch) -> None:
    """Infrared as it is: neither tone nor misregistration."""
    monkeypatch.setattr("streamfuse.train.detecting_crops.view", lambda infrared, luma, draw: infrared)
    monkeypatch.setattr("streamfuse.train.detecting_crops.toned", lambda picture, draw: picture)
    monkeypatch.setattr("streamfuse.train.detecting_crops.MISREGISTERED", 0.0)


@pytest.mark.parametrize("seed", range(12))
def test_boxes_follow_the_pixels(seed):
    """However a crop is scaled, moved and flipped: the bright block lies in its box, to half a pixel."""
    found = crop(boxed((100, 60, 130, 120)), EDGE, [], 0.0, np.random.default_rng(seed))
    rows, columns = np.nonzero(found.view_HW > 155 / 255)
    for box in found.boxes_N4:
        seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        assert np.abs(box - seen).max() <= 1.0


def test_what_a_crop_cuts_off_is_not_learned():
    """A box of which little is left is a region nobody is sure of, neither a thing nor its absence."""
    outcomes = [crop(boxed((0, 0, 120, 120), (130, 90, 250, 190)), EDGE, [], 0.0, np.random.default_rng(seed)) for seed in range(40)]
    assert any(len(one.boxes_N4) < 2 and len(one.unsure_M4) for one in outcomes)
    for one in outcomes:
        assert len(one.boxes_N4) + len(one.unsure_M4) == 2


def test_what_a_view_does_not_show_is_not_learned():
    """Of a box as grey as its surroundings nothing is said."""
    found = crop(boxed((100, 60, 130, 120), level=91), EDGE, [], 0.0, np.random.default_rng(3))
    assert len(found.boxes_N4) == 0
    assert len(found.unsure_M4) == 1


def test_regions_become_cells():
    """All cells that a region touches, and no other."""
    found = cells(np.array([[9.0, 4.0, 17.0, 8.0], [5.0, 5.0, 5.0, 9.0]], np.float32), 32)
    assert np.argwhere(found).tolist() == [[1, 2], [1, 3], [1, 4]]


def test_batches_hold_what_the_network_wants():
    """Views in [0, 1], boxes with the number of their item, unknown cells a quarter of the picture's size."""
    batch = batch_of([boxed((100, 60, 130, 120)), boxed((20, 20, 40, 60), unsure=True)], EDGE, [], 0.0, np.random.default_rng(1))
    assert batch.views_B1HW.shape == (2, 1, EDGE, EDGE)
    assert set(batch.boxes.items_N.tolist()) <= {0}
    assert batch.unknown_Bhw.shape == (2, EDGE // 4, EDGE // 4)


def test_shares_of_views_sum_up_to_one():
    """They are chances."""
    assert sum(share for share, _ in VIEWS.values()) == pytest.approx(1)
