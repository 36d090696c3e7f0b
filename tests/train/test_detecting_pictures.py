"""`streamfuse.train.detecting_pictures`: pictures with boxes, and regions that nobody is sure of."""

import cv2
import numpy as np

from streamfuse.train.boxes import load_unsure
from streamfuse.train.detecting_pictures import LabelledSet, drawn_boxed, load_boxed, warm_blobs
from tests.train.labelled_pairs import labelled_folder


def warm_picture() -> np.ndarray:
    """Noise with one upright and one lying warm block."""
    picture = np.random.default_rng(1).integers(50, 60, (120, 160)).astype(np.uint8)
    picture[20:60, 30:45] = 200
    picture[80:90, 60:120] = 200
    return picture


def test_warm_upright_blobs_are_regions():
    """A person may stand there whom the machine has missed; what lies is none."""
    assert warm_blobs(warm_picture(), np.zeros((0, 4), np.float32)).tolist() == [[30, 20, 45, 60]]


def test_blobs_in_boxes_are_known():
    """What has a box already is no unsure region."""
    assert len(warm_blobs(warm_picture(), np.array([[28, 18, 47, 62]], np.float32))) == 0


def test_unsure_regions_come_with_the_labels(tmp_path):
    """As a class of that name in `classes.txt`; they are no boxes."""
    labelled_folder(tmp_path)
    (tmp_path / "labels/classes.txt").write_text("person\nbike\ncar\nunsure\n")
    (tmp_path / "labels/1.txt").write_text("3 0.5 0.5 0.25 0.5\n0 0.1 0.5 0.1 0.5\n")
    assert load_unsure(tmp_path / "labels/1.txt", (80, 96)).tolist() == [[36, 20, 60, 60]]
    one, other = load_boxed([LabelledSet(pairs=tmp_path, boxes=tmp_path / "labels", checked=True)], tmp_path)
    assert [len(one.boxes), len(other.boxes)] == [1, 2]
    assert [len(one.unsure_M4), len(other.unsure_M4)] == [1, 0]


def test_unchecked_sets_have_more_unsure_regions(tmp_path):
    """Warm blobs without a box are unsure only where nobody looked."""
    for name, picture in (("ir", warm_picture()), ("vi", warm_picture())):
        (tmp_path / name).mkdir()
        assert cv2.imwrite(str(tmp_path / name / "1.png"), picture)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/1.txt").touch()
    for checked, regions in ((True, 0), (False, 1)):
        (one,) = load_boxed([LabelledSet(pairs=tmp_path, boxes=tmp_path / "labels", checked=checked)], tmp_path)
        assert len(one.unsure_M4) == regions


def test_drawn_streets_are_sure():
    """Their boxes are exact."""
    found = drawn_boxed(2, 1)
    assert [len(one.unsure_M4) for one in found] == [0, 0]
    assert sum(len(one.boxes) for one in found) > 0
    assert drawn_boxed(0, 1) == []
