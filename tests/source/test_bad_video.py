"""AvSource on files that are cut off, damaged, or no video at all."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from streamfuse.errors import SourceError, UnsupportedInputError
from streamfuse.frames import Spectrum
from streamfuse.source.av_stream import AvSettings, AvSource
from streamfuse.video import write_video


@pytest.fixture(scope="module")
def clip(moving, tmp_path_factory):
    """Two seconds of H.264 at 30 pictures a second."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_video(path, moving, 30)
    return path


def source_of(path: Path) -> AvSource:
    return AvSource(AvSettings(spectrum=Spectrum.VISIBLE, url=str(path)))


def frames_of(source: AvSource) -> list[Any]:
    source.open()
    frames = list(iter(source.read, None))
    source.close()
    return frames


@pytest.mark.parametrize(("name", "kept"), [("cut.avi", 0.75), ("cut.mkv", 0.4)])
def test_truncated_video_gives_what_is_left(tmp_path, moving, name, kept):
    """The frames before the cut come, then the stream ends and says that it is not whole."""
    write_video(tmp_path / name, moving, 30, "mpeg4")
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * kept)])
    frames = frames_of(source := source_of(tmp_path / name))
    assert 0 < len(frames) < 60
    assert source.problems["truncated"] > 0
    assert all(a.t_cap_ns < b.t_cap_ns for a, b in pairwise(frames))


def test_recording_without_its_index(clip, tmp_path):
    """An MP4 cut off before its index cannot be read, and the error says what that may be."""
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    with pytest.raises(SourceError, match="may lack its index"):
        source_of(tmp_path / "cut.mp4").open()


def test_broken_packets_are_counted_and_skipped(clip, tmp_path):
    """Damage in the middle costs the frames it hits, not the rest."""
    data = bytearray(clip.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1500] = b"\xff" * 1500
    (tmp_path / "broken.mp4").write_bytes(data)
    frames = frames_of(source := source_of(tmp_path / "broken.mp4"))
    assert 0 < source.problems["decode"] < 60
    assert len(frames) == 60 - source.problems["decode"]


def test_stream_that_starts_between_key_frames(tmp_path, moving):
    """What comes before the first key frame is counted, not shown."""
    write_video(tmp_path / "a.ts", moving, 30)
    with av.open(str(tmp_path / "a.ts")) as given, av.open(str(tmp_path / "late.mkv"), "w") as late:
        stream = late.add_stream_from_template(given.streams.video[0])
        for packet in [p for p in given.demux(video=0) if p.size][5:]:
            packet.stream = stream
            late.mux(packet)
    source = source_of(tmp_path / "late.mkv")
    source.open()
    with pytest.raises(SourceError, match="not one picture could be decoded"):
        source.read()
    source.close()
    assert source.problems["before_key"] == 55


@pytest.mark.parametrize(
    ("name", "content", "kind", "words"),
    [
        pytest.param("zero.mp4", b"", UnsupportedInputError, "empty", id="zero bytes"),
        pytest.param("text.txt", b"hello world\n" * 99, UnsupportedInputError, "not a video", id="a text, which libav would draw"),
        pytest.param("list.txt", b"ffconcat version 1.0\nfile clip.mp4\n", UnsupportedInputError, "not a video", id="a script"),
        pytest.param(
            "list.m3u8",
            b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nclip.ts\n#EXT-X-ENDLIST\n",
            UnsupportedInputError,
            "not a video",
            id="a play list",
        ),
        pytest.param("text.mp4", b"hello world\n" * 99, SourceError, "broken data", id="a text named video"),
        pytest.param("noise.mkv", bytes(range(256)) * 40, SourceError, "broken data|not a video", id="noise"),
    ],
)
def test_file_that_is_no_video(tmp_path, name, content, kind, words):
    """What is no video is refused with a reason."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(kind, match=words) as caught:
        source_of(tmp_path / name).open()
    assert name in str(caught.value)


def test_title_in_an_odd_encoding(clip, tmp_path):
    """A title that is no UTF-8 is no reason to refuse a video."""
    (tmp_path / "odd.mp4").write_bytes(clip.read_bytes().replace(b"Lavf", b"L\xff\xfef"))
    assert len(frames_of(source_of(tmp_path / "odd.mp4"))) == 60


def test_missing_file(tmp_path):
    """A path that leads nowhere is named."""
    with pytest.raises(SourceError, match=r"nowhere\.mp4: No such file"):
        source_of(tmp_path / "nowhere.mp4").open()


def test_folder(tmp_path):
    """A folder is for another source, and the error says which."""
    with pytest.raises(UnsupportedInputError, match="images"):
        source_of(tmp_path).open()


@pytest.mark.parametrize("name", ["sound.mka", "sound.mp4"])
def test_audio_only(tmp_path, name):
    """A file without pictures says what it has instead."""
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        for number in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.rate, frame.pts = 8000, number * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(UnsupportedInputError, match="no video in it, only audio"):
        source_of(tmp_path / name).open()
