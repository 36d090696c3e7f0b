"""ImageSource: folders of pictures made on the spot."""

import logging
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from streamfuse.errors import ConfigError, SourceError, UnsupportedInputError
from streamfuse.frames import Spectrum
from streamfuse.source.images import ImageSettings, ImageSource

RGB = (200, 60, 40)


@pytest.fixture
def folder(tmp_path):
    """Twelve grey pictures, 0.png to 11.png, each as bright as its number."""
    for number in range(12):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((6, 8), number, np.uint8))
    return tmp_path


def source_of(folder: Path, spectrum: Spectrum = Spectrum.INFRARED, **settings: Any) -> ImageSource:
    return ImageSource(ImageSettings(spectrum=spectrum, path=folder, **settings))


def frames_of(source: ImageSource) -> list[Any]:
    source.open()
    frames = list(iter(source.read, None))
    source.close()
    return frames


def test_natural_order_at_the_rate_given(folder):
    """Number 2 comes before number 10, and times follow from the rate."""
    frames = frames_of(source_of(folder, fps=25))
    assert [int(frame.image[0, 0]) for frame in frames] == list(range(12))
    assert [frame.t_cap_ns for frame in frames] == [n * 40_000_000 for n in range(12)]
    assert [frame.seq for frame in frames] == list(range(12))
    assert {frame.clock for frame in frames} == {"media"}


def test_odd_rates_do_not_drift(folder):
    """Times come from the number of the picture, not from adding up a rounded period."""
    frames = frames_of(source_of(folder, fps=30))
    assert frames[9].t_cap_ns == 300_000_000


@pytest.mark.parametrize(
    ("head", "times"),
    [("file,t_ns", ["1700000000000000000", "1700000000033333333"]), ("seconds,file", ["1700000000", "1700000000.033333333"])],
)
def test_times_from_a_table(folder, head, times):
    """A table beside the pictures names which of them count, and when they were taken, to the nanosecond."""
    lines = [f"{name},{t}" if head.startswith("file") else f"{t},{name}" for name, t in zip(("3.png", "1.png"), times, strict=True)]
    (folder / "timestamps.csv").write_text("\n".join([head, *lines]))
    frames = frames_of(source_of(folder))
    assert [int(frame.image[0, 0]) for frame in frames] == [3, 1]
    assert [frame.t_cap_ns for frame in frames] == [1_700_000_000_000_000_000, 1_700_000_000_033_333_333]


def test_no_rate_and_no_table(folder):
    """Without times there is an error that says how to give them; the files' own times are never used."""
    with pytest.raises(ConfigError, match=r"set fps, or put a timestamps\.csv"):
        source_of(folder).open()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,time\n0.png,1", "want a first line"),
        ("", "want a first line"),
        ("file,t_ns", "no lines"),
        ("file,t_ns\n0.png,soon", "line 2: want a file and a number"),
        ("file,t_ns\n0.png", "line 2: want a file and a number"),
        ("file,seconds\n0.png,inf", "line 2: want a file and a number"),
        ("file,t_ns\n0.png,5\n1.png,5", "line 3: times must grow"),
        (b"file,t_ns\n\xff\xfe", "cannot be read"),
    ],
)
def test_broken_table(folder, text, words):
    """What is wrong with a table is said with its line."""
    (folder / "timestamps.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError, match=words):
        source_of(folder).open()


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp", "bmp"])
def test_visible_is_rgb(tmp_path, suffix):
    """Every kind of file gives red as red."""
    cv2.imwrite(str(tmp_path / f"0.{suffix}"), np.full((32, 32, 3), RGB[::-1], np.uint8))
    image = frames_of(source_of(tmp_path, Spectrum.VISIBLE, fps=1))[0].image
    assert image.shape == (32, 32, 3)
    assert np.abs(image.astype(int) - RGB).max() <= (0 if suffix in ("png", "tif", "bmp") else 4)


def test_visible_grey_and_alpha(tmp_path):
    """Grey pictures become RGB, and an alpha channel is left out."""
    cv2.imwrite(str(tmp_path / "0.png"), np.full((4, 4), 77, np.uint8))
    cv2.imwrite(str(tmp_path / "1.png"), np.full((4, 4, 4), (1, 2, 3, 128), np.uint8))
    frames = frames_of(source_of(tmp_path, Spectrum.VISIBLE, fps=1))
    assert [frame.image[0, 0].tolist() for frame in frames] == [[77, 77, 77], [3, 2, 1]]


@pytest.mark.parametrize("suffix", ["png", "tif", "tiff"])
def test_infrared_of_16_bits(tmp_path, suffix):
    """Deep pictures keep all their bits."""
    deep = np.random.default_rng(0).integers(0, 65536, (16, 20), np.uint16)
    if suffix == "png":
        cv2.imwrite(str(tmp_path / "0.png"), deep)
    else:
        tifffile.imwrite(tmp_path / f"0.{suffix}", deep)
    frame = frames_of(source_of(tmp_path, fps=1, bits=16))[0]
    assert frame.image.dtype == np.uint16
    assert np.array_equal(frame.image, deep)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_infrared_coded_as_rgb(tmp_path, dtype):
    """Grey that was stored with three equal channels is the same grey again, in either depth."""
    grey = np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (16, 20), dtype)
    cv2.imwrite(str(tmp_path / "0.png"), np.dstack([grey] * 3))
    assert np.array_equal(frames_of(source_of(tmp_path, fps=1))[0].image, grey)


@pytest.mark.parametrize("content", [pytest.param(b"", id="zero bytes"), pytest.param(b"\x89PNG\r\n\x1a\nno", id="cut off")])
def test_unreadable_pictures_are_counted_and_skipped(folder, content, caplog):
    """A bad picture costs itself: the others keep their times, and the log speaks of it twice, not once per picture."""
    for number in (0, 4, 5, 11):
        (folder / f"{number}.png").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        frames = frames_of(source := source_of(folder, fps=10))
    assert source.problems["unreadable"] == 4
    assert [frame.t_cap_ns // 100_000_000 for frame in frames] == [1, 2, 3, 6, 7, 8, 9, 10]
    assert [frame.seq for frame in frames] == list(range(8))
    assert len(caplog.records) == 2


def test_all_unreadable(tmp_path):
    """A folder in which nothing can be read is an error."""
    (tmp_path / "0.png").touch()
    source = source_of(tmp_path, fps=1)
    source.open()
    with pytest.raises(SourceError, match="not one of 1 pictures"):
        source.read()


def test_picture_named_in_the_table_but_missing(folder):
    """A picture that the table names and the folder lacks counts as unreadable."""
    (folder / "timestamps.csv").write_text("file,t_ns\nnone.png,1\n3.png,2")
    frames = frames_of(source := source_of(folder))
    assert [frame.t_cap_ns for frame in frames] == [2]
    assert source.problems["unreadable"] == 1


def test_folder_without_pictures(tmp_path):
    """An empty folder, a missing one and a file are told apart."""
    (tmp_path / "notes.txt").write_text("x")
    for path, words in ((tmp_path, "no pictures"), (tmp_path / "none", "no such folder"), (tmp_path / "notes.txt", "not a folder")):
        with pytest.raises(SourceError, match=words):
            source_of(path, fps=1).open()


def test_visible_of_16_bits(tmp_path):
    """Deep colour pictures are refused, with the guess that the folders were swapped."""
    cv2.imwrite(str(tmp_path / "0.png"), np.zeros((4, 4, 3), np.uint16))
    source = source_of(tmp_path, Spectrum.VISIBLE, fps=1)
    source.open()
    with pytest.raises(UnsupportedInputError, match="is this the infrared folder"):
        source.read()


def test_16_bits_where_8_were_promised(tmp_path):
    """The promise in the configuration is kept or refused, never rounded."""
    cv2.imwrite(str(tmp_path / "0.png"), np.zeros((4, 4), np.uint16))
    source = source_of(tmp_path, fps=1, bits=8)
    source.open()
    with pytest.raises(UnsupportedInputError, match="bits: 8"):
        source.read()


def test_floating_point(tmp_path):
    """Temperatures in floating point are refused rather than cut to integers."""
    tifffile.imwrite(tmp_path / "0.tif", np.zeros((4, 4), np.float32))
    source = source_of(tmp_path, fps=1)
    source.open()
    with pytest.raises(UnsupportedInputError, match="float32"):
        source.read()


def test_sizes_may_change(folder):
    """Each frame has the size of its picture."""
    cv2.imwrite(str(folder / "5.png"), np.zeros((9, 7), np.uint8))
    assert {frame.size for frame in frames_of(source_of(folder, fps=1))} == {(6, 8), (9, 7)}


def test_identity_is_that_of_the_content(folder, tmp_path_factory):
    """The same pictures elsewhere are the same recording; another rate or another picture makes another one."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for path in folder.iterdir():
        (elsewhere / path.name).write_bytes(path.read_bytes())
    sources = [source_of(folder, fps=5), source_of(elsewhere, fps=5), source_of(folder, fps=6)]
    for source in sources:
        source.open()
    assert sources[0].identity == sources[1].identity != sources[2].identity
    cv2.imwrite(str(elsewhere / "11.png"), np.full((6, 8), 99, np.uint8))
    sources[1].open()
    assert sources[0].identity != sources[1].identity


@pytest.mark.needs_data
def test_recorded_pictures(data):
    """The night recording is a pair of folders with as many pictures in each."""
    night = data / "replay" / "m3svd_png_0115_1831_night"
    infrared = frames_of(source_of(night / "ir", fps=10))
    visible = frames_of(source_of(night / "vi", Spectrum.VISIBLE, fps=10))
    assert [f.t_cap_ns for f in infrared] == [f.t_cap_ns for f in visible]
    assert {f.size for f in infrared + visible} == {(480, 640)}
    assert all(a.t_cap_ns < b.t_cap_ns for a, b in pairwise(infrared))
