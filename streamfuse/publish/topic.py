"""Topics: `sf1/<kind>/<stream>/`. The closing slash matters: ZeroMQ filters by prefix, and `cam1` is one of `cam10`."""

import re
from typing import Literal, TypeAlias, cast, get_args

from streamfuse.errors import ConfigError, WireError

Kind: TypeAlias = Literal["img", "det", "evt", "stat", "eos", "hello"]

KINDS: tuple[Kind, ...] = get_args(Kind)
PREFIX = "sf1"
STREAM_NAME = r"[A-Za-z0-9._-]{1,64}"
_STREAM = re.compile(STREAM_NAME)
_TOPIC = re.compile(rb"sf1/([a-z]{1,8})/([A-Za-z0-9._-]{1,64})/")


def topic(kind: Kind, stream: str) -> bytes:
    """The topic of one kind of message of one stream."""
    if not _STREAM.fullmatch(stream):
        raise ConfigError(f"a stream is named by 1 to 64 letters, digits, dots, dashes or underscores, got {stream!r}")
    return f"{PREFIX}/{kind}/{stream}/".encode("ascii")


def prefix(kind: Kind) -> bytes:
    """What to subscribe to for one kind of message of all streams."""
    return f"{PREFIX}/{kind}/".encode("ascii")


def parse(data: bytes) -> tuple[Kind, str]:
    """(kind, stream) of a received topic."""
    match = _TOPIC.fullmatch(data)
    if not match or match[1].decode("ascii") not in KINDS:
        raise WireError(f"a topic reads {PREFIX}/<kind>/<stream>/ with a kind of {', '.join(KINDS)}; got {data[:100]!r}")
    return cast("Kind", match[1].decode("ascii")), match[2].decode("ascii")


def counts_as_reader(subscription: bytes) -> bool:
    """Whether a subscription covers the `hello` of any stream: readers are counted by these."""
    hello = prefix("hello")
    return hello.startswith(subscription) or subscription.startswith(hello)
