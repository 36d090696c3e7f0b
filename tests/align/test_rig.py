"""A calibration as a file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from streamfuse.align.rig import Rig, load_rig, save_rig
from streamfuse.errors import RigError

EXAMPLE = Path(__file__).parent.parent.parent / "configs" / "rigs" / "example.yaml"
UNIT = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
CAMERA = [[500, 0, 319.5], [0, 500, 239.5], [0, 0, 1]]
PLAIN: dict[str, Any] = {"homography": UNIT, "infrared_size": [480, 640], "visible_size": [480, 640]}
FULL: dict[str, Any] = {
    **PLAIN,
    "homography": [[2.01, 0.013, 7.25], [-0.0111111111111, 1.99, -3.5], [1e-5, -2e-6, 1.0]],
    "infrared_size": [240, 320],
    "infrared_camera": [[290, 0, 159.5], [0, 290, 119.5], [0, 0, 1]],
    "infrared_distortion": [-0.2, 0.05, 0.001, -0.001, 0.01],
    "visible_camera": CAMERA,
    "visible_distortion": [-0.1, 0.01, 0, 0],
    "date": "2026-01-31",
    "method": "clicked points",
    "residual_px": 0.75,
}


def rig(**changes: Any) -> Rig:
    return Rig.model_validate({**PLAIN, **changes})


@pytest.fixture
def file(tmp_path):
    """`file(values or text)`: a rig file."""

    def write(content: Any) -> Path:
        path: Path = tmp_path / "rig.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    return write


@pytest.mark.parametrize("values", [PLAIN, FULL])
def test_survives_the_file(tmp_path, values):
    """A rig that was saved and loaded is the same rig, to the last digit, with the same id."""
    made = Rig.model_validate(values)
    save_rig(made, tmp_path / "rig.yaml")
    loaded = load_rig(tmp_path / "rig.yaml")
    assert loaded == made
    assert loaded.id == made.id


def test_file_is_for_people(tmp_path):
    """A saved file holds what is known and not what is missing, a row of the homography on a line."""
    save_rig(rig(), tmp_path / "rig.yaml")
    text = (tmp_path / "rig.yaml").read_text()
    assert "camera" not in text
    assert "residual" not in text
    assert "- [1.0, 0.0, 0.0]\n" in text


def test_date_may_stand_without_quotes(file):
    """What YAML takes for a date is a date in words."""
    assert load_rig(file("date: 2026-01-31\n" + yaml.safe_dump(PLAIN))).date == "2026-01-31"


def test_shipped_example_is_right():
    """The rig that ships fits 320x240 onto 640x480, and all of its picture lies inside."""
    example = load_rig(EXAMPLE)
    assert (example.infrared_size, example.visible_size) == ((240, 320), (480, 640))
    corners = np.array([[-0.5, -0.5, 1], [319.5, -0.5, 1], [-0.5, 239.5, 1], [319.5, 239.5, 1]]) @ example.matrix.T
    seen = corners[:, :2] / corners[:, 2:]
    assert (seen > 0).all()
    assert (seen < [640, 480]).all()


def test_commented_lenses_of_the_example_are_right(file):
    """Taking the comments away from the example's lenses leaves a rig that loads."""
    text = EXAMPLE.read_text()
    for key in ("infrared_camera", "infrared_distortion", "visible_camera", "visible_distortion"):
        assert f"# {key}: " in text
        text = text.replace(f"# {key}: ", f"{key}: ")
    assert load_rig(file(text)).visible_distortion == (-0.1, 0.01, 0.0, 0.0)


def test_missing_file(tmp_path):
    """A missing file is named, with the two ways out."""
    with pytest.raises(RigError, match=r"no rig file .*gone.yaml; make one with `streamfuse calibrate`, or leave `rig` out"):
        load_rig(tmp_path / "gone.yaml")


def test_folder_is_no_file(tmp_path):
    """What cannot be read is named."""
    with pytest.raises(RigError, match="cannot read the rig file"):
        load_rig(tmp_path)


@pytest.mark.parametrize("content", ["homography: [[1, 0", "\x00", "a: b: c"])
def test_broken_yaml(file, content):
    """A file that is not YAML is a RigError that names it."""
    with pytest.raises(RigError, match=r"cannot read the rig file .*rig.yaml"):
        load_rig(file(content))


def test_bytes_that_are_no_text(tmp_path):
    """A picture that was named by mistake is no rig."""
    (tmp_path / "rig.yaml").write_bytes(bytes(range(128, 256)))
    with pytest.raises(RigError, match="cannot read the rig file"):
        load_rig(tmp_path / "rig.yaml")


@pytest.mark.parametrize("content", ["", "- 1\n- 2\n", "just words"])
def test_not_a_mapping(file, content):
    """A file of something else says what a rig needs."""
    with pytest.raises(RigError, match="is not a rig: want a mapping with `homography`, `infrared_size` and `visible_size`"):
        load_rig(file(content))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"homografy": UNIT}, "homografy: unknown key; did you mean 'homography'?", id="unknown key"),
        pytest.param({"homography": [[1, 0], [0, 1]]}, "homography.2: missing", id="too small"),
        pytest.param(
            {"homography": [[1, 2, 0], [2, 4, 0], [0, 0, 1]]}, "homography: the matrix must be finite and invertible", id="singular"
        ),
        pytest.param({"homography": [[0] * 3] * 3}, "homography: the matrix must be finite and invertible", id="zero"),
        pytest.param({"homography": [[float("nan"), 0, 0], *UNIT[1:]]}, "homography: the matrix must be finite", id="nan"),
        pytest.param({"homography": [[1, 0, 0], [0, 1, 0], [0, 1, -239.5]]}, "centre of a picture of this size at infinity", id="infinity"),
        pytest.param({"infrared_size": [480]}, "infrared_size.1: missing", id="one edge"),
        pytest.param({"visible_size": [0, 640]}, "visible_size.0: Input should be greater than 0, got 0", id="no size"),
        pytest.param({"visible_camera": [[0] * 3] * 3}, "visible_camera: the matrix must be finite and invertible", id="camera"),
        pytest.param(
            {"infrared_distortion": [0.1, 0, 0, 0]}, "infrared_distortion: means nothing without `infrared_camera`", id="no camera"
        ),
        pytest.param({"visible_camera": CAMERA, "visible_distortion": [0.1] * 3}, "want 4, 5, 8, 12, 14 finite numbers", id="coefficients"),
        pytest.param({"visible_camera": CAMERA, "visible_distortion": [float("inf")] * 4}, "finite numbers, or none", id="inf"),
        pytest.param({"residual_px": -1}, "residual_px: Input should be greater than or equal to 0, got -1", id="residual"),
        pytest.param({"schema_version": 2}, "schema_version: Input should be less than or equal to 1, got 2", id="version"),
    ],
)
def test_wrong_values(file, changes, message):
    """Each wrong value is a RigError that names the file, the key, what was wanted and what came."""
    with pytest.raises(RigError) as caught:
        load_rig(file({**PLAIN, **changes}))
    assert message in str(caught.value)
    assert "rig.yaml: " in str(caught.value)


def test_missing_keys(file):
    """All missing keys are named at once."""
    with pytest.raises(RigError) as caught:
        load_rig(file({"date": "today"}))
    assert str(caught.value).count(": missing") == 3


def test_id_follows_the_geometry():
    """The id changes with everything that moves a pixel, and with nothing else."""
    made = Rig.model_validate(FULL)
    remarks: list[dict[str, Any]] = [{"date": "2027-01-01"}, {"method": "board"}, {"residual_px": 9.0}]
    assert {Rig.model_validate({**FULL, **change}).id for change in remarks} == {made.id}
    moved: list[dict[str, Any]] = [
        {"homography": [[2.01, 0.013, 7.250001], *FULL["homography"][1:]]},
        {"infrared_size": [240, 321]},
        {"visible_size": [481, 640]},
        {"infrared_distortion": [-0.2, 0.05, 0.001, -0.001, 0.011]},
        {"visible_camera": [[501, 0, 319.5], *CAMERA[1:]]},
    ]
    ids = {Rig.model_validate({**FULL, **change}).id for change in moved}
    assert len(ids) == len(moved)
    assert made.id not in ids
    assert len(made.id) == 8
    int(made.id, 16)


@pytest.mark.parametrize(
    ("changes", "nothing"),
    [
        ({}, True),
        ({"homography": [[-3, 0, 0], [0, -3, 0], [0, 0, -3]]}, True),
        ({"homography": [[1, 0, 0.01], [0, 1, 0], [0, 0, 1]]}, False),
        ({"infrared_size": [240, 320]}, False),
        ({"infrared_camera": CAMERA, "infrared_distortion": [0.1, 0, 0, 0]}, False),
        ({"visible_camera": CAMERA, "visible_distortion": [0.1, 0, 0, 0]}, False),
    ],
)
def test_knows_when_it_moves_nothing(changes, nothing):
    """Only the identity between pictures of one size without distortion moves nothing, at whatever scale it was written."""
    assert rig(**changes).moves_nothing is nothing


@pytest.mark.parametrize("factor", [1.0, -1.0, 1e-9, -250.0])
def test_scale_of_a_homography_means_nothing(factor):
    """A homography may be written at any scale and sign, and puts the picture's centre before the camera."""
    written = np.array(FULL["homography"])
    plain = rig(homography=written.tolist(), infrared_size=[240, 320])
    scaled = rig(homography=(factor * written).tolist(), infrared_size=[240, 320])
    assert np.allclose(scaled.matrix, plain.matrix, rtol=1e-9)
    assert scaled.matrix[2] @ (159.5, 119.5, 1) == pytest.approx(1)
