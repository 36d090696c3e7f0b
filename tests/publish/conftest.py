"""Results to publish, and sockets that are closed again."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

from streamfuse.frames import Planes, chroma_size
from streamfuse.publish.bus import BusSettings, BusSink
from streamfuse.publish.codec import PictureEncoder, encoder
from streamfuse.publish.compose import Composer, Publisher
from streamfuse.publish.fid import frame_id
from streamfuse.publish.wire import encode_message
from streamfuse.results import CameraReport, Detections, Result

PERIOD_NS = 33_333_333


def ramp(size: tuple[int, int], shift: int = 0) -> Planes:
    """A picture in which every pixel differs from its neighbours a little, and every `shift` from the next."""
    rows, columns = np.indices(size)
    half = (chroma_size(size[0]), chroma_size(size[1]))
    luma = ((rows + columns + 8 * shift) % 256).astype(np.uint8)
    return Planes(y=luma, u=np.full(half, 100, np.uint8), v=np.full(half, 160, np.uint8))


def boxes(count: int = 2) -> Detections:
    corners = np.arange(4 * count, dtype=np.float32).reshape(count, 4)
    scores = np.linspace(1.0, 0.25, count, dtype=np.float32)
    classes, tracks = np.arange(count, dtype=np.int32) % 2, np.arange(count, dtype=np.int32) - 1
    return Detections(boxes_N4=corners, scores_N=scores, classes_N=classes, tracks_N=tracks, names=("person", "car"))


def make_result(number: int = 0, stream: str = "cam1", size: tuple[int, int] = (24, 32), **changes: Any) -> Result:
    """The result number `number` of a recording that began in 2023."""
    t_cap_ns = 1_700_000_000_000_000_000 + number * PERIOD_NS
    camera = CameraReport(state="fresh", pts=number, time_base=Fraction(1, 30), clock="media", uncertainty_ns=0, age_ns=0)
    values: dict[str, Any] = {
        "stream": stream,
        "seq": number,
        "epoch": 0,
        "fid": frame_id(t_cap_ns, b"recording", stream, 0, number),
        "t_cap_ns": t_cap_ns,
        "t_due_ns": None,
        "mode": "fused",
        "infrared": camera,
        "visible": camera,
        "skew_ns": 0,
        "image": ramp(size, number),
        "detections": boxes(),
        "rig": "lamp-post",
        "residual_px": 0.5,
        "prompt": "neutral",
        "model": {"network": "laplacian", "detector": "none", "precision": "float32"},
        "latency_us": {"fuse": 900},
        "drops": {"sync.late": 1},
    }
    return Result(**(values | changes))


class Bench:
    """Makes sinks and plain readers, and closes them all."""

    def __init__(self) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sinks: list[BusSink] = []
        self._sockets: list[zmq.Socket[bytes]] = []

    def sink(self, settings: dict[str, Any] | None = None, **options: Any) -> BusSink:
        """An open bus at a free port."""
        sink = BusSink(BusSettings(**({"endpoint": "tcp://127.0.0.1:*"} | (settings or {}))), **options)
        self._sinks.append(sink)
        sink.open()
        return sink

    def plain(self, sink: BusSink, *prefixes: bytes, room: int = 0) -> "zmq.Socket[bytes]":
        """A pyzmq socket as anybody would write it; 0 room: as much as there is memory."""
        reader = self.context.socket(zmq.SUB)
        self._sockets.append(reader)
        reader.setsockopt(zmq.RCVHWM, room)
        reader.connect(sink.endpoint)
        for prefix in prefixes:
            reader.subscribe(prefix)
        return reader

    def publish(self, sink: BusSink, *results: Result) -> None:
        """Send results while nobody is stopping the pipeline."""
        for result in results:
            sink.publish(result, lambda: False)

    def wait_for_readers(self, sink: BusSink, count: int) -> None:
        """Serve the bus until it has exactly `count` readers; each look waits for the next coming or going."""
        while sink.tick() != count:
            sink._bus.read_events(100)

    def receive(self, reader: "zmq.Socket[bytes]") -> list[bytes]:
        """The next message of a plain reader."""
        assert reader.poll(20_000), "no message came"
        return reader.recv_multipart()

    def receive_until(self, reader: "zmq.Socket[bytes]", topic_prefix: bytes) -> list[list[bytes]]:
        """All messages up to and including the first under `topic_prefix`."""
        messages = [self.receive(reader)]
        while not messages[-1][0].startswith(topic_prefix):
            messages.append(self.receive(reader))
        return messages

    def close(self) -> None:
        for reader in self._sockets:
            reader.close(0)
        for sink in self._sinks:
            sink.abort()
            sink.close()
        self.context.term()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


@pytest.fixture
def result() -> Callable[..., Result]:
    """Makes results: `result(number, stream, size, **changes)`."""
    return make_result


@pytest.fixture
def picture() -> Callable[..., Planes]:
    """Makes pictures: `picture(size, shift)`."""
    return ramp


class Wire:
    """Messages as they come from a socket, of one publisher."""

    def __init__(self, pub: bytes = bytes(16), codec: str = "raw") -> None:
        self._publisher = Publisher(pub, "0.1.0", codec, "live")
        self._composers: dict[str, Composer] = {}
        self._encoders: dict[str, PictureEncoder] = {}
        self._codec = codec

    def __call__(self, kind: str, number: int = 0, stream: str = "cam1") -> list[bytes | memoryview]:
        """The next message of a kind of a stream; `number` is that of the result in it."""
        composer = self._composers.setdefault(stream, Composer(stream, self._publisher))
        result = make_result(number, stream)
        composer.learn(result)
        if kind == "img":
            encode = self._encoders.setdefault(stream, encoder(self._codec, 90)).encode  # type: ignore[arg-type]
            part, data = encode(result.image, result.t_cap_ns)
            return encode_message(composer.result("img", result, 5, [part]), [data])
        if kind == "det":
            return encode_message(composer.result("det", result, 5, []))
        if kind == "hello":
            return encode_message(composer.hello(5))
        return encode_message(composer.eos({}, 5) if kind == "eos" else composer.stat({"fps": 30.0}, 5))


@pytest.fixture(scope="session")
def wire() -> type[Wire]:
    """Makes publishers without a socket: `wire(pub, codec)(kind, number, stream)` is a message."""
    return Wire


@pytest.fixture(scope="session")
def golden() -> list[list[bytes]]:
    """The golden messages of version 1.0, each as its parts: det, img, hello, stat, eos."""
    folder = Path(__file__).parent.parent / "golden"
    return [unpacked((folder / f"wire_v1_{kind}.bin").read_bytes()) for kind in ("det", "img", "hello", "stat", "eos")]


def unpacked(data: bytes) -> list[bytes]:
    """The parts of a message in a golden file: each after its length as 4 bytes, big-endian."""
    parts = []
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        parts.append(data[4:end])
        data = data[end:]
    return parts
