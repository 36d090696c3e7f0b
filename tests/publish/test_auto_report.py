"""What a prompt found for itself, in the header."""

from streamfuse.publish.compose import Composer, Publisher
from streamfuse.publish.wire import ResultHeader, decode_header, encode_header
from streamfuse.results import Result, SelfSet


def encoded(result: Result) -> bytes:
    return encode_header(Composer("gate", Publisher(bytes(16), "1", "jpeg", "live")).result("det", result, 0, []))


def test_readers_get_dials_and_reasons_back(result):
    """`auto` holds the dials that were turned and why; with none it is there and empty, so that a reader knows who looks."""
    for found in (SelfSet(dials={"visible_light": 0.7}, why=("visible dark: mean 0.07",)), SelfSet()):
        header = decode_header(encoded(result(prompt="auto", found=found)))
        assert isinstance(header, ResultHeader)
        assert header.prompt == "auto"
        assert header.auto is not None
        assert (header.auto.dials, header.auto.why) == (dict(found.dials), list(found.why))


def test_other_prompts_say_nothing_of_it(result):
    """The key is not there at all, as it was not before there was one."""
    assert b"auto" not in encoded(result())
