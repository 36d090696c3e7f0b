"""Pictures for calibration out of two recordings."""

import numpy as np
import pytest

from streamfuse.cli.stills import grey, stills
from streamfuse.errors import SourceError
from streamfuse.frames import Spectrum
from streamfuse.video import write_video


def record(path, fps: float, levels: list[int]) -> str:
    """A flat frame of each level."""
    write_video(path, [np.full((48, 64), level, np.uint8) for level in levels], fps=fps)
    return str(path)


def test_pairs_lie_together_in_time(tmp_path):
    """A camera of 10 fps and one of 30: each pair is of one instant, and the pairs are as far apart as was asked."""
    slow = record(tmp_path / "slow.mkv", 10, [20 * number for number in range(12)])
    fast = record(tmp_path / "fast.mkv", 30, [20 * (number // 3) for number in range(36)])
    heard: list[int] = []
    found = stills({Spectrum.INFRARED: slow, Spectrum.VISIBLE: fast}, 3, 0.4, heard.append)
    assert heard == [1, 2, 3]
    firsts = [float(picture.mean()) for picture in found.infrared]
    assert firsts == pytest.approx([0, 80, 160], abs=12)
    assert [float(picture.mean()) for picture in found.visible] == pytest.approx(firsts, abs=30)


def test_a_short_recording_gives_what_it_has(tmp_path):
    """Fewer pairs than were asked for are no error."""
    paths = [record(tmp_path / f"{name}.mkv", 10, [50, 60]) for name in "ab"]
    found = stills({Spectrum.INFRARED: paths[0], Spectrum.VISIBLE: paths[1]}, 9, 0.0, lambda count: None)
    assert len(found.infrared) == len(found.visible) == 2


def test_a_folder_without_pictures_is_told(tmp_path):
    """The message names it."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="empty"):
        stills({Spectrum.INFRARED: str(tmp_path / "empty"), Spectrum.VISIBLE: str(tmp_path / "empty")}, 1, 0, lambda count: None)


def test_grey_of_every_kind(frame, planes):
    """Infrared as it is, luma of planes, and luma of RGB."""
    assert grey(frame(Spectrum.INFRARED)).mean() == 200
    assert grey(frame(Spectrum.VISIBLE, image=planes(luma=77))).mean() == 77
    assert grey(frame(Spectrum.VISIBLE, image=np.full((8, 9, 3), (255, 0, 0), np.uint8))).mean() == pytest.approx(76, abs=1)
