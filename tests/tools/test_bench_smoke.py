"""Contrast of warm people through smoke, and colours kept: known pictures, and the masks that are in the repository."""

import cv2
import numpy as np
import pytest
import torch

from streamfuse.evaluate.contender import Sight
from tools.bench.smoke import GAP_PX, MASKS, RING_PX, chroma_distance, measure, regions, weber


def scene(warm: int = 90, cold: int = 60) -> Sight:
    """A warm square on a cold ground, behind grey smoke with a red tinge."""
    infrared = np.full((120, 160), cold, np.uint8)
    infrared[40:70, 50:70] = warm
    return Sight(infrared, np.full((120, 160, 3), (170, 150, 150), np.uint8))


def mask(*corners: tuple[int, int]) -> np.ndarray:
    found = np.zeros((120, 160), np.uint8)
    for top, left in corners:
        found[top : top + 30, left : left + 20] = 255
    return found


def test_contrast_is_webers():
    """|90 - 60| / 60; brighter and darker than the surroundings count alike."""
    assert weber(scene().infrared_HW, regions(mask((40, 50)))) == pytest.approx(0.5)
    assert weber(scene(warm=30).infrared_HW, regions(mask((40, 50)))) == pytest.approx(0.5)
    assert weber(scene(warm=60).infrared_HW, regions(mask((40, 50)))) == 0


def test_surroundings_are_a_ring_without_other_people():
    """Within its reach, after the gap, and nobody's warm patch."""
    first, second = regions(mask((40, 50), (40, 78)))
    assert first.inside_HW.sum() == second.inside_HW.sum() == 600
    assert not (first.around_HW & cv2.dilate(mask((40, 50), (40, 78)), np.ones((2 * 2 + 1, 2 * 2 + 1))).astype(bool)).any()
    rows, columns = np.nonzero(first.around_HW)
    assert rows.min() == 40 - GAP_PX - RING_PX
    assert columns.min() == 50 - GAP_PX - RING_PX


def test_regions_count_by_their_area():
    """A person of twice the size counts twice."""
    picture = scene().infrared_HW.copy()
    picture[80:110, 110:120] = 120
    small = mask((40, 50))
    small[80:110, 110:120] = 255
    assert weber(picture, regions(small)) == pytest.approx((2 * 0.5 + 1 * 1.0) / 3, abs=0.01)


def test_black_surroundings_have_a_finite_contrast():
    """As if they were one grey level."""
    assert weber(scene(warm=90, cold=0).infrared_HW, regions(mask((40, 50)))) == pytest.approx(89)


def test_every_rule_and_both_cameras_stand_in_the_table():
    """And infrared is its own measure, keeps no colour, while the visible camera shows nobody."""
    with torch.inference_mode():
        report, sheet = measure({100: scene()}, {100: mask((40, 50))}, "laplacian", "see through the smoke")
    rows = {row["what"]: row for row in report.rows}
    assert set(rows) == {"average", "maximum", "laplacian", "blend", "salience", "infrared", "visible"}
    assert rows["infrared"]["of infrared"] == rows["average"]["of average"] == 1
    assert rows["infrared"]["Weber"] == pytest.approx(0.5)
    assert rows["visible"]["Weber"] == 0
    assert rows["visible"]["chroma"] == 0
    assert rows["infrared"]["chroma"] == pytest.approx(0.5 * (0.5 * (156 - 150) / 0.886 + 0.5 * (170 - 156) / 0.701), abs=0.5)
    picture = cv2.imdecode(np.frombuffer(sheet[0], np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (60, 7 * 80, 3)


def test_a_fuser_that_reads_words_is_held_against_its_targets(tmp_path):
    """One row without words, one with them, and three targets; names do not show where weights lie."""
    from streamfuse.fuse.weights_file import save_weights
    from streamfuse.networks import create

    torch.manual_seed(1)
    save_weights(create("nano", "small"), tmp_path / "a.safetensors", "minilm")
    with torch.inference_mode():
        report, _ = measure({100: scene()}, {100: mask((40, 50))}, f"nano={tmp_path / 'a.safetensors'}", "see through the smoke")
    assert [row["what"] for row in report.rows][:2] == ["nano: neutral", "nano: see through the smoke"]
    assert len([note for note in report.notes if note.startswith("Target")]) == 3
    assert set(report.raw["nano: neutral"]) == {"contrast", "chroma"}


def test_masks_are_those_of_the_recording():
    """Twelve frames of black and white, 640x480, with somebody in each."""
    masks = {int(path.stem): cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in MASKS.glob("*.png")}
    assert sorted(masks) == list(range(100, 321, 20))
    for found in masks.values():
        assert found is not None
        assert found.shape == (480, 640)
        assert set(np.unique(found)) == {0, 255}
        assert len(regions(np.asarray(found, np.uint8))) >= 2


def test_chroma_of_the_visible_camera_is_at_no_distance():
    """Whatever its luma."""
    from streamfuse.evaluate.contender import contenders

    fused = contenders(["average"])[0].fuse(scene())
    assert chroma_distance(fused) == pytest.approx(0, abs=1e-4)
