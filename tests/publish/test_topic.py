"""Topics."""

import pytest

from streamfuse.errors import ConfigError, WireError
from streamfuse.publish.topic import KINDS, counts_as_reader, parse, topic


@pytest.mark.parametrize("kind", KINDS)
def test_a_topic_comes_back_as_kind_and_stream(kind):
    """Whatever kind and stream a topic was made of, a reader finds both in it."""
    assert parse(topic(kind, "gate.2-north")) == (kind, "gate.2-north")


def test_no_topic_is_a_prefix_of_another_stream():
    """Subscribing to cam1 brings nothing of cam10."""
    assert not topic("img", "cam10").startswith(topic("img", "cam1"))


@pytest.mark.parametrize("name", ["", "a/b", "a b", "café", "x" * 65, "a\n"])
def test_a_name_that_would_break_topics_is_refused(name):
    """A stream whose name cannot stand in a topic is a configuration error that shows the name."""
    with pytest.raises(ConfigError, match="1 to 64 letters"):
        topic("img", name)


@pytest.mark.parametrize("data", [b"", b"sf1/img/cam1", b"sf1/img//", b"sf2/img/cam1/", b"sf1/xyz/cam1/", b"sf1/img/a/b/", b"\xff/img/a/"])
def test_other_topics_are_refused(data):
    """A topic of another shape is a wire error."""
    with pytest.raises(WireError, match="a topic reads"):
        parse(data)


@pytest.mark.parametrize(
    ("subscription", "counts"),
    [(b"", True), (b"sf1/", True), (b"sf1/hello/", True), (b"sf1/hello/cam1/", True), (b"sf1/img/", False), (b"sf1/he1", False)],
)
def test_readers_are_those_who_get_a_hello(subscription, counts):
    """A subscription counts as a reader if it covers the hello of some stream."""
    assert counts_as_reader(subscription) is counts
