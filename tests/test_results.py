"""The nouns that leave the device."""

import dataclasses

import numpy as np
import pytest

from streamfuse.errors import FrameError
from streamfuse.results import Detections


@pytest.fixture
def two_boxes() -> Detections:
    return Detections(
        boxes_N4=np.array([[1, 2, 30, 40], [5.5, 6.5, 7.5, 8.5]], np.float32),
        scores_N=np.array([0.9, 0.4], np.float32),
        classes_N=np.array([1, 0], np.int32),
        tracks_N=np.array([7, -1], np.int32),
        names=("person", "car"),
    )


def test_to_supervision_carries_everything(two_boxes):
    """Boxes, scores, classes, ids and the names of the classes arrive in supervision under its own names."""
    import supervision

    given = two_boxes.to_supervision()
    assert isinstance(given, supervision.Detections)
    assert given.xyxy.tolist() == two_boxes.boxes_N4.tolist()
    assert given.confidence.tolist() == two_boxes.scores_N.tolist()
    assert given.class_id.tolist() == [1, 0]
    assert given.tracker_id.tolist() == [7, -1]
    assert given.data["class_name"].tolist() == ["car", "person"]


def test_to_supervision_can_be_filtered(two_boxes):
    """The usual selections of supervision work on it."""
    given = two_boxes.to_supervision()
    sure = given[given.confidence > 0.5]
    assert sure.data["class_name"].tolist() == ["car"]
    assert sure.tracker_id.tolist() == [7]


def test_to_supervision_without_boxes():
    """No boxes are an empty set there too."""
    given = Detections.none(("person",)).to_supervision()
    assert len(given) == 0
    assert given.is_empty()


def test_none_keeps_its_class_table():
    """Without boxes the arrays are empty, of the right kind, and the class table stays."""
    nothing = Detections.none(("person",))
    assert len(nothing) == 0
    assert nothing.names == ("person",)
    assert nothing.boxes_N4.shape == (0, 4)
    assert (nothing.boxes_N4.dtype.name, nothing.tracks_N.dtype.name) == ("float32", "int32")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("boxes_N4", np.zeros((2, 5), np.float32)),
        ("scores_N", np.zeros(3, np.float32)),
        ("classes_N", np.zeros(1, np.int32)),
        ("tracks_N", np.zeros(0, np.int32)),
    ],
)
def test_columns_go_together(two_boxes, field, value):
    """Columns of different lengths are refused, with their shapes in the message."""
    with pytest.raises(FrameError, match=r"do not go together: Detections\(boxes_N4="):
        dataclasses.replace(two_boxes, **{field: value})


def test_repr_shows_shapes(two_boxes):
    """A log line holds shapes, not numbers."""
    assert repr(two_boxes) == (
        "Detections(boxes_N4=(2, 4) float32, scores_N=(2,) float32, classes_N=(2,) int32, tracks_N=(2,) int32, names=('person', 'car'))"
    )


def test_compares_by_identity(two_boxes):
    """Equality is identity, so that no comparison runs over arrays by accident."""
    assert two_boxes == two_boxes  # noqa: PLR0124
    assert two_boxes != dataclasses.replace(two_boxes)
