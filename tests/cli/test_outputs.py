"""Files that a command is asked to leave behind."""

import cv2
import numpy as np
import pytest

from streamfuse.cli.outputs import PICTURES, check_output, write_picture
from streamfuse.errors import ConfigError


@pytest.mark.parametrize("name", ["a.png", "a.JPG", "there.png"])
def test_what_can_be_written_passes(tmp_path, name):
    """A new name in a folder that exists, in either case, and a file that is there already."""
    (tmp_path / "there.png").touch()
    check_output(tmp_path / name, PICTURES)


@pytest.mark.parametrize(
    ("name", "told"),
    [("a.xyz", r"want a name that ends in \.png or \.jpg"), ("no/a.png", "there is no folder .*no"), ("dir.png", "this is a folder")],
)
def test_what_cannot_is_told(tmp_path, name, told):
    """Each by what is wrong with it."""
    (tmp_path / "dir.png").mkdir()
    with pytest.raises(ConfigError, match=told):
        check_output(tmp_path / name, PICTURES)


def test_any_ending_where_none_is_asked_for(tmp_path):
    """A report may be called anything."""
    check_output(tmp_path / "report")


def test_a_picture_comes_back_in_its_colours(tmp_path):
    """RGB goes in; what OpenCV reads again is BGR."""
    rgb_HW3 = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    write_picture(tmp_path / "a.png", rgb_HW3)
    back = cv2.imread(str(tmp_path / "a.png"))
    assert back is not None
    assert np.array_equal(back[..., ::-1], rgb_HW3)


def test_a_picture_that_its_format_cannot_hold(tmp_path):
    """JPEG ends at 65,500 pixels: an error, and no empty file."""
    with pytest.raises(OSError, match="70000x1 cannot be written as"):
        write_picture(tmp_path / "wide.jpg", np.zeros((1, 70_000, 3), np.uint8))
    assert not (tmp_path / "wide.jpg").exists()


def test_a_picture_that_cannot_be_written_says_so(tmp_path):
    """Unlike OpenCV, which answers False."""
    with pytest.raises(OSError, match="No such file"):
        write_picture(tmp_path / "gone" / "a.png", np.zeros((8, 8, 3), np.uint8))
