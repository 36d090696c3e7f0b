"""Wire format 1.0: headers and whole messages <-> bytes. docs/7-publish.md is the same in words.

A message is topic, header, parts. The header is a msgpack map. A reader refuses another major version and ignores keys it does not
know. Everything that is wrong with received bytes is a `WireError`; no buffer is read before its length is checked.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
import numpy as np
from msgspec import Meta

from streamfuse.errors import WireError
from streamfuse.frames import CameraState, ClockKind, Mode
from streamfuse.publish.topic import parse, topic

VERSION = (1, 0)
MAX_HEADER_BYTES = 64 * 1024
DTYPES = ("uint8", "uint16", "float32")

Buffer: TypeAlias = bytes | memoryview
T = TypeVar("T")

# An int of the wire fits 64 bits, so that every language can hold it.
Int = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Id = Annotated[bytes, Meta(min_length=16, max_length=16)]
Text = Annotated[str, Meta(max_length=256)]
Class = Annotated[int, Meta(ge=0, le=2**16 - 1)]  # bounded: readers name every class up to the largest
Track = Annotated[int, Meta(ge=-1, le=2**31 - 1)]
Score = Annotated[float, Meta(ge=0.0, le=1.0)]
Box: TypeAlias = tuple[float, float, float, float, Score, Class, Track]
"""x1, y1, x2, y2 in pixels of the fused frame, score, class, track or -1."""


class CameraTimes(msgspec.Struct, frozen=True, kw_only=True):
    """`ts`: what is known of one camera's part. Nil: not known, or the camera is absent."""

    state: CameraState
    pts: Int | None
    tb: tuple[Int, Annotated[int, Meta(ge=1, le=2**63 - 1)]] | None
    """Time base of `pts`, as numerator and denominator of a second."""
    clk: ClockKind | None
    unc: Count | None
    """Nanoseconds to both sides within which the capture instant lies."""
    age: Int | None
    """Nanoseconds by which this camera's picture is older than `t_cap`."""


class BothTimes(msgspec.Struct, frozen=True, kw_only=True):
    """`ts`: both cameras."""

    infrared: CameraTimes
    visible: CameraTimes


class SyncReport(msgspec.Struct, frozen=True, kw_only=True):
    """`sync`: the estimated offset between the two cameras' clocks."""

    off: Int
    """Nanoseconds, visible - infrared."""
    drift: float
    """Parts per million."""
    conf: Score


class RigReport(msgspec.Struct, frozen=True, kw_only=True):
    """`rig`: the calibration in use and how far off it is."""

    id: Text
    residual: float | None
    """Pixels."""


class FitReport(msgspec.Struct, frozen=True, kw_only=True):
    """`fit`: how infrared lies on the visible picture, as measured while running."""

    x: float
    """Visible pixels: infrared shows things so much too far right."""
    y: float
    """And so much too far down."""
    moved: float
    """Visible pixels from where it was measured first."""
    alarm: bool
    """A camera was knocked, or the rig is wrong."""


class AutoReport(msgspec.Struct, frozen=True, kw_only=True):
    """`auto`: the dials that the prompt `auto` turned for what ails the cameras."""

    dials: dict[str, float]
    why: list[str]
    """A reason for each, in words for people."""


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`parts`: what one payload holds. `dtype`, `shape` and `layout` are those of the decoded array."""

    name: Text
    codec: Text
    dtype: Text
    shape: Annotated[tuple[Annotated[int, Meta(ge=1, le=2**31 - 1)], ...], Meta(min_length=1, max_length=4)]
    layout: Text
    bytes: Count
    key: bool | None = None
    """H.264 only: whether decoding can begin here."""


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every message starts with. `evt`, reserved in 1.0, has no more than this."""

    v: tuple[Count, Count]
    kind: Text
    stream: Text
    pub: Id
    """Publisher and boot: another value restarts `seq`."""
    seq: Count
    """Per publisher and topic. A repeated number is a repeated message."""
    epoch: Count
    t_pub: Int
    ext: dict[str, Any] = {}
    """Users' own keys."""


class ResultHeader(Header, frozen=True, kw_only=True, omit_defaults=True):
    """`det` and `img`."""

    fid: Id
    t_cap: Int
    t_due: Int | None = None
    ts: BothTimes
    dt: Int | None
    sync: SyncReport | None
    mode: Mode
    rig: RigReport | None
    fit: FitReport | None = None
    """Left out until it was measured; stands where there is no rig, too."""
    prompt: Text
    auto: AutoReport | None = None
    """Left out unless the prompt finds its own dials."""
    model: dict[str, str]
    det: list[Box]
    cls: Text
    """Id of the class table, which `hello` holds."""
    parts: list[Part]
    lat: dict[str, Count]
    drop: dict[str, Count]


class HelloHeader(Header, frozen=True, kw_only=True, omit_defaults=True):
    """`hello`: what the stream is. Nil: not known before the first result."""

    software: Text
    codec: Text
    policy: Text
    size: tuple[Count, Count] | None
    """(height, width) of the fused picture in pixels."""
    cls: Text | None
    classes: list[str] | None
    """The class table that `cls` names: `classes[i]` is the name of class i."""
    prompt: Text | None
    model: dict[str, str] | None


class StatHeader(Header, frozen=True, kw_only=True, omit_defaults=True):
    """`stat`: figures of the running stream, once a second."""

    stats: dict[str, Any]


class EosHeader(Header, frozen=True, kw_only=True, omit_defaults=True):
    """`eos`: the stream has ended."""

    totals: dict[str, Any]


class _Envelope(msgspec.Struct):
    """The two keys that say how to read the others."""

    v: tuple[Count, Count]
    kind: Text


_ENVELOPE = msgspec.msgpack.Decoder(_Envelope)
_HEADERS: dict[str, msgspec.msgpack.Decoder[Header]] = {
    "img": msgspec.msgpack.Decoder(ResultHeader),
    "det": msgspec.msgpack.Decoder(ResultHeader),
    "hello": msgspec.msgpack.Decoder(HelloHeader),
    "stat": msgspec.msgpack.Decoder(StatHeader),
    "eos": msgspec.msgpack.Decoder(EosHeader),
    "evt": msgspec.msgpack.Decoder(Header),
}
_ENCODER = msgspec.msgpack.Encoder()
_BROKEN = (msgspec.MsgspecError, ValueError, RecursionError)  # ValueError: text that is not UTF-8; recursion: nested without end


def encode_header(header: Header) -> bytes:
    """`WireError` where it cannot be told in 64 KB of msgpack."""
    try:
        data = _ENCODER.encode(header)
    except (TypeError, OverflowError, *_BROKEN) as exc:
        raise WireError(f"{header.kind} of {header.stream}: cannot be told in msgpack: {exc}") from exc
    if len(data) > MAX_HEADER_BYTES:
        raise WireError(f"{header.kind} of {header.stream}: the header takes {len(data)} bytes, allowed are {MAX_HEADER_BYTES}")
    return data


def decode_header(data: Buffer) -> Header:
    """Check every key and return the header as the type of its kind; keys not known are ignored."""
    if len(data) > MAX_HEADER_BYTES:
        raise WireError(f"a header takes at most {MAX_HEADER_BYTES} bytes, got {len(data)}")
    envelope = _decoded(_ENVELOPE, data)
    if envelope.v[0] != VERSION[0]:
        raise WireError(f"this reader knows version {VERSION[0]} of the wire format, the message is of {envelope.v[0]}")
    if envelope.kind not in _HEADERS:
        raise WireError(f"no kind of message is called {envelope.kind!r} (known: {', '.join(_HEADERS)})")
    return _decoded(_HEADERS[envelope.kind], data)


def _decoded(decoder: msgspec.msgpack.Decoder[T], data: Buffer) -> T:
    try:
        return decoder.decode(data)
    except _BROKEN as exc:
        raise WireError(f"not a header: {exc}") from exc


def encode_message(header: Header, payloads: Sequence[Buffer] = ()) -> list[Buffer]:
    """All parts of a multipart message, topic first."""
    return [topic(header.kind, header.stream), encode_header(header), *payloads]  # type: ignore[arg-type]


def decode_message(received: Sequence[Buffer]) -> tuple[Header, tuple[Buffer, ...]]:
    """Header and payloads, whose number and lengths are what the header says."""
    if len(received) < 2:
        raise WireError(f"a message has a topic, a header and its parts; got {len(received)} parts in all")
    kind, stream = parse(bytes(received[0]))
    header, payloads = decode_header(received[1]), tuple(received[2:])
    if (header.kind, header.stream) != (kind, stream):
        raise WireError(f"the topic says {kind} of {stream}, the header {header.kind} of {header.stream}")
    told = header.parts if isinstance(header, ResultHeader) else []
    if len(told) != len(payloads):
        raise WireError(f"{kind} of {stream}: the header tells of {len(told)} parts, {len(payloads)} came")
    for part, payload in zip(told, payloads, strict=True):
        check_part(part, payload)
    return header, payloads


def check_part(part: Part, payload: Buffer) -> None:
    """Length of a payload against what the header says of it."""
    if part.bytes != len(payload):
        raise WireError(f"part {part.name!r}: the header says {part.bytes} bytes, {len(payload)} came")
    if part.codec == "raw":
        if part.dtype not in DTYPES:
            raise WireError(f"part {part.name!r}: no dtype {part.dtype!r} (known: {', '.join(DTYPES)})")
        want = math.prod(part.shape) * np.dtype(part.dtype).itemsize
        if want != part.bytes:
            raise WireError(f"part {part.name!r}: {part.shape} of {part.dtype} takes {want} bytes, got {part.bytes}")
