"""write_video: what goes in comes out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamfuse.errors import FrameError, SourceError
from streamfuse.frames import Planes
from streamfuse.video import from_rgb, write_video
from streamfuse.video.container import Opening, VideoReader
from streamfuse.video.pictures import infrared, visible


def frames_of(path: Path) -> list[Any]:
    reader = VideoReader(Opening(url=str(path), name=path.name))
    frames: list[Any] = []
    while (packet := reader.packet()) is not None:
        frames += reader.decode(packet)
    frames += reader.decode(None)
    reader.close()
    return frames


@pytest.mark.parametrize("size", [(48, 64), (47, 63)])
@pytest.mark.parametrize("tags", [("bt601", "full"), ("bt601", "limited"), ("bt709", "limited"), ("bt709", "full")])
def test_lossless_planes_and_tags(tmp_path, size, tags):
    """With a lossless codec every bit and both tags come back, in odd sizes too."""
    pictures = [from_rgb(rgb) for rgb in np.random.default_rng(0).integers(0, 255, (3, *size, 3), np.uint8)]
    write_video(tmp_path / "a.mkv", pictures, 25, "ffv1", tags)
    for frame, planes in zip(frames_of(tmp_path / "a.mkv"), pictures, strict=True):
        picture = visible(frame)
        assert isinstance(picture.image, Planes)
        assert np.array_equal(picture.image.y, planes.y)
        assert np.array_equal(picture.image.v, planes.v)
        assert (picture.matrix, picture.range) == tags


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lossless_grey(tmp_path, dtype):
    """Grey of 8 and 16 bits comes back to the last bit."""
    pictures = list(np.random.default_rng(0).integers(0, np.iinfo(dtype).max, (3, 47, 63), dtype))
    write_video(tmp_path / "a.mkv", pictures, 25, "ffv1", None)
    assert all(
        np.array_equal(np.asarray(infrared(frame).image), want) for frame, want in zip(frames_of(tmp_path / "a.mkv"), pictures, strict=True)
    )


def test_default_is_h264_in_bt601_full(tmp_path):
    """The default file is small, plays anywhere, and says what its colours mean."""
    write_video(tmp_path / "a.mp4", [from_rgb(np.full((48, 64, 3), (200, 60, 40), np.uint8))] * 5, 29.97)
    frames = frames_of(tmp_path / "a.mp4")
    assert len(frames) == 5
    assert (visible(frames[0]).matrix, visible(frames[0]).range) == ("bt601", "full")


def test_nothing_to_write(tmp_path):
    """A video of no pictures is an error, and leaves no file."""
    with pytest.raises(FrameError, match="at least one"):
        write_video(tmp_path / "a.mp4", [], 25)
    assert not (tmp_path / "a.mp4").exists()


def test_where_it_cannot_be_written(tmp_path):
    """A folder that is not there and a codec that does not take the size are errors of ours."""
    even, odd = (from_rgb(np.zeros((*size, 3), np.uint8)) for size in ((48, 64), (47, 63)))
    with pytest.raises(SourceError, match="not found"):
        write_video(tmp_path / "none" / "a.mp4", [even], 25)
    with pytest.raises(SourceError, match=r"a\.mp4"):
        write_video(tmp_path / "a.mp4", [odd], 25)
