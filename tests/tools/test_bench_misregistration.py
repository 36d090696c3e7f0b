"""Nabf and recall under shifts, beside each other for every contender."""

from pathlib import Path

import numpy as np
import pytest

from streamfuse.evaluate.contender import ALWAYS, contenders
from streamfuse.frames import Fused
from streamfuse.results import Detections
from streamfuse.train.data import find_pairs
from tests.evaluate.conftest import save_pairs
from tools.bench.misregistration import measure

BOX = (10, 10, 30, 40)


class Bright:
    """Finds the person where the fused picture is as bright as it should be there."""

    name = "bright"

    def to(self, device) -> None: ...

    def detect(self, fused: Fused) -> list[Detections]:
        left, top, right, bottom = BOX
        shown = bool(fused.luma_B1HW[0, 0, top:bottom, left:right].mean() > 0)
        one = np.zeros(int(shown), np.int32)
        boxes = np.array([BOX] * int(shown), np.float32).reshape(-1, 4)
        return [Detections(boxes_N4=boxes, scores_N=np.ones(len(one), np.float32), classes_N=one, tracks_N=one - 1, names=("person",))]


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    save_pairs(tmp_path)
    (tmp_path / "labels").mkdir()
    left, top, right, bottom = BOX
    line = f"0 {(left + right) / 2 / 56} {(top + bottom) / 2 / 48} {(right - left) / 56} {(bottom - top) / 48}\n"
    for name in ("000D", "001D"):
        (tmp_path / "labels" / f"{name}.txt").write_text(line)
    return tmp_path


def test_every_contender_has_a_row_and_every_shift_a_column(labelled):
    """What infrared shows beside itself is an edge that no camera saw; the visible camera does not notice."""
    report = measure(contenders([]), find_pairs(labelled), (0.0, 3.0), None)
    assert [row["fuser"] for row in report.rows] == list(ALWAYS)
    assert list(report.rows[0]) == ["fuser", "Nabf, 0 px", "Nabf, 3 px"]
    for name in ("average", "laplacian", "infrared"):
        assert report.raw[name]["3"]["Nabf"] > report.raw[name]["0"]["Nabf"]
    assert report.raw["visible"]["3"] == report.raw["visible"]["0"]
    assert "Recall was not measured" in report.notes[0]


def test_recall_stands_beside_it_where_there_is_a_detector(labelled):
    """With the precision, for each shift."""
    report = measure(contenders([]), find_pairs(labelled, boxes=labelled / "labels"), (0.0, 1.0), Bright())
    row = report.rows[0]
    assert [row[f"{what}, {shift} px"] for what in ("recall", "precision") for shift in (0, 1)] == [1, 1, 1, 1]
    assert report.raw["average"]["1"]["boxes"]["recall person"] == 1
    assert not report.notes
