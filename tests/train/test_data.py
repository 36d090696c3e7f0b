"""`streamfuse.train.data`."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from streamfuse.errors import SourceError, UnsupportedInputError
from streamfuse.train.data import find_pairs, load, load_all, part, read_picture
from tests.train.footage import save_recording

RED = (200, 30, 40)


def save(path: Path, picture: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture[..., ::-1] if picture.ndim == 3 else picture)
    return path


def save_pair(root: Path, stem: str = "1", size: tuple[int, int] = (24, 32)) -> None:
    save(root / f"ir/{stem}.png", np.full(size, 77, np.uint8))
    save(root / f"vi/{stem}.png", np.full((24, 32, 3), RED, np.uint8))


def test_loads_a_pair(tmp_path):
    """Infrared comes as luma, visible as RGB, both as they were stored."""
    save_pair(tmp_path)
    infrared, visible = load(find_pairs(tmp_path)[0])
    assert infrared.shape == (24, 32)
    assert (infrared == 77).all()
    assert (visible == RED).all()


def test_infrared_in_three_equal_channels_is_luma(tmp_path):
    """Sets that store infrared in colour give the same levels."""
    save_pair(tmp_path)
    save(tmp_path / "ir/1.png", np.full((24, 32, 3), 91, np.uint8))
    assert (load(find_pairs(tmp_path)[0])[0] == 91).all()


def test_a_grey_visible_picture_has_three_channels(tmp_path):
    """TNO has visible pictures without colour."""
    save_pair(tmp_path)
    save(tmp_path / "vi/1.png", np.full((24, 32), 50, np.uint8))
    assert load(find_pairs(tmp_path)[0])[1].shape == (24, 32, 3)


def test_sizes_that_differ_are_an_error(tmp_path):
    """Pictures that cannot be aligned are refused with both sizes."""
    save_pair(tmp_path, size=(20, 30))
    with pytest.raises(SourceError, match="infrared is 30x20, visible 32x24"):
        load(find_pairs(tmp_path)[0])


def test_deep_pictures_are_refused(tmp_path):
    """16 bits need toning first, and the error says so."""
    path = save(tmp_path / "deep.png", np.full((4, 4), 40_000, np.uint16))
    with pytest.raises(UnsupportedInputError, match="tone it to 8 bits"):
        read_picture(path)


def test_broken_pictures_are_refused(tmp_path):
    """A file that is no picture, and one that is not there, are errors in words."""
    (tmp_path / "broken.png").write_bytes(b"no picture")
    with pytest.raises(SourceError, match="no picture that OpenCV can read"):
        read_picture(tmp_path / "broken.png")
    with pytest.raises(SourceError, match="cannot be read"):
        read_picture(tmp_path / "missing.png")


def test_a_folder_without_pairs_says_what_is_wanted(tmp_path):
    """The error names the layouts."""
    with pytest.raises(SourceError, match=r"no pairs in it.*ir/ and vi/.*m3fd"):
        find_pairs(tmp_path)


def test_boxes_of_another_folder_replace_those_beside(tmp_path):
    """With `boxes`, what lies beside the pictures counts no more."""
    for stem in "12":
        save_pair(tmp_path, stem)
        (tmp_path / "labels").mkdir(exist_ok=True)
        (tmp_path / f"labels/{stem}.txt").touch()
    (tmp_path / "checked").mkdir()
    (tmp_path / "checked/2.txt").touch()
    assert [r.boxes for r in find_pairs(tmp_path)] == [tmp_path / f"labels/{stem}.txt" for stem in "12"]
    assert [r.boxes for r in find_pairs(tmp_path, boxes=tmp_path / "checked")] == [None, tmp_path / "checked/2.txt"]


def test_captions_are_found(tmp_path):
    """`text/` lies beside `ir/` and `vi/`."""
    save_pair(tmp_path, "1")
    save_pair(tmp_path, "2")
    (tmp_path / "text").mkdir()
    (tmp_path / "text/1.txt").touch()
    assert [record.caption for record in find_pairs(tmp_path)] == [tmp_path / "text/1.txt", None]


@pytest.fixture
def recording(tmp_path):
    """Seven frames."""
    save_recording(tmp_path / "yard", 7)
    return tmp_path


def test_every_nth_frame_of_a_video(recording):
    """Two videos give pairs of equal frame numbers, at full range, each decoded once."""
    records = find_pairs(recording, every=3)
    assert [(r.name, r.frame) for r in records] == [("yard/00000", 0), ("yard/00003", 3), ("yard/00006", 6)]
    for record, infrared, visible in load_all(records):
        level = 20 * (record.frame or 0)
        assert np.abs(infrared.astype(int) - level).max() <= 2
        assert np.abs(visible.astype(int) - level).max() <= 2


def test_one_frame_of_a_video(recording):
    """A single record gives its own frame."""
    record = find_pairs(recording, every=3)[2]
    assert abs(int(load(record)[0].mean()) - 120) <= 2


def test_recordings_of_one_folder_have_names_of_their_own(tmp_path):
    """And so have their frames, which begin with the name of the file."""
    for name in ("gate", "door"):
        save_recording(tmp_path / "yard", 2, f"{name}_")
    records = find_pairs(tmp_path, every=1)
    assert [r.name for r in records] == [f"yard/{name}_0000{i}" for name in ("door", "gate") for i in (0, 1)]
    assert [r.after is None for r in records] == [False, True] * 2
    assert len({r.recording for r in records}) == 2


def test_pictures_of_a_recording_are_frames_in_a_row(tmp_path):
    """In a folder that split 1 lists as one; elsewhere pictures that follow each other by name may show anything."""
    for folder in ("m3svd_0117_1605", "stills"):
        for stem in ("00001", "00002"):
            save_pair(tmp_path / folder, stem)
    records = find_pairs(tmp_path)
    assert [r.after and r.after.name for r in records] == ["m3svd_0117_1605/00002", None, None, None]


def test_videos_of_two_rates_are_refused(tmp_path):
    """Frames of equal numbers would show other moments; one frame more at the end does no harm."""
    save_recording(tmp_path / "even", 3, visible_frames=4)
    assert len(find_pairs(tmp_path, every=1)) == 3
    save_recording(tmp_path / "uneven", 3, visible_frames=5)
    with pytest.raises(SourceError, match=r"ir\.mkv has 3 frames, vi\.mkv 5"):
        find_pairs(tmp_path)


@pytest.mark.needs_data
def test_the_development_data_is_divided(data):
    """Both sides have pictures by day and by night, no group is on both, and named recordings are never trained on."""
    records = find_pairs(data)
    training, validation = part(records, "train"), part(records, "validation")
    assert len(training) + len(validation) == len(records) == len({record.name for record in records})
    assert not {r.group for r in training} & {r.group for r in validation}
    for name in ("msrs_dev", "roadscene_dev"):
        for side in (training, validation):
            assert {r.light for r in side if r.name.startswith(name)} == {"day", "night"}
        held_out, trained = (sum(r.name.startswith(name) for r in side) for side in (validation, training))
        assert 0.2 <= held_out / (held_out + trained) <= 0.3
    never = ("m3svd_0117_1605", "m3svd_1230_1202", "m3svd_png_0115_1831_night")
    assert all(record.part == "validation" for record in records if record.name.startswith(never))


@pytest.mark.needs_data
def test_the_development_data_loads(data):
    """A pair of each set is there and whole."""
    firsts = {record.name.split("/")[0]: record for record in reversed(find_pairs(data))}
    for record, infrared, visible in load_all(firsts.values()):
        assert infrared.shape == visible.shape[:2], record.name
