"""One suite for every source of the table."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from streamfuse.frames import Frame, Planes, Spectrum
from streamfuse.registry import Settings
from streamfuse.source import SOURCES
from streamfuse.stages import PacketSource
from streamfuse.video import from_rgb, write_video

ENOUGH = 12  # frames in each recording


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """A clip and two folders of the same twelve pictures."""
    folder = tmp_path_factory.mktemp("recordings")
    texture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (80, 96, 3), np.uint8), (0, 0), 3)
    pictures = [np.ascontiguousarray(texture[i : i + 48, :64]) for i in range(12)]
    write_video(folder / "clip.mp4", [from_rgb(picture) for picture in pictures], 30)
    for spectrum in Spectrum:
        (folder / spectrum).mkdir()
        for number, picture in enumerate(pictures):
            cv2.imwrite(str(folder / spectrum / f"{number}.png"), picture if spectrum is Spectrum.VISIBLE else picture[..., 0])
    return folder


@pytest.fixture(params=list(SOURCES))
def kind(request):
    return request.param


@pytest.fixture(params=list(Spectrum))
def make(request, kind, recordings):
    """Makes the source anew, as often as asked."""
    spectrum = request.param
    settings = {
        "av": {"url": str(recordings / "clip.mp4")},
        "images": {"path": recordings / spectrum, "fps": 30},
        "scene": {"size": (160, 120), "frames": ENOUGH},
    }
    return lambda: SOURCES.make(kind, spectrum=spectrum, **settings[kind])


def some_frames(source) -> list[Frame]:
    frames: list[Frame] = []
    while len(frames) < ENOUGH and (frame := source.read()) is not None:
        frames.append(frame)
    return frames


def pixels(frame: Frame) -> list[bytes]:
    image = frame.image
    return [plane.tobytes() for plane in ((image.y, image.u, image.v) if isinstance(image, Planes) else (image,))]


def test_settings_are_typed(kind):
    """The table alone tells the settings of a source, and they know its spectrum."""
    settings = SOURCES.settings_type(kind)
    assert settings is not None
    assert issubclass(settings, Settings)
    assert "spectrum" in settings.model_fields


def test_constructor_opens_nothing(make):
    """A source can be made and closed without having been opened."""
    source = make()
    source.close()
    assert source.identity == b""


def test_names_itself(make):
    """Before it is opened a source has a name, a spectrum, and says whether it is live."""
    source = make()
    assert source.name
    assert source.spectrum in Spectrum
    assert isinstance(source.live, bool)
    assert not source.problems


def test_frames_keep_the_contract(make):
    """Frames are numbered from 0, of epoch 0, grow in time, carry the source's name and spectrum, and are read-only."""
    source = make()
    source.open()
    frames = some_frames(source)
    source.close()
    assert len(frames) == ENOUGH
    assert [frame.seq for frame in frames] == list(range(ENOUGH))
    assert all(a.t_cap_ns < b.t_cap_ns for a, b in pairwise(frames))
    for frame in frames:
        assert (frame.epoch, frame.spectrum, frame.source) == (0, source.spectrum, source.name)
        arrays = (frame.image.y, frame.image.u, frame.image.v) if isinstance(frame.image, Planes) else (frame.image,)
        assert not any(array.flags.writeable for array in arrays)
        assert all(array.flags.c_contiguous for array in arrays)


def test_pixels_are_each_frames_own(make):
    """A frame that is kept does not change while later ones are read."""
    source = make()
    source.open()
    first = source.read()
    before = pixels(first)
    some_frames(source)
    source.close()
    assert pixels(first) == before


def test_opens_again_from_the_start(make):
    """After `close`, `open` starts over: a recording gives the same frames under the same identity."""
    source = make()
    source.open()
    first, identity = some_frames(source), source.identity
    source.close()
    source.close()
    source.open()
    second = some_frames(source)
    source.close()
    assert [frame.seq for frame in second] == [frame.seq for frame in first]
    if not source.live:
        assert len(identity) == 16
        assert source.identity == identity
        assert [frame.t_cap_ns for frame in second] == [frame.t_cap_ns for frame in first]
        assert [pixels(frame) for frame in second] == [pixels(frame) for frame in first]


def test_end_is_none_again_and_again(make):
    """After the last frame `read` gives None as often as it is asked."""
    source = make()
    source.open()
    assert len(some_frames(source)) == ENOUGH
    assert [source.read(), source.read()] == [None, None]
    source.close()


def test_packet_sources_say_so(make, kind):
    """A source whose halves may run on two threads is recognised as such."""
    assert isinstance(make(), PacketSource) == (kind == "av")
