"""VideoReader: what a container says of itself."""

from fractions import Fraction

import numpy as np
import pytest

from streamfuse.errors import SourceError
from streamfuse.frames import Planes
from streamfuse.video import write_video
from streamfuse.video.container import Opening, VideoReader

GREY = Planes(y=np.full((48, 64), 90, np.uint8), u=np.full((24, 32), 128, np.uint8), v=np.full((24, 32), 128, np.uint8))


@pytest.fixture
def reader(tmp_path):
    write_video(tmp_path / "a.mp4", [GREY] * 12, 24)
    made = VideoReader(Opening(url=str(tmp_path / "a.mp4"), name="the clip"))
    yield made
    made.close()


def test_knows_its_times(reader):
    """Period, time base and start come from the container; it states no time of recording."""
    assert reader.period_ns == round(1e9 / 24)
    assert reader.time_base == Fraction(1, 12288)
    assert reader.start_pts == 0
    assert reader.created_ns is None


def test_gives_all_packets_and_then_none(reader):
    """The end is None, as often as one asks."""
    packets = []
    while (packet := reader.packet()) is not None:
        packets.append(packet)
    assert len(packets) == 12
    assert reader.packet() is None
    assert reader.missing(12, packets[-1].pts) == 0
    assert reader.missing(9, packets[-4].pts) == 3


def test_the_url_is_not_in_the_repr():
    """What holds the password shows only the name."""
    assert "hunter2" not in repr(Opening(url="rtsp://admin:hunter2@host", name="rtsp://***@host"))


def test_errors_name_the_name(tmp_path):
    """Messages carry the name for people, not the URL."""
    with pytest.raises(SourceError, match="the clip: not found") as caught:
        VideoReader(Opening(url=str(tmp_path / "secret.mp4"), name="the clip"))
    assert "secret" not in str(caught.value) + str(caught.value.__cause__)
