"""Runs over data sets."""

from collections.abc import Sequence

import numpy as np
import pytest

from streamfuse.errors import ConfigError
from streamfuse.evaluate.contender import ALWAYS, Steadied, contenders
from streamfuse.evaluate.metrics import fusion_metrics
from streamfuse.evaluate.run import Settings, run, run_words
from streamfuse.frames import Fused
from streamfuse.fuse.steady import SteadySettings
from streamfuse.results import Detections
from streamfuse.train.data import PairRecord, find_pairs, grey, load
from tests.evaluate.conftest import save_pairs

QUICK = Settings(metrics=("EN", "VIF", "Nabf"), examples=1)


class KnowsOne:
    """A detector that always finds the same person."""

    name = "one"

    def to(self, device) -> None: ...

    def detect(self, fused: Fused) -> list[Detections]:
        one = np.zeros(1, np.int32)
        box = np.array([[10, 10, 30, 40]], np.float32)
        return [Detections(boxes_N4=box, scores_N=np.ones(1, np.float32), classes_N=one, tracks_N=one - 1, names=("person",))]


def test_scores_are_those_of_the_pictures(tmp_path):
    """Each row and pair has what the metrics say of the very pictures."""
    records = find_pairs(save_pairs(tmp_path))
    report = run(contenders([]), records, QUICK)
    assert report.fusers == ALWAYS
    assert report.scores_FNM.shape == (len(ALWAYS), 2, 3)
    row = report.fusers.index("infrared")
    infrared, visible = load(records[1])
    want = fusion_metrics(infrared, grey(visible), infrared, names=QUICK.metrics)
    assert report.scores_FNM[row, 1].tolist() == pytest.approx(list(want.values()))
    assert report.interval("infrared", "EN").mean == pytest.approx(report.scores_FNM[row, :, 0].mean())


def test_ranking_is_from_the_best(tmp_path):
    """Places grow, and every row has one."""
    ranked = run(contenders([]), find_pairs(save_pairs(tmp_path, 3)), QUICK).ranked()
    places = [place.mean for _, place in ranked]
    assert places == sorted(places)
    assert {name for name, _ in ranked} == set(ALWAYS)


def test_examples_are_in_colour(tmp_path):
    """Some pairs are kept as pictures of every row."""
    report = run(contenders([]), find_pairs(save_pairs(tmp_path, 5)), Settings(metrics=("EN",), examples=2))
    assert [example.name for example in report.examples] == [report.pairs[0], report.pairs[-1]]
    visible = report.examples[0].pictures["visible"]
    assert visible.shape == (48, 56, 3)
    assert np.abs(visible.astype(int).mean((0, 1)) - load(find_pairs(tmp_path)[0])[1].mean((0, 1))).max() < 2


def test_a_bar_sees_every_pair(tmp_path):
    """Whoever tracks gets the records, in order."""
    seen: list[str] = []

    def tracked(records: Sequence[PairRecord]) -> Sequence[PairRecord]:
        seen.extend(record.name for record in records)
        return records

    report = run(contenders([]), find_pairs(save_pairs(tmp_path, 3)), QUICK, tracked)
    assert tuple(seen) == report.pairs


def test_shifted_infrared_is_held_against_the_unshifted(tmp_path):
    """Misregistered by three pixels the camera alone no longer is itself; the visible row does not notice. The same shift each time."""
    records = find_pairs(save_pairs(tmp_path))
    settings = Settings(metrics=("SSIM",), shifted_px=3)
    still, moved, again = (run(contenders([]), records, one) for one in (Settings(metrics=("SSIM",)), settings, settings))
    assert moved.interval("infrared", "SSIM").mean < still.interval("infrared", "SSIM").mean - 0.1
    assert moved.interval("visible", "SSIM") == still.interval("visible", "SSIM")
    assert (moved.scores_FNM == again.scores_FNM).all()


def test_recordings_are_measured_as_such(tmp_path):
    """With `video`, the frames of each folder are one recording."""
    for name in ("gate", "yard"):
        save_pairs(tmp_path / name, 3, (64, 72))
    report = run(contenders([]), find_pairs(tmp_path, every=1), Settings(metrics=("EN",), video=True))
    assert set(report.video) == {"gate", "yard"}
    assert set(report.video["gate"]) == set(ALWAYS)
    gate = report.video["gate"]
    assert gate["average"]["BiSWE"] > 0
    assert gate["maximum"]["of maximum"] == 1
    assert gate["average"]["of maximum"] == pytest.approx(gate["average"]["BiSWE/SD"] / gate["maximum"]["BiSWE/SD"])


def test_a_steadied_row_leans_on_its_own_recording_alone(tmp_path):
    """Its video is steadier, and the first frame of each recording is as it was fused."""
    for name in ("gate", "yard"):
        save_pairs(tmp_path / name, 3, (64, 72))
    average = contenders(["average"])[0]
    steadied = Steadied(average, SteadySettings(reach=20))
    report = run([steadied, *contenders([])], find_pairs(tmp_path, every=1), Settings(metrics=("EN", "SD"), video=True))
    assert report.fusers[:2] == ("average, steady", "average")
    for recording in report.video.values():
        assert recording["average, steady"]["BiSWE"] < recording["average"]["BiSWE"]
    first = [number for number, name in enumerate(report.pairs) if name.endswith("000D")]
    assert len(first) == 2
    same = (report.scores_FNM[0] == report.scores_FNM[1]).all(1)
    assert [number for number, each in enumerate(same) if each] == first


def test_recordings_of_one_name_are_told_apart(tmp_path):
    """By the whole path where the folder's name is not enough."""
    for name in ("monday/gate", "tuesday/gate"):
        save_pairs(tmp_path / name, 3, (64, 72))
    report = run(contenders([]), find_pairs(tmp_path, every=1), Settings(metrics=("EN",), video=True))
    assert list(report.video) == [str(tmp_path / day / "gate" / "vi") for day in ("monday", "tuesday")]


def test_boxes_are_compared_where_there_are_labels(tmp_path):
    """A detector looks at every row's picture; only labelled pairs count."""
    save_pairs(tmp_path)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "000D.txt").write_text(f"0 {20 / 56} {25 / 48} {20 / 56} {30 / 48}\n")
    records = find_pairs(tmp_path, boxes=tmp_path / "labels")
    found = run(contenders([]), records, Settings(metrics=("EN",), detector=KnowsOne())).boxes
    assert set(found) == set(ALWAYS)
    assert found["blend"]["recall person"] == found["blend"]["precision"] == 1


def test_a_detector_without_labels(tmp_path):
    """Nothing to compare with is an error before any work."""
    with pytest.raises(ConfigError, match="no pair has labels"):
        run(contenders([]), find_pairs(save_pairs(tmp_path)), Settings(detector=KnowsOne()))


def test_a_wrong_metric_is_told_first(tmp_path):
    """Names are checked before any work."""
    with pytest.raises(ConfigError, match="did you mean 'VIF'"):
        run(contenders([]), find_pairs(save_pairs(tmp_path)), Settings(metrics=("VFI",)))


def test_words_are_examined_by_fault(tmp_path):
    """Every fuser is examined in every fault, whatever prompts it was asked to run under."""
    records = find_pairs(save_pairs(tmp_path, 1))
    found = run_words([row for row in contenders([]) if row.name == "salience"], records, 1)
    assert list(found) == ["salience", "classical repair"]
    assert "infrared.stripes" in found["salience"]
    assert found["salience"]["infrared.stripes"]["gain"].mean == pytest.approx(0, abs=1e-9)


def test_classical_repair_is_the_yardstick(tmp_path):
    """It stands beside every fuser, leads itself by nothing, and the others by what they are better."""
    records = find_pairs(save_pairs(tmp_path, 2))
    found = run_words([row for row in contenders([]) if row.name == "salience"], records, 2)
    for fault, row in found["salience"].items():
        repair = found["classical repair"][fault]
        assert repair["over_repair"].mean == 0
        assert row["over_repair"].mean == pytest.approx(row["right"].mean - repair["right"].mean)
    assert found["classical repair"]["infrared.stripes"]["gain"].mean > 0.5
