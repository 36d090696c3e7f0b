"""Every kind of fault over a real connection: it does what it says, and leaves the camera as it was."""

import math
import socket
import time
from itertools import pairwise

import pytest

from streamfuse.errors import ConfigError, SourceAuthError
from streamfuse.frames import Spectrum
from streamfuse.source.av_stream import AvSettings, AvSource
from tests.tools.watching import SMALL, small, watching
from tools.faults import KINDS, Fault, RtspServer

MOST = 200  # pictures, until something must have happened


def port(rig: RtspServer) -> tuple[str, int]:
    return "127.0.0.1", int(rig.url("a").split(":")[2].split("/")[0])


def connected(rig: RtspServer) -> socket.socket:
    raw = socket.create_connection(port(rig), 5)
    raw.sendall(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    return raw


def faults_of(rig: RtspServer, camera: str) -> list[str]:
    return [event.what for event in rig.events if event.camera == camera and event.what.split()[0] in ("begin", "end")]


def moment_ns(rig: RtspServer, what: str) -> int:
    event = rig.wait_for("a", what)
    assert event is not None, f"no {what!r} in {rig.events}"
    return event.at_ns


def test_stall_loses_what_was_taken_meanwhile():
    """Nothing exposed between begin and end arrives, and after the end it goes on with a key frame."""
    with RtspServer([small()], [Fault(kind="stall", at_s=0.4, for_s=0.5)]) as rig, watching(rig.url("a")) as watcher:
        numbers = [seen.number for seen in watcher.pictures(30)]
        begin_ns, end_ns = moment_ns(rig, "begin stall"), moment_ns(rig, "end stall")
        device = rig.device("a")
        before, after = max(pairwise(numbers), key=lambda two: two[1] - two[0])
        assert device.exposed_ns(before) < begin_ns
        assert device.exposed_ns(after + 1) > end_ns
        assert not [n for n in numbers if begin_ns < device.exposed_ns(n - 1) and device.exposed_ns(n + 1) < end_ns]


def test_hold_delivers_everything_afterwards():
    """Pictures taken while the network stood still come when it moves again, and none is missing."""
    with RtspServer([small()], [Fault(kind="hold", at_s=0.4, for_s=0.5)]) as rig, watching(rig.url("a")) as watcher:
        arrived_ns = {}
        for _ in range(30):
            (seen,) = watcher.pictures(1)
            arrived_ns[seen.number] = time.time_ns()
        begin_ns, end_ns = moment_ns(rig, "begin hold"), moment_ns(rig, "end hold")
        device = rig.device("a")
        held = [n for n in arrived_ns if begin_ns < device.exposed_ns(n) and device.exposed_ns(n + 2) < end_ns]
        assert len(held) > 5
        assert all(arrived_ns[n] > end_ns for n in held)


def test_halfopen_accepts_and_says_nothing():
    """A request gets no answer until the fault has ended. The rig can be stopped meanwhile."""
    with RtspServer([small()]) as rig:
        rig.begin("a", "halfopen")
        with connected(rig) as raw:
            raw.settimeout(0.3)
            with pytest.raises(TimeoutError):
                raw.recv(100)
            rig.end("a", "halfopen")
            raw.settimeout(5)
            assert raw.recv(100).startswith(b"RTSP/1.0 200")
        rig.begin("a", "halfopen")
        with connected(rig):
            rig.stop()
    assert rig.wait(5)


def test_reset_cuts_all_connections():
    """By a reset, not by an orderly end; the camera takes new ones at once."""
    with RtspServer([small()]) as rig:
        with connected(rig) as raw:
            assert raw.recv(4096)
            rig.begin("a", "reset")
            with pytest.raises(ConnectionResetError):
                raw.recv(1)
        with watching(rig.url("a")) as watcher:
            assert watcher.pictures(1)


def test_slow_lets_no_more_through_than_it_says():
    """At 40 kbit/s: what arrives in a second is at most that, and pictures come later and later."""
    with RtspServer([small(pictures="scene")]) as rig, watching(rig.url("a")) as watcher:
        watcher.pictures(3)
        with rig.trouble("a", "slow", 40.0):
            watcher.pictures(3)  # what was under way
            begun_s, before = time.monotonic(), len(watcher.packets)
            watcher.pictures(6)
            kbit = sum(size for _, size in watcher.packets[before + 1 :]) * 8 / 1e3
            assert kbit <= 40.0 * (time.monotonic() - begun_s) + 40.0 * 0.5


def test_loss_leaves_pictures_out():
    """With half of the packets gone, some numbers never come."""
    with RtspServer([small()]) as rig, watching(rig.url("a")) as watcher:
        watcher.pictures(1)
        with rig.trouble("a", "loss", 0.5):
            numbers = [seen.number for seen in watcher.pictures(20) if seen.number >= 0]
    assert numbers[-1] - numbers[0] > len(numbers)


def test_corrupt_spoils_pictures():
    """With every packet spoilt, hardly a picture can still be read; and then it can again."""
    with RtspServer([small(pictures="scene")]) as rig, watching(rig.url("a")) as watcher:
        numbers = [seen.number for seen in watcher.pictures(5)]
        rig.begin("a", "corrupt", 1.0)
        last = numbers[-1]
        packets = len(watcher.packets)
        for _ in range(MOST):
            numbers = [seen.number for seen in watcher.pictures(1)]
            if len(watcher.packets) - packets > 8 or numbers[0] > last + 8:
                break
        rig.end("a", "corrupt")
        assert len([number for seen in watcher.pictures(20) if (number := seen.number) >= 0]) > 5


def test_reboot_starts_a_new_clock():
    """Refused meanwhile; then at the same address, the wall clock so much faster than it was set, while the pictures go on counting."""
    with RtspServer([small(offset_s=3.0)]) as rig:
        url, device = rig.url("a"), rig.device("a")
        base = device.clock.rtp_base
        with rig.trouble("a", "reboot", -23.0), pytest.raises(ConnectionRefusedError):
            socket.create_connection(port(rig), 5)
        with watching(url) as watcher:
            told = [seen for seen in watcher.pictures(20) if not math.isnan(seen.wall_s)]
        assert told[-1].wall_s - device.exposed_ns(told[-1].number) / 1e9 == pytest.approx(-20.0, abs=0.01)
        assert device.clock.rtp_base != base


def test_step_sets_the_wall_clock_and_nothing_else():
    """The next reports are 20 s further, the stamps go on."""
    with RtspServer([small()]) as rig, watching(rig.url("a")) as watcher:
        device, before = rig.device("a"), watcher.pictures(10)
        rig.begin("a", "step", 20.0)
        after = watcher.pictures(20)
        assert after[-1].wall_s - device.exposed_ns(after[-1].number) / 1e9 == pytest.approx(20.0, abs=0.001)
        assert before[-1].wall_s - device.exposed_ns(before[-1].number) / 1e9 == pytest.approx(0.0, abs=0.001)
        assert all((b.stamp_s - a.stamp_s) < 5 for a, b in pairwise([*before[1:], *after]))
        rig.end("a", "step")
        assert device.clock.offset_s == 0.0


def test_jump_throws_the_stamps_off():
    """One step of the stamps is 20 s more than the pictures say."""
    with RtspServer([small()]) as rig, watching(rig.url("a")) as watcher:
        watcher.pictures(5)
        rig.begin("a", "jump", 20.0)
        seen = watcher.pictures(20)
    assert max((b.stamp_s - a.stamp_s) for a, b in pairwise(seen)) > 19


def test_password_shuts_out_who_knew_it():
    """The old password is refused until the end of the fault."""
    with RtspServer([small(password="user:old")]) as rig:
        url = rig.url("a", "user:old")
        source = AvSource(AvSettings(spectrum=Spectrum.VISIBLE, url=url))
        with rig.trouble("a", "password"), pytest.raises(SourceAuthError):
            source.open()
        with watching(url) as watcher:
            assert watcher.pictures(1)


def test_midgop_lets_viewers_join_anywhere():
    """With one key frame in a minute, the first packet is none; without the fault it is one."""
    with RtspServer([small(gop_s=60.0)]) as rig:
        with watching(rig.url("a")) as watcher:
            watcher.pictures(1)
            assert watcher.packets[0][0]
        rig.begin("a", "midgop")
        with watching(rig.url("a")) as watcher:
            packets = (packet for packet in watcher.container.demux(watcher.stream) if packet.size)
            assert not next(packets).is_keyframe


def test_size_changes_without_a_word():
    """In the same connection, and back."""
    with RtspServer([small(size=(320, 128))]) as rig, watching(rig.url("a")) as watcher:
        with rig.trouble("a", "size"):
            assert next(seen for _ in range(MOST) for seen in watcher.pictures(1) if seen.size == SMALL).number >= 0
        assert any(watcher.pictures(1)[0].size == (320, 128) for _ in range(MOST))


def test_codec_changes_with_the_next_connection():
    """H.265 where H.264 was, and back; who is connected is cut."""
    with RtspServer([small()]) as rig:
        with watching(rig.url("a")) as watcher:
            watcher.pictures(1)
            rig.begin("a", "codec")
            assert len(watcher.pictures(MOST)) < MOST  # libav calls a reset the end
        for want in ("hevc", "h264"):
            with watching(rig.url("a")) as watcher:
                assert watcher.stream.codec_context.name == want
                assert watcher.pictures(1)
            rig.end("a", "codec")


def test_freeze_shows_one_picture_again_and_again():
    """The number stands still, the stamps do not."""
    with RtspServer([small()]) as rig, watching(rig.url("a")) as watcher:
        watcher.pictures(1)
        with rig.trouble("a", "freeze"):
            seen = watcher.pictures(20)[-5:]
        assert len({picture.number for picture in seen}) == 1
        assert len({picture.stamp_s for picture in seen}) == 5
        assert len({picture.number for picture in watcher.pictures(15)}) > 5


def test_gone_refuses_until_it_is_back():
    """At the same address; the port is nobody else's meanwhile."""
    with RtspServer([small()]) as rig:
        with rig.trouble("a", "gone"):
            for _ in range(2):
                with pytest.raises(ConnectionRefusedError):
                    socket.create_connection(port(rig), 5)
            with socket.socket() as other, pytest.raises(OSError, match="in use"):
                other.bind(port(rig))
        with watching(rig.url("a")) as watcher:
            assert watcher.pictures(1)


def test_the_other_camera_does_not_notice():
    """All kinds at once at one camera; the one beside it goes on."""
    with RtspServer([small(), small("b")]) as rig, watching(rig.url("b")) as watcher:
        for kind in KINDS:
            rig.begin("a", kind)
        seen = watcher.pictures(20)
        assert [picture.size for picture in seen] == [SMALL] * 20
        assert all(b.number > a.number for a, b in pairwise(seen))
        for kind in KINDS:
            rig.end("a", kind)
        with watching(rig.url("a")) as again:
            assert again.pictures(1)


def test_a_fault_may_come_again():
    """The later one ends the earlier one of its kind first; a moment just happens again."""
    with RtspServer([small()]) as rig:
        rig.begin("a", "loss", 0.1)
        rig.begin("a", "loss", 0.2)
        assert rig.device("a").trouble.loss == 0.2
        rig.end("a", "loss")
        assert rig.device("a").trouble.loss == 0.0
        rig.begin("a", "step", 20.0)
        rig.begin("a", "step", -5.0)
        assert rig.device("a").clock.offset_s == 15.0


def test_a_schedule_plays_by_itself():
    """Each fault begins and ends at the cameras that it is meant for."""
    faults = [Fault(kind="freeze", cameras="a", at_s=0.1, for_s=0.2), Fault(kind="step", at_s=0.2)]
    with RtspServer([small(), small("b")], faults) as rig:
        assert rig.wait_for("a", "end freeze")
        assert rig.wait_for("b", "begin step")
        assert faults_of(rig, "b") == ["begin step"]


def test_a_fault_may_be_played_while_it_runs():
    """Its times count from then on; one that hits nobody is an error."""
    with RtspServer([small()]) as rig:
        rig.play(Fault(kind="freeze", at_s=0.05, for_s=0.05))
        assert rig.wait_for("a", "end freeze")
        assert faults_of(rig, "a") == ["begin freeze", "end freeze"]
        with pytest.raises(ConfigError, match="no camera is called so"):
            rig.play(Fault(kind="freeze", cameras="b"))
