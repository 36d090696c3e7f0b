"""AvSource on files."""

import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from streamfuse.errors import ConfigError, SourceError, UnsupportedInputError
from streamfuse.frames import Planes, Spectrum
from streamfuse.source import SOURCES
from streamfuse.source.av_stream import AvSettings, AvSource
from streamfuse.stages import PacketSource
from streamfuse.video import write_video

S_NS = 1_000_000_000


@pytest.fixture(scope="module")
def clip(moving, tmp_path_factory):
    """Two seconds of H.264 at 30 pictures a second."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_video(path, moving, 30)
    return path


def source_of(path: Path, spectrum: Spectrum = Spectrum.VISIBLE, **settings: Any) -> AvSource:
    return AvSource(AvSettings(spectrum=spectrum, url=str(path), **settings))


def frames_of(source: AvSource) -> list[Any]:
    source.open()
    frames = list(iter(source.read, None))
    source.close()
    return frames


def test_reads_every_frame_with_its_time(clip):
    """A file gives all its frames, at the times of its pts from 1970 on."""
    frames = frames_of(source := source_of(clip))
    assert not source.live
    assert [frame.seq for frame in frames] == list(range(60))
    assert [frame.t_cap_ns for frame in frames] == [round(n * S_NS / 30) for n in range(60)]
    assert {(frame.clock, frame.epoch, frame.source) for frame in frames} == {("media", 0, str(clip))}
    assert all(frame.time_base is not None and frame.pts * frame.time_base * 30 == frame.seq for frame in frames)
    assert not source.problems


def test_visible_pixels_are_the_planes_as_coded(tmp_path, moving):
    """A lossless file gives back the very planes that went in, and their tags."""
    write_video(tmp_path / "a.mkv", moving[:3], 30, "ffv1", ("bt709", "limited"))
    for frame, planes in zip(frames_of(source_of(tmp_path / "a.mkv")), moving, strict=False):
        assert isinstance(frame.image, Planes)
        assert (frame.matrix, frame.range) == ("bt709", "limited")
        for got, want in ((frame.image.y, planes.y), (frame.image.u, planes.u), (frame.image.v, planes.v)):
            assert np.array_equal(got, want)


def test_demux_and_decode_give_what_read_gives(clip):
    """The two halves on their own make the same frames as `read`."""
    source: PacketSource = source_of(clip)
    source.open()
    frames: list[Any] = [frame for packet in source.demux() for frame in source.decode(packet)]
    frames += source.decode(None)
    source.close()
    whole = frames_of(source_of(clip))
    assert isinstance(source, PacketSource)
    assert [f.t_cap_ns for f in frames] == [f.t_cap_ns for f in whole]
    assert all(np.array_equal(a.image.y, b.image.y) for a, b in zip(frames, whole, strict=True))


def test_packets_say_what_the_hand_over_needs(clip):
    """Size, key flag and times of a packet are there before it is decoded."""
    source = source_of(clip)
    source.open()
    packets = list(source.demux())
    source.close()
    assert packets[0].is_keyframe
    assert sum(packet.size for packet in packets) < clip.stat().st_size
    assert max((packet.pts or 0) * packet.time_base for packet in packets) == pytest.approx(59 / 30)


def test_same_recording_same_identity(clip, tmp_path, moving):
    """A copy under another name has the same identity, another recording has not."""
    shutil.copy(clip, tmp_path / "copy.mp4")
    write_video(tmp_path / "other.mp4", moving[:30], 30)
    identities = []
    for path in (clip, tmp_path / "copy.mp4", tmp_path / "other.mp4"):
        source = source_of(path)
        source.open()
        source.close()
        identities.append(source.identity)
    assert len(identities[0]) == 16
    assert identities[0] == identities[1] != identities[2]


def test_opens_again_from_the_start(clip):
    """After the end, `open` starts over with the same frames; `close` twice is fine."""
    source = source_of(clip)
    first, second = frames_of(source), frames_of(source)
    source.close()
    assert [f.t_cap_ns for f in first] == [f.t_cap_ns for f in second]
    assert second[0].seq == 0


@pytest.mark.parametrize(("wanted", "start_ns"), [(True, 1_714_557_600 * S_NS), (False, 0)])
def test_creation_time_starts_the_clock(tmp_path, moving, wanted, start_ns):
    """A file that says when it was recorded starts then, unless told not to."""
    path = tmp_path / "dated.mp4"
    write_video(tmp_path / "a.mp4", moving[:5], 30)
    with av.open(str(tmp_path / "a.mp4")) as given, av.open(str(path), "w") as dated:
        dated.metadata["creation_time"] = "2024-05-01T10:00:00.000000Z"
        stream = dated.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                dated.mux(packet)
    assert frames_of(source_of(path, creation_time=wanted))[0].t_cap_ns == start_ns


def test_infrared_is_luma_with_its_range(tmp_path, moving):
    """Grey coded as YUV gives its luma plane, and still knows its range."""
    write_video(tmp_path / "a.mkv", moving[:3], 30, "ffv1", ("bt601", "limited"))
    frame = frames_of(source_of(tmp_path / "a.mkv", Spectrum.INFRARED))[0]
    assert frame.image.dtype == np.uint8
    assert frame.range == "limited"
    assert np.array_equal(frame.image, moving[0].y)


def test_infrared_of_16_bits(tmp_path):
    """Deep infrared comes as it was coded, to the last bit."""
    deep = np.random.default_rng(0).integers(0, 65536, (3, 48, 64), np.uint16)
    write_video(tmp_path / "a.mkv", list(deep), 30, "ffv1", None)
    frames = frames_of(source_of(tmp_path / "a.mkv", Spectrum.INFRARED, bits=16))
    assert all(np.array_equal(frame.image, want) for frame, want in zip(frames, deep, strict=True))


@pytest.mark.parametrize(("dtype", "bits"), [(np.uint16, 8), (np.uint8, 16)])
def test_other_depth_than_promised(tmp_path, dtype, bits):
    """16 bits where 8 were promised, or the reverse, is an error that names the key."""
    write_video(tmp_path / "a.mkv", [np.zeros((48, 64), dtype)] * 3, 30, "ffv1", None)
    source = source_of(tmp_path / "a.mkv", Spectrum.INFRARED, bits=bits)
    source.open()
    with pytest.raises(UnsupportedInputError, match=f"bits: {bits}"):
        source.read()
    source.close()


def test_size_change_midway(tmp_path, moving):
    """Frames carry the new size from where it changes, and the change is counted."""
    write_video(tmp_path / "a.h264", moving[:5], 30)
    smaller = [Planes(y=p.y[:64, :96].copy(), u=p.u[:32, :48].copy(), v=p.v[:32, :48].copy()) for p in moving[:5]]
    write_video(tmp_path / "b.h264", smaller, 30)
    (tmp_path / "ab.h264").write_bytes((tmp_path / "a.h264").read_bytes() + (tmp_path / "b.h264").read_bytes())
    frames = frames_of(source := source_of(tmp_path / "ab.h264"))
    assert [frame.size for frame in frames] == [(120, 160)] * 5 + [(64, 96)] * 5
    assert source.problems["size_change"] == 1


def test_reading_before_open(clip):
    """Reading what is not open is an error, not a crash."""
    with pytest.raises(SourceError, match="not open"):
        next(source_of(clip).demux())


@pytest.mark.parametrize("keys", [{}, {"url": "a.mp4", "url_file": "b"}])
def test_exactly_one_url(keys):
    """Neither and both are refused alike."""
    with pytest.raises(ConfigError, match="exactly one of url and url_file"):
        AvSource(AvSettings(spectrum=Spectrum.VISIBLE, **keys))


def test_url_from_a_secret_file(clip, tmp_path):
    """The URL may lie in a file of its own."""
    (tmp_path / "secret").write_text(f"{clip}\n")
    source = AvSource(AvSettings(spectrum=Spectrum.VISIBLE, url_file=tmp_path / "secret"))
    assert len(frames_of(source)) == 60


@pytest.mark.parametrize(("content", "words"), [(None, "No such file"), (" \n", "is empty")])
def test_url_file_without_an_url(tmp_path, content, words):
    """A secret file that is missing or empty is named."""
    if content is not None:
        (tmp_path / "secret").write_text(content)
    with pytest.raises(ConfigError, match=words):
        AvSource(AvSettings(spectrum=Spectrum.VISIBLE, url_file=tmp_path / "secret"))


def test_settings_show_no_credentials():
    """Neither the repr nor a dump for people holds the password."""
    settings = AvSettings(spectrum=Spectrum.VISIBLE, url="rtsp://admin:hunter2@host/live")
    assert "hunter2" not in repr(settings) + settings.model_dump_json()
    assert "host/live" in settings.model_dump_json()


def test_option_that_is_not_allowed():
    """The configuration names the option and the one that was probably meant."""
    with pytest.raises(ConfigError, match="did you mean 'probesize'"):
        SOURCES.settings("av", {"spectrum": "visible", "url": "a.mp4", "options": {"probsize": 5}}, "pairs.0.visible")


@pytest.mark.needs_data
def test_recordings_of_a_pair_start_together(data):
    """Both files of a recorded pair have as many frames, at the same times, and nothing to repair."""
    for folder, count in (("m3svd_0111_1716", 151), ("m3svd_0117_1605", 407), ("m3svd_1230_1202", 205)):
        infrared = frames_of(ir := source_of(data / "replay" / folder / "ir.mp4", Spectrum.INFRARED))
        visible = frames_of(vi := source_of(data / "replay" / folder / "vi.mp4"))
        assert [f.t_cap_ns for f in infrared] == [f.t_cap_ns for f in visible]
        assert len(infrared) == count
        assert not ir.problems + vi.problems
