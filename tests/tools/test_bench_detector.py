"""What counts as found, and how recall at a precision is read off."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from streamfuse.evaluate.contender import contenders
from streamfuse.frames import Fused
from streamfuse.results import Detections
from streamfuse.train.data import find_pairs
from tools.bench.detector import Tally, at_score, measure, recall_at, spread, tally

NAMES = ("person", "car")


def boxes(*rows: tuple[str, float, list[float]]) -> Detections:
    kinds = [NAMES.index(name) for name, _, _ in rows]
    zeros = np.zeros(len(rows), np.int32)
    return Detections(
        boxes_N4=np.array([row[2] for row in rows], np.float32).reshape(-1, 4),
        scores_N=np.array([row[1] for row in rows], np.float32),
        classes_N=np.array(kinds, np.int32),
        tracks_N=zeros - 1,
        names=NAMES,
    )


def of(right: list[bool], labels: int, scores: list[float] | None = None) -> Tally:
    given = np.array(scores or np.linspace(0.9, 0.1, len(right)), np.float64)
    return Tally(scores_N=given, right_N=np.array(right, bool), labels=labels)


def test_each_label_takes_one_box():
    """The surest; a second one on the same thing is wrong, and so is one elsewhere or of another class."""
    true = boxes(("person", 1, [10, 10, 20, 50]))
    found = boxes(
        ("person", 0.5, [10, 10, 20, 50]),
        ("person", 0.9, [11, 10, 21, 50]),
        ("person", 0.4, [80, 10, 90, 50]),
        ("car", 0.9, [10, 10, 20, 50]),
    )
    counted = tally(found, true, "person", 0.5)
    assert counted.right_N.tolist() == [True, False, False]
    assert counted.scores_N.tolist() == pytest.approx([0.9, 0.5, 0.4])


def test_low_boxes_are_no_mistakes():
    """What is lower than anything that is labelled counts as neither; if it meets a label it is right."""
    found = boxes(("person", 0.9, [10, 10, 15, 25]), ("person", 0.8, [50, 10, 58, 29]))
    counted = tally(found, boxes(("person", 1, [50, 10, 58, 30])), "person", 0.5)
    assert counted.right_N.tolist() == [True]


def test_recall_where_the_precision_holds():
    """Of the order right, wrong, right, wrong, wrong the precision is 0.6 or more at one box and at three."""
    assert recall_at([of([True, False, True, False, False], 4)]) == 0.5
    assert recall_at([of([False, False], 4)]) == 0
    assert np.isnan(recall_at([of([False], 0)]))


def test_pictures_share_a_threshold():
    """Boxes of all pictures stand in one order, by their scores."""
    sure, unsure = of([True], 1, [0.9]), of([False, False, False], 1, [0.8, 0.7, 0.6])
    assert recall_at([sure, unsure]) == 0.5
    assert at_score([sure, unsure], 0.75) == (0.5, 0.5)


def test_the_interval_holds_the_recall():
    """Over pictures drawn again; of a row against itself it is nothing."""
    tallies = [of([True, False], 2), of([True], 1), of([False], 1), of([True, True], 3)]
    low, high = spread(tallies)
    assert low <= recall_at(tallies) <= high
    assert spread(tallies, tallies) == (0, 0)


class Bright:
    """Says where the brightest pixels are."""

    name = "bright"

    def to(self, device) -> None: ...

    def detect(self, fused: Fused) -> list[Detections]:
        rows, columns = np.nonzero(fused.luma_B1HW[0, 0].numpy() > 0.9)
        if not len(rows):
            return [boxes()]
        return [boxes(("person", 0.9, [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]))]


def test_rows_say_what_each_input_shows(tmp_path: Path):
    """A person that infrared alone shows is found there and not in the visible picture, which is so much behind."""
    for name in ("00001D", "00002N"):
        for folder, level in (("ir", 255), ("vi", 60)):
            picture = np.full((64, 64), 60, np.uint8)
            picture[10:50, 20:36] = level
            (tmp_path / folder).mkdir(exist_ok=True)
            assert cv2.imwrite(str(tmp_path / folder / f"{name}.png"), picture)
        (tmp_path / "labels").mkdir(exist_ok=True)
        (tmp_path / "labels" / f"{name}.txt").write_text(f"0 {28 / 64} {30 / 64} {16 / 64} {40 / 64}\n")
    report = measure(contenders([]), find_pairs(tmp_path, boxes=tmp_path / "labels"), Bright(), 0.5)
    rows = {row["input"]: row for row in report.rows if row["class"] == "person"}
    assert rows["infrared"]["recall, all"] == "1.00 (1.00 to 1.00)"
    assert rows["visible"]["recall, night"] == "0.00 (0.00 to 0.00)"
    assert rows["visible"]["over the better camera"] == "-1.00 (-1.00 to -1.00)"
    assert rows["infrared"]["at score 0.25"] == "1.00 / 1.00"
