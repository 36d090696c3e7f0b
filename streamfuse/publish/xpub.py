"""The publishing socket: XPUB, with its subscriptions counted. One thread."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import zmq

from streamfuse.publish.endpoint import bind
from streamfuse.publish.topic import counts_as_reader
from streamfuse.publish.wire import Buffer

MAX_RECEIVED_BYTES = 4096  # only subscriptions come in, and a topic takes at most 80 bytes
MAX_EVENTS = 1000  # read at once: subscribing over and over must not keep the publisher from publishing
KEEPALIVE_S = 10  # idle time after which the kernel asks whether the other machine is still there


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """How the socket treats its readers."""

    room_messages: int
    """Messages that wait for one reader, over all topics."""
    room_bytes: int
    """Bytes of the kernel's send buffer per reader."""
    heartbeat_ms: int
    """How often a reader is asked whether it is there, 0 for never; one that pauses under back-pressure is taken for dead."""


class Xpub:
    """Opened with `bind`; `close` may be called twice."""

    def __init__(self, transport: Transport, context: "zmq.Context[zmq.Socket[bytes]] | None") -> None:
        self.joined: set[bytes] = set()
        """Subscriptions that came in since the owner last cleared this."""
        self._transport = transport
        self._shared = context
        self._own: zmq.Context[zmq.Socket[bytes]] | None = None
        self._opened: zmq.Socket[bytes] | None = None
        self._subscriptions: Counter[bytes] = Counter()

    @property
    def _socket(self) -> "zmq.Socket[bytes]":
        assert self._opened is not None, "the sink is not open"
        return self._opened

    @property
    def is_open(self) -> bool:
        """Between `bind` and `close`."""
        return self._opened is not None

    @property
    def readers(self) -> int:
        """Subscriptions now that cover `hello`: one per reader that keeps to the documentation."""
        return sum(count for subscription, count in self._subscriptions.items() if counts_as_reader(subscription))

    def wanted(self, topic: bytes) -> bool:
        """Whether anybody subscribes to `topic`, as far as subscriptions were read."""
        return any(topic.startswith(subscription) for subscription in self._subscriptions)

    def bind(self, endpoint: str) -> str:
        """Open at `endpoint`; returns the real one. `BusError` if that cannot be."""
        self._own = None if self._shared else zmq.Context()
        context = self._shared or self._own
        assert context is not None
        self._opened = context.socket(zmq.XPUB)
        self._configure()
        try:
            return bind(self._opened, endpoint)
        except OSError:
            self.close(0)
            raise

    def _configure(self) -> None:
        bus, transport = self._socket, self._transport
        bus.setsockopt(zmq.XPUB_VERBOSER, 1)  # each reader's coming and going is an event, not only the first and the last
        bus.setsockopt(zmq.XPUB_NODROP, 1)
        bus.setsockopt(zmq.SNDHWM, transport.room_messages)
        bus.setsockopt(zmq.SNDBUF, transport.room_bytes)
        bus.setsockopt(zmq.MAXMSGSIZE, MAX_RECEIVED_BYTES)
        bus.setsockopt(zmq.TCP_KEEPALIVE, 1)
        bus.setsockopt(zmq.TCP_KEEPALIVE_IDLE, KEEPALIVE_S)
        if transport.heartbeat_ms:
            bus.setsockopt(zmq.HEARTBEAT_IVL, transport.heartbeat_ms)
            bus.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3 * transport.heartbeat_ms)
            bus.setsockopt(zmq.HEARTBEAT_TTL, 3 * transport.heartbeat_ms)

    def read_events(self, timeout_ms: int = 0) -> None:
        """Take in subscriptions; wait at most `timeout_ms` for the first."""
        for _ in range(MAX_EVENTS):
            if not self._socket.poll(timeout_ms, zmq.POLLIN):
                return
            timeout_ms = 0
            event = self._socket.recv(zmq.NOBLOCK)
            subscription = event[1:]
            if event[:1] == b"\x01":
                self._subscriptions[subscription] += 1
                self.joined.add(subscription)
            elif event[:1] == b"\x00":
                self._subscriptions[subscription] -= 1
                self._subscriptions += Counter()  # forgets those at zero

    def send(self, message: Sequence[Buffer]) -> bool:
        """Send without waiting; False: a reader has no room, nothing was sent to anybody.

        Readers that lost a message by `send_to_those_with_room` are not asked, and get nothing, until they have read some.
        """
        try:
            self._socket.send_multipart(message, zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return False
        return True

    def send_to_those_with_room(self, message: Sequence[Buffer]) -> None:
        """Send without waiting; the others lose the message."""
        self._socket.setsockopt(zmq.XPUB_NODROP, 0)
        self.send(message)
        self._socket.setsockopt(zmq.XPUB_NODROP, 1)

    def close(self, linger_ms: int) -> None:
        """Wait at most `linger_ms` until readers have taken what was sent, then free everything."""
        if self._opened is not None:
            self._opened.close(linger_ms)
        if self._own is not None:
            self._own.term()
        self._opened = self._own = None
        self._subscriptions.clear()
        self.joined.clear()
