"""mAP, recall and precision of boxes."""

import math

import numpy as np
import pytest

from streamfuse.errors import ConfigError, FrameError
from streamfuse.evaluate.boxes import box_metrics
from streamfuse.results import Detections

COCO = ("person", "bicycle", "car", "truck", "dog")
PERSON, TRUCK, DOG = (10, 10, 50, 90), (100, 20, 160, 60), (5, 5, 9, 9)


def boxes(*found: tuple[tuple[int, int, int, int], str, float], names: tuple[str, ...] = COCO) -> Detections:
    return Detections(
        boxes_N4=np.array([box for box, _, _ in found], np.float32).reshape(-1, 4),
        scores_N=np.array([score for _, _, score in found], np.float32),
        classes_N=np.array([names.index(name) for _, name, _ in found], np.int32),
        tracks_N=np.full(len(found), -1, np.int32),
        names=names,
    )


TRUE = boxes((PERSON, "person", 1), (TRUCK, "car", 1), names=("person", "bike", "car"))


def test_all_found():
    """Boxes on the labels, in a detector's own classes: everything is 1. What has no class here is left out."""
    found = box_metrics([boxes((PERSON, "person", 0.9), (TRUCK, "truck", 0.8), (DOG, "dog", 0.9))], [TRUE])
    assert found["mAP50"] == found["mAP50:95"] == found["recall"] == found["precision"] == pytest.approx(1)
    assert found["recall car"] == 1
    assert "recall bike" not in found


def test_half_found():
    """One of two labels, and one box beside it."""
    found = box_metrics([boxes((PERSON, "person", 0.9), ((200, 200, 220, 220), "car", 0.8))], [TRUE])
    assert found["recall"] == found["precision"] == 0.5
    assert found["recall person"] == 1
    assert found["recall car"] == found["precision car"] == 0
    assert found["mAP50"] == pytest.approx(0.5)


def test_loose_boxes_lose_the_strict_half():
    """A box that overlaps by two thirds counts at 0.5, but not at 0.95."""
    found = box_metrics([boxes(((10, 10, 50, 63), "person", 0.9), (TRUCK, "car", 0.9))], [TRUE])
    assert found["mAP50"] == pytest.approx(1)
    assert 0.6 < found["mAP50:95"] < 0.9


def test_one_label_for_one_box():
    """Two boxes on one person: one is right, one is not."""
    true = boxes((PERSON, "person", 1))
    found = box_metrics([boxes((PERSON, "person", 0.9), (PERSON, "person", 0.8))], [true])
    assert (found["recall"], found["precision"]) == (1, 0.5)


def test_unsure_boxes_count_for_map_only():
    """Recall and precision begin at a score."""
    found = box_metrics([boxes((PERSON, "person", 0.1), (TRUCK, "car", 0.9))], [TRUE])
    assert found["recall"] == 0.5
    assert found["mAP50"] == pytest.approx(1)


def test_nothing_to_divide_by():
    """No boxes have no precision; no labels have no recall."""
    found = box_metrics([boxes()], [boxes()])
    assert all(math.isnan(value) for value in found.values())
    assert box_metrics([boxes()], [TRUE])["recall"] == 0


def test_labels_for_each_picture():
    """Lists that do not go together are refused."""
    with pytest.raises(FrameError, match="got 1 pictures and 2 labels"):
        box_metrics([boxes()], [TRUE, TRUE])


def test_a_detector_of_other_things():
    """A detector that knows none of the classes is an error, not a zero."""
    spots = boxes((PERSON, "hotspot", 1.0), names=("hotspot",))
    with pytest.raises(ConfigError, match="the detector finds hotspot, the labels are of person, bike, car"):
        box_metrics([spots], [TRUE])
