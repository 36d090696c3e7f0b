"""What the client does with a message before it is handed out."""

import numpy as np
import pytest

from streamfuse.errors import WireError
from streamfuse.publish.intake import QUIET_NS, Intake


def test_gaps_are_counted_by_topic(wire):
    """Messages between two numbers of a topic are lost; the first one seen starts the count, wherever it is."""
    publisher, intake = wire(), Intake(None)
    for number in range(10):
        message = publisher("det", number)
        if number not in (0, 1, 4, 5, 8):
            intake.take(message, 0)
    assert intake.lost == {"sf1/det/cam1/": 3}
    assert intake.received == {"sf1/det/cam1/": 5}


def test_a_new_publisher_starts_a_new_count(wire):
    """After a restart of the publisher numbers begin again, and that is no gap."""
    first, second, intake = wire(bytes(16)), wire(b"\x01" * 16), Intake(None)
    for number in range(3):
        intake.take(first("det", number), 0)
    assert intake.take(second("det"), 0) is not None
    assert intake.lost == {}


def test_a_repeated_message_is_left_out(wire):
    """`hello` is sent again whenever somebody joins, with its old number: it is handed out once."""
    hello, intake = wire()("hello"), Intake(None)
    assert intake.take(hello, 0) is not None
    assert intake.take(hello, 0) is None


def test_malformed_messages_are_counted_and_told_once_a_minute(wire, caplog):
    """What does not follow the format is left out; the log gets one line a minute, not one per message."""
    intake = Intake(None)
    for now_ns in (0, 1, 2, QUIET_NS, QUIET_NS + 1):
        assert intake.take([b"sf1/img/cam1/", b"\xc1"], now_ns) is None
    assert intake.malformed == 5
    assert len(caplog.records) == 2


def test_other_streams_are_left_out(wire):
    """`hello` and `eos` come for all streams; those nobody asked for are neither handed out nor counted."""
    publisher, intake = wire(), Intake(["cam1"])
    assert intake.take(publisher("hello", stream="cam2"), 0) is None
    intake.take(publisher("eos", stream="cam2"), 0)
    assert not intake.over
    intake.take(publisher("eos", stream="cam1"), 0)
    assert intake.over


def test_over_when_all_streams_seen_have_ended(wire):
    """The end of one of two streams is not the end; a stream that comes back is running again."""
    publisher, intake = wire(), Intake(None)
    states = []
    for kind, stream in (("hello", "a"), ("hello", "b"), ("eos", "a"), ("eos", "b"), ("det", "a"), ("eos", "a")):
        intake.take(publisher(kind, stream=stream), 0)
        states.append(intake.over)
    assert states == [False, False, False, True, False, True]


def test_classes_are_named_by_the_table_of_hello(wire):
    """Boxes get the names that `hello` told, even if it comes after them; without it a class is named by its number."""
    publisher, intake = wire(), Intake(None)
    message = intake.take(publisher("det"), 0)
    assert message is not None
    assert message.detections.names == ("0", "1")
    intake.take(publisher("hello"), 0)
    assert message.detections.names == ("person", "car")
    assert message.detections.to_supervision().data["class_name"].tolist() == ["person", "car"]


def test_h264_waits_for_a_key_frame(wire):
    """Who joins between two key frames, or loses a picture, gets nothing before the next key frame; that is counted."""
    publisher, intake = wire(codec="h264"), Intake(None)
    numbers = []
    for number in range(65):
        received = publisher("img", number)
        if number < 3 or number == 40:
            continue
        message = intake.take(received, 0)
        if message is not None:
            assert message.image().shape == (24, 32, 3)
            numbers.append(message.t_cap_ns)
    assert len(numbers) == (40 - 30) + (65 - 60)
    assert intake.undecodable == {"sf1/img/cam1/": (30 - 3) + (60 - 41)}


def test_h264_pictures_may_be_looked_at_in_any_choice(wire):
    """A reader who looks at one picture in three, or again at an old one, sees the same as one who looks at all."""
    publisher, intake = wire(codec="h264"), Intake(None)
    received = [publisher("img", number) for number in range(10)]
    messages = [message for message in (intake.take(one, 0) for one in received) if message is not None]
    every = [message.image() for message in messages]
    again = Intake(None)
    for number, one in enumerate(received):
        message = again.take(one, 0)
        assert message is not None
        if number % 3 == 2:
            assert np.array_equal(message.image(), every[number])
    assert np.array_equal(messages[4].image(), every[4])


def test_age_is_counted_from_capture_or_from_when_a_replay_was_due(wire, result):
    """A recording has no age unless it is replayed in time; figures and ends have none."""
    from streamfuse.publish.compose import Composer, Publisher
    from streamfuse.publish.wire import encode_message
    from streamfuse.results import CameraReport

    composer, intake = Composer("cam1", Publisher(bytes(16), "0.1.0", "raw", "live")), Intake(None)
    host = CameraReport(state="fresh", clock="host")
    live = result(infrared=host, visible=host)
    for made, now_ns, age_ms in (
        (result(), 7, None),
        (result(t_due_ns=10**9), 10**9 + 2_000_000, 2.0),
        (live, live.t_cap_ns + 9_000_000, 9.0),
    ):
        message = intake.take(encode_message(composer.result("det", made, 5, [])), now_ns)
        assert message is not None
        assert message.age_ms == age_ms
    eos = intake.take(wire()("eos"), 0)
    assert eos is not None
    assert eos.age_ms is None
    assert intake.age_ms == 9.0


def test_a_message_without_a_picture_says_so(wire):
    """`det` carries no picture and `stat` no result: asking is an error that tells what to subscribe to."""
    publisher, intake = wire(), Intake(None)
    det, stat = intake.take(publisher("det"), 0), intake.take(publisher("stat"), 0)
    assert det is not None
    assert stat is not None
    assert stat.figures == {"fps": 30.0}
    with pytest.raises(WireError, match="'img'"):
        det.image()
    with pytest.raises(WireError, match="only det and img"):
        _ = stat.detections


def test_a_message_tells_what_came(wire, result):
    """Header fields are at hand under names with units, and boxes come back as they were."""
    message = Intake(None).take(wire()("img", 7), 0)
    want = result(7)
    assert message is not None
    assert (message.topic, message.kind, message.stream, message.seq) == ("sf1/img/cam1/", "img", "cam1", 0)
    assert (message.fid, message.t_cap_ns, message.mode, message.skew_ns) == (want.fid, want.t_cap_ns, "fused", 0)
    assert np.array_equal(message.detections.boxes_N4, want.detections.boxes_N4)
    assert np.array_equal(message.detections.tracks_N, want.detections.tracks_N)
    assert repr(message) == "Message(sf1/img/cam1/, seq=0, parts=[2304])"
