"""The boxes in `tools/labels`, which somebody looked at."""

from pathlib import Path

import numpy as np
import pytest
import supervision

from streamfuse.train.boxes import CLASSES, load_boxes, load_unsure
from streamfuse.train.data import find_pairs
from streamfuse.train.split import capture

LABELS = Path(__file__).parent.parent.parent / "tools" / "labels"
MSRS, RECORDINGS = LABELS / "msrs_validation", LABELS / "recordings_validation"
TRAINING = LABELS / "msrs_training"
SIZE = (480, 640)
SMALLEST_PX = {"person": 20.0, "bike": 0.0, "car": 12.0}
BY_AUTHORS = ("00147D", "00345D", "00440D", "01061N", "01482D", "01493D")


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.txt") if path.name != "classes.txt")


def test_there_are_enough_of_day_and_night():
    """At least 60 pictures, both lights, the six with authors' boxes among them."""
    stems = [path.stem for path in files(MSRS)]
    assert len(stems) + len(files(RECORDINGS)) >= 60
    assert min(sum(stem.endswith(light) for stem in stems) for light in "DN") >= 25
    assert set(BY_AUTHORS) <= set(stems)


def test_all_are_of_the_validation_part():
    """Nothing that is trained on is labelled here, and no validation picture of MSRS that has labels was forgotten."""
    assert all(capture(Path("msrs_dev"), path.stem).part == "validation" for path in files(MSRS))
    assert all(capture(Path(path.stem.rsplit("_", 1)[0]), "").part == "validation" for path in files(RECORDINGS))


def test_boxes_to_train_on_are_of_the_training_part():
    """All of them, by day and by night; and none of a picture that is measured with."""
    stems = [path.stem for path in files(TRAINING)]
    assert len(stems) == 158
    assert all(capture(Path("msrs_dev"), stem).part == "train" for stem in stems)


@pytest.mark.parametrize("path", files(TRAINING), ids=lambda path: path.stem)
def test_boxes_to_train_on_can_be_read(path):
    """Boxes and unsure regions have an area inside of the picture."""
    for boxes_N4 in (load_boxes(path, SIZE).boxes_N4, load_unsure(path, SIZE)):
        widths, heights = (boxes_N4[:, 2:] - boxes_N4[:, :2]).T
        assert (widths > 3).all()
        assert (heights > 3).all()


@pytest.mark.parametrize("path", files(MSRS) + files(RECORDINGS), ids=lambda path: path.stem)
def test_boxes_follow_the_rules(path):
    """Within the picture, of the smallest size at least, and none twice."""
    boxes = load_boxes(path, SIZE)
    assert boxes.names == CLASSES
    widths, heights = (boxes.boxes_N4[:, 2:] - boxes.boxes_N4[:, :2]).T
    assert (widths > 3).all()
    for height, index in zip(heights, boxes.classes_N, strict=True):
        assert height > SMALLEST_PX[CLASSES[index]] - 0.01
    for index in set(boxes.classes_N.tolist()):
        same = boxes.boxes_N4[boxes.classes_N == index]
        overlap = supervision.box_iou_batch(same, same) - np.eye(len(same))
        assert (overlap < 0.75).all()


@pytest.mark.needs_data
def test_they_belong_to_pictures(data):
    """Each file finds its pair when the folder is given as `boxes`."""
    for folder, labels in (("msrs_dev", MSRS), ("replay", RECORDINGS)):
        found = {record.boxes for record in find_pairs(data / folder, boxes=labels)} - {None}
        assert found == set(files(labels))


@pytest.mark.needs_data
@pytest.mark.parametrize("stem", BY_AUTHORS)
def test_what_the_authors_saw_is_here(data, stem):
    """Each box by the authors of MSRS has one of the same class here that overlaps by half."""
    theirs, ours = load_boxes(data / "msrs_dev/labels_human" / f"{stem}.txt", SIZE), load_boxes(MSRS / f"{stem}.txt", SIZE)
    overlap = supervision.box_iou_batch(theirs.boxes_N4, ours.boxes_N4)
    overlap[theirs.classes_N[:, None] != ours.classes_N[None]] = 0
    assert (overlap.max(axis=1) > 0.5).all()
