"""Wire format 1.0: what is right comes back the same, what is wrong is a `WireError` and nothing else."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamfuse.errors import WireError
from streamfuse.publish.compose import Composer, Publisher
from streamfuse.publish.wire import MAX_HEADER_BYTES, Part, ResultHeader, decode_header, decode_message, encode_header, encode_message

RAW = Part(name="fused", codec="raw", dtype="uint8", shape=(2, 3, 3), layout="hwc", bytes=18)


@pytest.fixture
def header(result) -> ResultHeader:
    return Composer("cam1", Publisher(bytes(16), "0.1.0", "raw", "live")).result("img", result(), 5, [RAW])


@pytest.fixture
def encoded(header) -> bytes:
    return encode_header(header)


def changed(encoded: bytes, **keys: Any) -> bytes:
    """The header with some keys replaced, as another program might write it."""
    return msgspec.msgpack.encode(msgspec.msgpack.decode(encoded) | keys)


def test_a_header_comes_back_the_same(header, encoded):
    """Decoding gives back what was encoded."""
    assert decode_header(encoded) == header


def test_every_documented_key_is_there(encoded):
    """A result carries each key of the documentation under its name; `t_due` and `ext` only where there is something in them."""
    documented = "v kind stream pub seq epoch fid t_cap t_pub ts dt sync mode rig prompt model det cls parts lat drop"
    assert " ".join(sorted(msgspec.msgpack.decode(encoded))) == " ".join(sorted(documented.split(" ")))


def test_a_missing_camera_is_told_by_nil(result):
    """`dt` is there and nil where one camera is missing, and what is optional is there when it is given."""
    composer = Composer("cam1", Publisher(bytes(16), "0.1.0", "raw", "live"))
    seen = msgspec.msgpack.decode(encode_header(composer.result("det", result(skew_ns=None, t_due_ns=9, ext={"site": "north"}), 5, [])))
    assert (seen["dt"], seen["t_due"], seen["ext"]) == (None, 9, {"site": "north"})


def test_unknown_keys_are_ignored(header, encoded):
    """A later minor version may add keys."""
    decoded = decode_header(changed(encoded, v=[1, 7], colour="green", deep={"a": [1, {"b": None}]}))
    assert msgspec.structs.replace(decoded, v=(1, 0)) == header


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        pytest.param({"v": [2, 0]}, "version", id="another major"),
        pytest.param({"v": [0, 9]}, "version", id="an older major"),
        pytest.param({"v": [2, 0], "pub": 1, "kind": "new"}, "version 1", id="the version is looked at first"),
        pytest.param({"v": 1}, "v", id="version is no list"),
        pytest.param({"kind": "video"}, "video", id="unknown kind"),
        pytest.param({"pub": b"short"}, "pub", id="pub of 5 bytes"),
        pytest.param({"fid": "0" * 16}, "fid", id="fid is text"),
        pytest.param({"seq": -1}, "seq", id="negative seq"),
        pytest.param({"seq": 1.0}, "seq", id="seq is a float"),
        pytest.param({"t_cap": 2**64 - 1}, "t_cap", id="time beyond 64 signed bits"),
        pytest.param({"mode": "black_and_white"}, "mode", id="unknown mode"),
        pytest.param({"ts": {"infrared": {"state": "fresh"}}}, "ts", id="half of ts"),
        pytest.param({"det": [[1, 2, 3, 4, 0.5, 0]]}, "det", id="box without track"),
        pytest.param({"det": [[1, 2, 3, 4, 1.5, 0, -1]]}, "det", id="score above 1"),
        pytest.param({"det": [[1, 2, 3, 4, 0.5, -1, -1]]}, "det", id="negative class"),
        pytest.param({"det": [[1, 2, 3, 4, 0.5, 65536, -1]]}, "det", id="class beyond any table"),
        pytest.param({"parts": [{"name": "fused"}]}, "parts", id="part without length"),
        pytest.param({"parts": {}}, "parts", id="parts is a map"),
        pytest.param({"ext": [1]}, "ext", id="ext is a list"),
        pytest.param({"ext": {"x": "y" * MAX_HEADER_BYTES}}, "at most 65536", id="too long"),
    ],
)
def test_a_wrong_key_is_named(encoded, keys, says):
    """A header with a wrong version, kind, type, length or range is refused, and the message tells which."""
    with pytest.raises(WireError, match=says):
        decode_header(changed(encoded, **keys))


@pytest.mark.parametrize("data", [b"", b"\x91" * 60000, b"\xdd\xff\xff\xff\xff", b"\x81\xa1v", b"\x81\xa1\xff\x01", b"\xc1", b"\x80"])
def test_no_header_at_all(data):
    """Empty, truncated, endlessly nested or simply other bytes are refused."""
    with pytest.raises(WireError):
        decode_header(data)


def test_what_msgpack_cannot_hold_is_refused_before_it_is_sent(header):
    """A user's key that msgpack cannot hold, or that makes the header too long, is an error of the sender."""
    for ext in ({"x": object()}, {"x": 2**70}, {"x": "y" * MAX_HEADER_BYTES}):
        with pytest.raises(WireError, match="img of cam1"):
            encode_header(msgspec.structs.replace(header, ext=ext))


@given(st.binary(max_size=200))
def test_random_bytes_never_raise_anything_else(data):
    """Whatever comes in as a header, it is a header or a `WireError`."""
    with pytest.raises(WireError):
        decode_header(data)


@given(st.data())
def test_mutated_messages_never_raise_anything_else(golden, data):
    """A good message with bytes changed, cut out or put in is a good message or a `WireError`."""
    message = list(data.draw(st.sampled_from(golden)))
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(message) - 1))
        at = data.draw(st.integers(0, len(message[index])))
        cut = data.draw(st.integers(0, 3))
        message[index] = message[index][:at] + data.draw(st.binary(max_size=3)) + message[index][at + cut :]
    try:
        decoded, parts = decode_message(message)
    except WireError:
        return
    assert sum(map(len, parts)) == sum(part.bytes for part in getattr(decoded, "parts", []))


@pytest.mark.parametrize(
    ("received", "says"),
    [
        pytest.param(lambda topic, header, part: [topic], "in all", id="no header"),
        pytest.param(lambda topic, header, part: [topic, header], "tells of 1 parts, 0 came", id="part missing"),
        pytest.param(lambda topic, header, part: [topic, header, part, part], "tells of 1 parts, 2 came", id="part too many"),
        pytest.param(lambda topic, header, part: [topic, header, part[:-1]], "says 18 bytes, 17 came", id="short part"),
        pytest.param(lambda topic, header, part: [topic, header, part + b"x"], "says 18 bytes, 19 came", id="long part"),
        pytest.param(lambda topic, header, part: [b"sf1/img/cam2/", header, part], "of cam2", id="another stream"),
        pytest.param(lambda topic, header, part: [b"sf1/det/cam1/", header, part], "det of cam1", id="another kind"),
        pytest.param(lambda topic, header, part: [b"sf1/img", header, part], "a topic reads", id="no topic"),
    ],
)
def test_parts_are_what_the_header_says(header, received, says):
    """Number and length of the parts, kind and stream must agree with the header before anything is read."""
    topic, data, part = encode_message(header, [bytes(18)])
    with pytest.raises(WireError, match=says):
        decode_message(received(topic, data, part))


@pytest.mark.parametrize("part", [{"shape": [2, 3, 4]}, {"shape": [2**31 - 1, 2**31 - 1, 3]}, {"dtype": "uint16"}, {"dtype": "object"}])
def test_a_raw_part_has_the_length_of_its_shape(encoded, part):
    """Shape times size of the dtype must be the length of a raw part."""
    lying = changed(encoded, parts=[msgspec.to_builtins(RAW) | part])
    with pytest.raises(WireError, match="part 'fused'"):
        decode_message([b"sf1/img/cam1/", lying, bytes(18)])
