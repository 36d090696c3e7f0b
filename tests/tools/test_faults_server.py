"""The rig over real connections: addresses, pictures with the truth, clocks, passwords, and an end."""

import math
import socket
import threading
from itertools import pairwise

import av
import psutil
import pytest

from streamfuse.errors import ConfigError, SourceAuthError
from streamfuse.frames import Spectrum
from streamfuse.source.av_stream import AvSettings, AvSource
from tests.tools.watching import SMALL, small, watching
from tools.faults import Fault, RtspServer


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_pictures_arrive_with_their_numbers(transport, codec):
    """From the first key frame on, in order, stamped as their numbers say: a busy machine may leave some out."""
    with RtspServer([small(codec=codec)]) as rig, watching(rig.url("a"), transport) as watcher:
        seen = watcher.pictures(20)
    assert -1 not in {picture.number for picture in seen}
    assert watcher.packets[0][0]
    assert {picture.size for picture in seen} == {SMALL}
    for one, other in pairwise(seen[1:]):
        assert other.number > one.number
        assert (other.stamp_s - one.stamp_s) * 30 == pytest.approx(other.number - one.number, abs=0.01)


def test_sender_reports_tell_the_camera_s_wall_clock():
    """With an offset of 1.5 s and 200 ppm, each picture's instant by the reports is what the camera's clock showed at its exposure."""
    with RtspServer([small(offset_s=1.5, drift_ppm=200)]) as rig, watching(rig.url("a")) as watcher:
        device = rig.device("a")
        told = [picture for picture in watcher.pictures(40) if not math.isnan(picture.wall_s)][2:]
        errors_us = [picture.wall_s * 1e6 - device.clock.wall_ns(device.exposed_ns(picture.number)) / 1e3 for picture in told]
        offsets_s = [picture.wall_s - device.exposed_ns(picture.number) / 1e9 for picture in told]
    assert len(told) > 20
    assert max(map(abs, errors_us)) < 50
    assert all(offset_s == pytest.approx(1.5, abs=0.02) for offset_s in offsets_s)


def test_a_camera_may_send_no_reports():
    """Then no picture has an instant."""
    with RtspServer([small(report_every_s=0.0)]) as rig, watching(rig.url("a")) as watcher:
        assert all(math.isnan(picture.wall_s) for picture in watcher.pictures(20))


def test_stamps_err_as_set():
    """With jitter, the pts of a picture are off by its own error, to a tick."""
    with RtspServer([small(jitter_ms=3.0, seed=5)]) as rig, watching(rig.url("a")) as watcher:
        exposures = rig.device("a").exposures
        seen = watcher.pictures(20)[1:]
    for one, other in pairwise(seen):
        error_ns = exposures.stamp_error_ns(other.number) - exposures.stamp_error_ns(one.number)
        step_ns = (other.stamp_s - one.stamp_s) * 1e9
        assert step_ns == pytest.approx((other.number - one.number) * exposures.period_ns + error_ns, abs=25_000)


@pytest.mark.parametrize("auth", ["basic", "digest"])
def test_asks_for_a_password(auth):
    """Who knows it is let in, who does not is told so."""
    with RtspServer([small(password="user:hunter2", auth=auth)]) as rig:
        with watching(rig.url("a", "user:hunter2")) as watcher:
            assert watcher.pictures(1)
        source = AvSource(AvSettings(spectrum=Spectrum.VISIBLE, url=rig.url("a", "user:wrong")))
        with pytest.raises(SourceAuthError):
            source.open()
        assert rig.wait_for("a", "refused a password")


def test_two_cameras_see_one_world():
    """Both have a port of their own; equal numbers are equal instants; both take the other's path for unknown."""
    with RtspServer([small("ir", spectrum=Spectrum.INFRARED), small("vi", phase_ms=5.0)]) as rig:
        truth = [rig.device(name).exposed_ns(100) - rig.world_ns for name in ("ir", "vi")]
        assert truth[1] - truth[0] == 5_000_000
        assert len({url.split(":")[2].split("/")[0] for url in rig.urls.values()}) == 2
        with pytest.raises(av.FFmpegError), watching(rig.url("ir") + "x"):
            pass


def test_speaks_only_of_what_it_knows():
    """A transport it does not have, playing before setting up, a verb it does not know, and no RTSP at all."""
    with RtspServer([small()]) as rig, socket.create_connection(("127.0.0.1", int(rig.url("a").split(":")[2].split("/")[0])), 5) as raw:

        def ask(verb: str, *headers: str) -> str:
            raw.sendall("\r\n".join([f"{verb} {rig.url('a')} RTSP/1.0", "CSeq: 1", *headers, "", ""]).encode())
            return raw.recv(4096).decode().split("\r\n")[0]

        assert ask("PLAY") == "RTSP/1.0 405 Method Not Allowed"
        assert ask("SETUP", "Transport: RTP/AVP;multicast") == "RTSP/1.0 461 Unsupported Transport"
        assert ask("RECORD") == "RTSP/1.0 405 Method Not Allowed"
        assert ask("OPTIONS") == ask("TEARDOWN") == "RTSP/1.0 200 OK"
        assert raw.recv(1) == b""


def test_says_who_watches():
    """Coming and going are events; so a test can wait for them."""
    with RtspServer([small()]) as rig:
        with watching(rig.url("a")) as watcher:
            assert watcher.pictures(1)
            assert rig.wait_for("a", "watched")
        assert rig.wait_for("a", "left")
        assert not rig.device("a").viewers
        assert not rig.device("a").connections


def test_viewers_that_come_and_go_leave_nothing_behind():
    """Fifty connections over either transport, half of them cut by the camera: no socket, session or task remains."""
    with RtspServer([small()]) as rig:
        process = psutil.Process()
        for number in range(50):
            with watching(rig.url("a"), "tcp" if number % 2 else "udp"):
                if number % 4 < 2:
                    rig.begin("a", "reset")
            if number == 10:
                assert rig.wait_for("a", "left")
                handles = process.num_fds()
        assert rig.wait_for("a", "left", count=50)
        assert not rig.device("a").connections
        assert process.num_fds() <= handles


def test_nothing_is_left_when_it_stops():
    """No thread, no port; whoever watches is cut off."""
    before = threading.active_count()
    with RtspServer([small()]) as rig:
        url = rig.url("a")
        port = int(url.split(":")[2].split("/")[0])
        raw = socket.create_connection(("127.0.0.1", port), 5)
    raw.settimeout(5)
    with raw, pytest.raises(ConnectionResetError):
        raw.recv(1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
    assert threading.active_count() == before


def test_stops_by_itself():
    """After its lifetime, though nobody asked."""
    rig = RtspServer([small()], lifetime_s=0.1)
    rig.start()
    assert rig.wait(10)


def test_wrong_settings_are_said_at_once():
    """Two cameras of one name, a fault for nobody, a picture that is not there, a camera that is not there."""
    with pytest.raises(ConfigError, match="different names"):
        RtspServer([small(), small()])
    with pytest.raises(ConfigError, match="did you mean 'gate'"):
        RtspServer([small("gate")], [Fault(kind="stall", cameras="gat")])
    with pytest.raises(ConfigError, match=r"nowhere\.mp4"):
        RtspServer([small(pictures="nowhere.mp4")]).start()
    with RtspServer([small("gate")]) as rig, pytest.raises(ConfigError, match="did you mean 'gate'"):
        rig.url("gat")


def test_the_package_reads_a_camera_of_the_rig():
    """`AvSource` takes it for what it is: a live camera."""
    with RtspServer([small(spectrum=Spectrum.INFRARED)]) as rig:
        source = AvSource(AvSettings(spectrum=Spectrum.INFRARED, url=rig.url("a")))
        source.open()
        frame = source.read()
        source.close()
    assert frame is not None
    assert source.live
    assert frame.size == (64, 160)
