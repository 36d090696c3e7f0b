"""The client: reads a bus from anywhere, with gaps counted and without lagging behind.

with Subscriber("tcp://127.0.0.1:5560", kinds=["img"]) as bus:
    for message in bus:                      # ends with the streams
        rgb = message.image()                # (H, W, 3) uint8
        boxes = message.detections           # pixels of that picture
"""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, get_args

import zmq

from streamfuse.clock import HostClock
from streamfuse.errors import BusError, ConfigError
from streamfuse.publish.intake import Intake
from streamfuse.publish.mailbox import Mailbox, ReadMode
from streamfuse.publish.message import Message
from streamfuse.publish.topic import KINDS, Kind, prefix, topic
from streamfuse.registry import suggestion

MAX_PART_BYTES = 256 * 1024 * 1024
RECONNECT_MS, RECONNECT_MAX_MS = 100, 5000
KEEPALIVE_S = 10


class Subscriber:
    """Reads one bus. A thread of its own drains the socket all the time; everything else may be called by any one thread.

    `latest`, the default, hands out the newest message of each topic, so that a slow reader sees fresh pictures and skips some.
    `all` hands out everything in order; a reader that is too slow then holds up a lossless bus, and loses messages of a live one.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        streams: Sequence[str] | None = None,
        kinds: Sequence[Kind] = ("det", "img"),
        mode: ReadMode = "latest",
        until_eos: bool = True,
        room_messages: int = 256,
    ) -> None:
        """`streams`: None for all. `until_eos`: iteration ends when all streams seen, or asked for, have ended; else never.

        `room_messages`: how many wait here in `all`, and as many again in the socket.
        """
        for value, known, noun in (*((kind, KINDS, "kind of message") for kind in kinds), (mode, get_args(ReadMode), "mode")):
            if value not in known:
                raise ConfigError(f"no {noun} is called {value!r}{suggestion(value, list(known))} (known: {', '.join(known)})")
        self.endpoint = endpoint
        self._topics = _subscriptions(streams, kinds)
        self._kinds = frozenset(kinds)
        self._mode = mode
        self._until_eos = until_eos
        self._room_messages = room_messages
        self._intake = Intake(streams)
        self._mailbox = Mailbox(mode, room_messages)
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._thread: threading.Thread | None = None
        self._failure: BusError | None = None
        self._clock = HostClock()

    def open(self) -> Self:
        """Connect and begin to read. The publisher need not be there yet, and may come again."""
        self._context = zmq.Context()
        socket = self._context.socket(zmq.SUB)
        try:
            self._connect(socket)
        except zmq.ZMQError as exc:
            socket.close(0)
            self.close()
            raise BusError(
                f"{self.endpoint}: not an endpoint that can be connected to: {exc.strerror}; want tcp://HOST:PORT or ipc://PATH"
            ) from exc
        self._thread = threading.Thread(target=self._receive, args=(socket,), name=f"subscriber {self.endpoint}", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Disconnect; what was received may still be read. May be called twice."""
        self._mailbox.close()
        if self._context is not None:
            self._context.term()  # wakes the thread, and waits until it has closed its socket
        if self._thread is not None:
            self._thread.join()
        self._context = self._thread = None

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def recv(self, timeout_s: float | None = None) -> Message | None:
        """The next message; None when `timeout_s` is over, or nothing more will come."""
        message = self._mailbox.take(timeout_s)
        if message is None and self._failure is not None:
            raise self._failure
        return message

    @property
    def ended(self) -> bool:
        """Nothing more will come: all streams have ended (with `until_eos`), or this was closed."""
        return self._mailbox.done

    def __iter__(self) -> Iterator[Message]:
        while (message := self.recv()) is not None:
            yield message

    async def __aiter__(self) -> AsyncIterator[Message]:
        """The same for an event loop, which is never blocked."""
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(arrived.set)

        self._mailbox.listen(wake)
        try:
            while True:
                arrived.clear()
                ended = self.ended  # before `recv`, so that a failure between the two is not missed
                message = self.recv(timeout_s=0)
                if message is not None:
                    yield message
                elif ended:
                    return
                else:
                    await arrived.wait()
        finally:
            self._mailbox.unlisten(wake)

    @property
    def received(self) -> Counter[str]:
        """Good messages that came, by topic: those skipped later included."""
        return self._intake.received.copy()

    @property
    def lost(self) -> Counter[str]:
        """Messages that were sent but never came, by topic, from the gaps in `seq`; skipping is no loss."""
        return self._intake.lost.copy()

    @property
    def skipped(self) -> Counter[str]:
        """Messages that came but were left out, by topic: replaced by newer ones, or H.264 without its key frame."""
        return self._mailbox.skipped.copy() + self._intake.undecodable.copy()

    @property
    def malformed(self) -> int:
        """Messages that do not follow the wire format."""
        return self._intake.malformed

    @property
    def lag_ms(self) -> float | None:
        """Age of the newest message when it came; None before the first, and in a replay that keeps no time."""
        return self._intake.age_ms

    def _connect(self, socket: "zmq.Socket[bytes]") -> None:
        options: Mapping[int, Any] = {
            zmq.RCVHWM: self._room_messages,
            zmq.MAXMSGSIZE: MAX_PART_BYTES,
            zmq.RECONNECT_IVL: RECONNECT_MS,
            zmq.RECONNECT_IVL_MAX: RECONNECT_MAX_MS,
            zmq.TCP_KEEPALIVE: 1,
            zmq.TCP_KEEPALIVE_IDLE: KEEPALIVE_S,
            zmq.IPV6: int("[" in self.endpoint),
            zmq.LINGER: 0,
        }
        for option, value in options.items():
            socket.setsockopt(option, value)
        socket.connect(self.endpoint)
        for subscription in self._topics:  # after connecting, else they are sent in another order
            socket.subscribe(subscription)

    def _receive(self, socket: "zmq.Socket[bytes]") -> None:
        """The thread: until the context is terminated."""
        try:
            while True:
                frames = socket.recv_multipart(copy=False)
                self._take([frame.buffer for frame in frames])
        except zmq.ContextTerminated:
            pass
        except zmq.ZMQError as exc:
            self._failure = BusError(f"{self.endpoint}: reading failed: {exc.strerror}")
        finally:
            socket.close(0)
            self._mailbox.close()

    def _take(self, received: list[memoryview]) -> None:
        message = self._intake.take(received, self._clock.utc_ns())
        if message is None:
            return
        if message.kind in self._kinds:
            self._mailbox.put(message)
        if self._until_eos and self._intake.over:
            self._mailbox.close()


def _subscriptions(streams: Sequence[str] | None, kinds: Sequence[Kind]) -> list[bytes]:
    """What is wanted, then `eos` and `hello`, each once and for all streams.

    Publishers count readers by `hello`, so it comes last: whoever is counted gets everything.
    """
    wanted: list[Kind] = [kind for kind in dict.fromkeys(kinds) if kind not in ("hello", "eos")]
    if streams is None:
        topics = [prefix(kind) for kind in wanted]
    else:
        topics = [topic(kind, stream) for kind in wanted for stream in dict.fromkeys(streams)]
    return [*topics, prefix("eos"), prefix("hello")]
