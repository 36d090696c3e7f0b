"""The bus, read over real loopback sockets by readers that know only the documented layout."""

import msgspec
import numpy as np
import pytest
import simplejpeg

from streamfuse.errors import ConfigError, WireError
from streamfuse.publish.bus import BusSettings, BusSink

unpack = msgspec.msgpack.decode


def kinds(messages) -> list[str]:
    return [message[0].split(b"/")[1].decode() for message in messages]


def test_a_plain_reader_gets_everything_by_the_documented_layout(bench, result):
    """hello, then det and img of each result with the same id and numbers without gaps, then stat and eos."""
    sink = bench.sink()
    reader = bench.plain(sink, b"sf1/")
    bench.wait_for_readers(sink, 1)
    bench.publish(sink, result(0), result(1))
    sink.report("cam1", {"fps": 30.0})
    sink.end("cam1", {"published": 2})
    messages = bench.receive_until(reader, b"sf1/eos/")
    assert kinds(messages) == ["hello", "det", "img", "det", "img", "stat", "eos"]
    heads = [unpack(message[1]) for message in messages]
    assert [message[0] for message in messages] == [f"sf1/{head['kind']}/cam1/".encode() for head in heads]
    assert [head["seq"] for head in heads] == [0, 0, 0, 1, 1, 0, 0]
    assert heads[1]["fid"] == heads[2]["fid"] == result(0).fid
    assert heads[3]["fid"] == heads[4]["fid"] == result(1).fid
    assert len({head["pub"] for head in heads}) == 1
    assert (heads[0]["classes"], heads[0]["size"], heads[0]["codec"]) == (["person", "car"], [24, 32], "jpeg")
    assert heads[0]["cls"] == heads[1]["cls"]
    assert (heads[5]["stats"], heads[6]["totals"]) == ({"fps": 30.0}, {"published": 2})
    part, payload = heads[2]["parts"][0], messages[2][2]
    assert (heads[1]["parts"], len(messages[1]), part["bytes"]) == ([], 2, len(payload))
    assert simplejpeg.decode_jpeg(payload).shape == tuple(part["shape"]) == (24, 32, 3)


def test_det_and_img_tell_the_same(bench, result):
    """Apart from kind, number, time of sending and parts, both headers of a result are the same."""
    sink = bench.sink()
    reader = bench.plain(sink, b"sf1/")
    bench.wait_for_readers(sink, 1)
    bench.publish(sink, result(3, t_due_ns=5, ext={"site": "north"}))
    _, det, img = (unpack(message[1]) for message in bench.receive_until(reader, b"sf1/img/"))
    own = {"kind", "seq", "t_pub", "parts"}
    assert {key: value for key, value in det.items() if key not in own} == {key: value for key, value in img.items() if key not in own}


def test_who_joins_late_gets_hello_and_the_last_figures(bench, result):
    """A reader that comes in the middle of a stream learns at once what it is, and sees the very same hello as the others."""
    sink = bench.sink()
    first = bench.plain(sink, b"sf1/")
    bench.wait_for_readers(sink, 1)
    bench.publish(sink, result(0))
    sink.report("cam1", {"fps": 29.5})
    early = bench.receive_until(first, b"sf1/stat/")
    late = bench.plain(sink, b"sf1/")
    bench.wait_for_readers(sink, 2)
    told = bench.receive_until(late, b"sf1/stat/")
    assert kinds(told) == ["hello", "stat"]
    assert told == [early[0], early[-1]]


def test_streams_can_be_known_before_their_first_result(bench, result):
    """A stream that was announced says hello without size and classes; the first result completes it."""
    sink = bench.sink(streams=["cam1", "cam2"])
    reader = bench.plain(sink, b"sf1/hello/")
    bench.wait_for_readers(sink, 1)
    told = [unpack(bench.receive(reader)[1]) for _ in range(2)]
    assert [(head["stream"], head["size"], head["classes"]) for head in told] == [("cam1", None, None), ("cam2", None, None)]
    bench.publish(sink, result(0, "cam2"), result(1, "cam2"), result(2, "cam2", prompt="people"))
    told = [unpack(bench.receive(reader)[1]) for _ in range(2)]
    assert [(head["stream"], head["size"], head["prompt"], head["seq"]) for head in told] == [
        ("cam2", [24, 32], "neutral", 1),
        ("cam2", [24, 32], "people", 2),
    ]


def test_a_prefix_brings_one_stream_only(bench, result):
    """A subscription to cam1 brings nothing of cam10."""
    sink = bench.sink()
    reader = bench.plain(sink, b"sf1/det/cam1/", b"sf1/eos/", b"sf1/hello/")
    bench.wait_for_readers(sink, 1)
    bench.publish(sink, result(0, "cam10"), result(0, "cam1"), result(1, "cam10"))
    sink.end("cam1", {})
    topics = [message[0] for message in bench.receive_until(reader, b"sf1/eos/")]
    assert topics == [b"sf1/hello/cam10/", b"sf1/hello/cam1/", b"sf1/det/cam1/", b"sf1/eos/cam1/"]


def test_numbers_go_on_while_nobody_reads(bench, result):
    """A reader that comes later begins at the number of results so far: others would have counted as many."""
    sink = bench.sink()
    bench.publish(sink, result(0), result(1))
    reader = bench.plain(sink, b"sf1/")
    bench.wait_for_readers(sink, 1)
    bench.publish(sink, result(2))
    heads = [unpack(message[1]) for message in bench.receive_until(reader, b"sf1/img/")]
    assert [(head["kind"], head["seq"]) for head in heads] == [("hello", 0), ("det", 2), ("img", 2)]


def test_pictures_nobody_wants_are_not_encoded(bench, result, monkeypatch):
    """With readers of det alone no picture is encoded."""
    monkeypatch.setattr(simplejpeg, "encode_jpeg_yuv_planes", lambda *_: pytest.fail("a picture was encoded"))
    sink = bench.sink()
    reader = bench.plain(sink, b"sf1/det/", b"sf1/hello/")
    bench.wait_for_readers(sink, 1)
    bench.publish(sink, result(0))
    assert kinds(bench.receive_until(reader, b"sf1/det/")) == ["hello", "det"]


def test_h264_begins_with_a_key_frame_for_whoever_comes_first(bench, result):
    """While nobody wants pictures the encoder rests, and whoever comes next need not wait for a key frame."""
    sink = bench.sink({"codec": "h264"})
    for first in (0, 10):
        reader = bench.plain(sink, b"sf1/")
        bench.wait_for_readers(sink, 1)
        bench.publish(sink, *(result(first + number) for number in range(3)))
        heads = [unpack(bench.receive_until(reader, b"sf1/img/")[-1][1]) for _ in range(3)]
        assert [head["parts"][0]["key"] for head in heads] == [True, False, False]
        reader.close(0)
        bench.wait_for_readers(sink, 0)
        bench.publish(sink, result(first + 3))


@pytest.mark.parametrize(("endpoint", "codec"), [("tcp://127.0.0.1:*", "jpeg"), ("ipc://{}/bus", "raw"), ("inproc://bus", "raw")])
def test_the_codec_follows_the_transport(bench, result, tmp_path, endpoint, codec):
    """JPEG over TCP, raw RGB where bytes cost nothing, and a raw picture is the picture."""
    sink = bench.sink({"endpoint": endpoint.format(tmp_path)}, context=bench.context)
    reader = bench.plain(sink, b"sf1/")
    bench.wait_for_readers(sink, 1)
    bench.publish(sink, result(0))
    message = bench.receive_until(reader, b"sf1/img/")[-1]
    part = unpack(message[1])["parts"][0]
    assert part["codec"] == codec
    if codec == "raw":
        from streamfuse.video import to_rgb

        assert np.array_equal(np.frombuffer(message[2], np.uint8).reshape(part["shape"]), to_rgb(result(0).image))


def test_readers_are_counted_as_they_come_and_go(bench):
    """50 readers come and go; each is counted once while it is there, and none is left."""
    sink = bench.sink()
    stays = bench.plain(sink, b"sf1/img/", b"sf1/hello/")
    bench.wait_for_readers(sink, 1)
    for _ in range(50):
        reader = bench.plain(sink, b"sf1/img/", b"sf1/hello/")
        bench.wait_for_readers(sink, 2)
        reader.close(0)
        bench.wait_for_readers(sink, 1)
    stays.close(0)
    bench.wait_for_readers(sink, 0)
    assert not sink._bus._subscriptions


def test_what_is_no_subscription_is_ignored(bench, result):
    """A peer that sends other bytes than subscriptions disturbs nobody."""
    import zmq

    sink = bench.sink()
    odd = bench.context.socket(zmq.XSUB)
    odd.connect(sink.endpoint)
    odd.send(b"")
    odd.send(b"\x07what")
    odd.send(b"\x01sf1/")
    bench.wait_for_readers(sink, 1)
    bench.publish(sink, result(0))
    assert odd.recv_multipart()[0] == b"sf1/hello/cam1/"
    odd.close(0)


def test_a_stream_name_that_cannot_be_is_refused_at_the_start():
    """A name with a slash is an error before anything is bound."""
    with pytest.raises(ConfigError, match="a/b"):
        BusSink(BusSettings(endpoint="tcp://127.0.0.1:*"), streams=["a/b"]).open()


def test_a_result_that_cannot_be_told_is_an_error_and_the_next_one_goes_through(bench, result):
    """A header beyond 64 KB is refused with its size; the bus goes on."""
    sink = bench.sink()
    reader = bench.plain(sink, b"sf1/")
    bench.wait_for_readers(sink, 1)
    with pytest.raises(WireError, match=r"takes .* bytes, allowed are 65536"):
        bench.publish(sink, result(0, ext={"note": "x" * 70_000}))
    bench.publish(sink, result(1))
    assert kinds(bench.receive_until(reader, b"sf1/img/")) == ["hello", "det", "img"]
