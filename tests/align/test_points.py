"""Points marked by hand."""

import numpy as np
import pytest

from streamfuse.align.grid import through
from streamfuse.align.points import fitted, from_points, left_out_px, load_points, save_points
from streamfuse.errors import RigError

TRUTH = np.array([[1.9, 0.03, 15.0], [-0.02, 2.0, -20.0], [3e-5, -2e-5, 1.0]])
SIZES = ((240, 320), (480, 640))


def marked(count: int = 9, noise: float = 0.0) -> np.ndarray:
    draws = np.random.default_rng(4)
    infrared = draws.uniform((10, 20), (310, 230), (count, 2))
    return np.concatenate([infrared, through(TRUTH, infrared) + draws.normal(0, noise, (count, 2))], 1)


def test_finds_the_homography():
    """Exact points give the exact homography, and no doubt."""
    found = from_points(marked(), SIZES, "homography")
    assert not found.doubts
    assert found.rig.residual_px == pytest.approx(0, abs=1e-3)
    assert np.allclose(found.rig.matrix / found.rig.matrix[2, 2], TRUTH, atol=1e-3)


def test_a_mistake_is_left_out_and_named():
    """One thing confused with another spoils nothing, and its number is told."""
    points = marked(10)
    points[3, 2:] += (90, -60)
    found = from_points(points, SIZES, "homography")
    assert "9 of 10 points" in found.told
    assert found.told.endswith(": 4")
    assert found.rig.residual_px == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("model", "count"), [("homography", 4), ("affine", 3)])
def test_as_many_points_as_unknowns_prove_nothing(model, count):
    """They fit whatever they are, so the result is doubted although its residual is nil."""
    corners = np.array([[10.0, 10], [300, 15], [290, 220], [20, 210]])[:count]
    found = from_points(np.concatenate([corners, through(TRUTH, corners)], 1), SIZES, model)
    assert any("always fit" in doubt for doubt in found.doubts)


def test_residual_is_of_points_not_shown():
    """Leaving each point out in turn gives more than the fit's own error: the honest number."""
    points = marked(8, noise=2.0)
    matrix, _ = fitted(points, "homography", np.inf)
    assert matrix is not None
    own = np.median(np.linalg.norm(through(matrix, points[:, :2]) - points[:, 2:], axis=1))
    assert left_out_px(points, "homography") > own


def test_scattered_points_are_doubted():
    """Where points contradict each other by more than a hundredth of the picture the result is not sure."""
    assert any("contradict" in doubt for doubt in from_points(marked(9, noise=8.0), SIZES, "homography").doubts)


def test_points_in_a_corner_are_doubted():
    """A cluster says little of the rest of the picture."""
    corner = np.random.default_rng(5).uniform(20, 60, (8, 2))
    found = from_points(np.concatenate([corner, through(TRUTH, corner)], 1), SIZES, "affine")
    assert any("small part" in doubt for doubt in found.doubts)


def test_too_few_points_are_refused():
    """The message says how many it takes."""
    with pytest.raises(RigError, match="needs 4 points or more, got 3"):
        from_points(marked(3), SIZES, "homography")


def test_points_on_one_line_are_refused_or_doubted():
    """No homography goes through them that could be trusted."""
    line = np.stack([np.linspace(10, 300, 6), np.full(6, 100.0)], 1)
    points = np.concatenate([line, line * 2], 1)
    try:
        found = from_points(points, SIZES, "affine")
    except RigError:
        return
    assert found.doubts


@pytest.mark.parametrize("name", ["gate.csv", "gate.yaml"])
def test_file_there_and_back(tmp_path, name):
    """What was written is read again, in either format."""
    points = marked(5)
    save_points(points, tmp_path / name)
    assert load_points(tmp_path / name) == pytest.approx(points, abs=0.01)


@pytest.mark.parametrize("text", ["", "points: hello", "a,b\n1,2\n", "points: [[1, 2], [3, 4]]", "points: [[1, 2, 3, .nan]]"])
@pytest.mark.parametrize("name", ["bad.csv", "bad.yaml"])
def test_a_bad_file_is_told(tmp_path, name, text):
    """The message names the file and what was wanted."""
    (tmp_path / name).write_text(text)
    with pytest.raises(RigError, match=name):
        load_points(tmp_path / name)
