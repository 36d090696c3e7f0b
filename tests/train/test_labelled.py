"""`streamfuse.train.labelled`."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.results import Detections
from streamfuse.train.boxes import CLASSES
from streamfuse.train.labelled import Labelled, LabelledPool, load_labelled
from tests.train.labelled_pairs import labelled_folder
from tests.train.schooling import CPU


def street(seed: int, count: int = 3) -> Labelled:
    """A black picture with white blocks, each in a box of its own."""
    draw = np.random.default_rng(seed)
    infrared = np.zeros((96, 128), np.uint8)
    corners = []
    for column in range(count):
        x1, y1 = 40 * column + int(draw.integers(0, 16)), int(draw.integers(0, 60))
        x2, y2 = x1 + int(draw.integers(8, 24)), y1 + int(draw.integers(8, 30))
        infrared[y1:y2, x1:x2] = 255
        corners.append((x1, y1, x2, y2))
    boxes = Detections(
        boxes_N4=np.array(corners, np.float32).reshape(-1, 4),
        scores_N=np.ones(count, np.float32),
        classes_N=np.arange(count, dtype=np.int32) % 3,
        tracks_N=np.full(count, -1, np.int32),
        names=CLASSES,
    )
    return Labelled(light="day", infrared_HW=infrared, visible_HW3=np.repeat(infrared[..., None], 3, 2), boxes=boxes)


def test_boxes_stay_on_what_they_hold():
    """In crops, flipped or not, each box holds white pixels only, with black ones or the edge around it."""
    pool, seen = LabelledPool([street(seed) for seed in range(5)]), 0
    for seed in range(20):
        crops, boxes, _ = pool.crops(4, 64, torch.Generator().manual_seed(seed), CPU)
        assert torch.equal(crops.visible_B3HW[:, :1], crops.infrared_B1HW)
        for item, corners in zip(boxes.items_N.tolist(), boxes.boxes_N4.round().int().tolist(), strict=True):
            x1, y1, x2, y2 = corners
            picture = crops.infrared_B1HW[item, 0]
            assert bool((picture[y1:y2, x1:x2] == 1).all())
            around = picture[max(0, y1 - 1) : y2 + 1, max(0, x1 - 1) : x2 + 1]
            assert int((around == 1).sum()) == (x2 - x1) * (y2 - y1)
            seen += 1
    assert seen > 50


def test_boxes_that_are_hardly_in_the_crop_are_left_out():
    """Those that stay have at least four pixels along each edge; and the same dice give the same crops."""
    pool = LabelledPool([street(seed) for seed in range(5)])
    first, again = (pool.crops(16, 64, torch.Generator().manual_seed(3), CPU) for _ in range(2))
    assert torch.equal(first.boxes.boxes_N4, again.boxes.boxes_N4)
    assert len(first.boxes.boxes_N4) < 16 * 3
    assert float((first.boxes.boxes_N4[:, 2:] - first.boxes.boxes_N4[:, :2]).min()) >= 4
    assert 0 <= float(first.boxes.boxes_N4.min()) <= float(first.boxes.boxes_N4.max()) <= 64


def test_whole_pictures_keep_all_boxes():
    """No edge: the picture as it is, or flipped. A picture without boxes is one too."""
    pool = LabelledPool([street(1), street(2, count=0)])
    crops, boxes, _ = pool.crops(6, None, torch.Generator().manual_seed(1), CPU)
    assert crops.infrared_B1HW.shape == (6, 1, 96, 128)
    assert sorted(set(torch.bincount(boxes.items_N, minlength=6).tolist())) == [0, 3]
    with pytest.raises(ConfigError, match="holds a crop of 100 x 100"):
        pool.crops(1, 100, torch.Generator(), CPU)


def test_folders_give_boxes_and_captions(tmp_path):
    """Of the pairs that have boxes; lines of a caption are sentences to choose from."""
    labelled_folder(tmp_path)
    (tmp_path / "text").mkdir()
    (tmp_path / "text/1.txt").write_text("a street\n\ntwo people at night\n")
    assert cv2.imwrite(str(tmp_path / "ir/9.png"), np.zeros((80, 96), np.uint8))
    assert cv2.imwrite(str(tmp_path / "vi/9.png"), np.zeros((80, 96, 3), np.uint8))
    found = load_labelled([tmp_path], drawn=0, seed=1)
    assert len(found) == 2
    assert [list(pair.boxes.classes_N) for pair in found] == [[0, 2], [0, 2]]
    assert [pair.captions for pair in found] == [("a street", "two people at night"), ()]


def test_nothing_with_boxes_is_an_error(tmp_path):
    """A folder without boxes is named; neither folder nor drawn pictures is another mistake."""
    labelled_folder(tmp_path)
    for path in (tmp_path / "labels").glob("*.txt"):
        path.unlink()
    with pytest.raises(ConfigError, match=f"{Path(tmp_path).name} has no training pair with boxes"):
        load_labelled([tmp_path], drawn=0, seed=1)
    with pytest.raises(ConfigError, match=r"lesson\.sets and lesson\.drawn"):
        load_labelled([], drawn=0, seed=1)


def test_the_drawn_street_has_boxes():
    """As many pictures as asked for."""
    (pair,) = load_labelled([], drawn=1, seed=1)
    assert len(pair.boxes)
    assert pair.infrared_HW.shape == pair.visible_HW3.shape[:2]
