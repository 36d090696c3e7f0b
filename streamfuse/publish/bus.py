"""The sink `bus`: results, as they come, to whoever subscribes over ZeroMQ."""

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import zmq
from pydantic import Field, field_validator

import streamfuse
from streamfuse.clock import NS_PER_MS, NS_PER_S, Clock, HostClock
from streamfuse.errors import ConfigError, SubscriberStalledError
from streamfuse.publish.codec import Codec, PictureEncoder, encoder
from streamfuse.publish.compose import Composer, Publisher
from streamfuse.publish.endpoint import check_endpoint, is_local_file
from streamfuse.publish.topic import topic
from streamfuse.publish.wire import Buffer, encode_message
from streamfuse.publish.xpub import Transport, Xpub
from streamfuse.registry import Settings
from streamfuse.results import Result

logger = logging.getLogger(__name__)

LEAST_ROOM_MESSAGES = 16
BATCHES_OF_ROOM = 4  # with room for less than a few batches, a reader that never pauses loses most of each burst
REPEAT_MS = 100  # between two tries to get `eos` to a live reader that had no room
RETRY_MS = 2  # XPUB cannot tell when a reader has room again: ask so often; 16 messages of room last longer than that


class BusSettings(Settings):
    """Where and how to publish."""

    endpoint: str = "tcp://127.0.0.1:5560"
    """tcp://127.0.0.1:PORT (port * takes any free one), or ipc://PATH. Loopback only."""
    codec: Codec | None = None
    """None: jpeg over tcp, raw over ipc."""
    quality: int = Field(default=90, ge=1, le=100)
    """Of JPEG."""
    subscriber_timeout_s: float = Field(default=30.0, gt=0)
    """Lossless: a reader that takes nothing for so long ends the run."""
    grace_ms: int = Field(default=2000, ge=0)
    """How long the end may wait for readers to take what was sent."""
    heartbeat_ms: int = Field(default=2000, ge=0)
    """Live: how often readers are asked whether they are there; three times without an answer drops them. 0: never."""
    send_buffer_bytes: int = Field(default=256 * 1024, ge=4096)
    """Of the kernel, per reader: with more, a slow reader sees older pictures."""

    @field_validator("endpoint")
    @classmethod
    def _may_be_bound(cls, endpoint: str) -> str:
        return check_endpoint(endpoint)


class _Owed(NamedTuple):
    """An `eos` that a live reader may not have got; a repeated number tells readers that it is a repetition."""

    message: list[Buffer]
    deadline_ns: int
    next_ns: int


class BusSink:
    """XPUB by wire format 1.0. Messages are made and sent by the calling thread; only `abort` may be called by another."""

    def __init__(
        self,
        settings: BusSettings,
        *,
        policy: Literal["live", "lossless"] = "live",
        batch_messages: int = 2,
        streams: Sequence[str] = (),
        pub: bytes | None = None,
        clock: Clock | None = None,
        context: "zmq.Context[zmq.Socket[bytes]] | None" = None,
    ) -> None:
        """`batch_messages`: how many are sent at once at most. `streams`: said hello for before their first result.

        `pub` of 16 bytes and `clock`, which must run by itself, are for tests; `context` is needed for inproc.
        """
        if context is None and settings.endpoint.startswith("inproc://"):
            raise ConfigError(
                f"{settings.endpoint}: nobody could read it without a `context` to share; want tcp://127.0.0.1:PORT or ipc://PATH"
            )
        self.endpoint = settings.endpoint
        """After `open` the real one: with the port that was chosen."""
        self._settings = settings
        self._lossless = policy == "lossless"
        self._codec: Codec = settings.codec or ("raw" if is_local_file(settings.endpoint) else "jpeg")
        self._clock = clock or HostClock()
        self._publisher = Publisher(pub or os.urandom(16), streamfuse.__version__, self._codec, policy)
        self._composers = {stream: Composer(stream, self._publisher) for stream in streams}
        self._encoders: dict[str, PictureEncoder] = {}
        self._hello: dict[str, list[Buffer]] = {}
        self._stat: dict[str, list[Buffer]] = {}
        self._owed: dict[str, _Owed] = {}
        self._full_ns: int | None = None
        self._stopping: Callable[[], bool] = lambda: False
        self._aborted = False
        self._stalled = False
        transport = Transport(
            room_messages=max(LEAST_ROOM_MESSAGES, BATCHES_OF_ROOM * batch_messages),
            room_bytes=settings.send_buffer_bytes,
            heartbeat_ms=0 if self._lossless else settings.heartbeat_ms,
        )
        self._bus = Xpub(transport, context)

    @property
    def readers(self) -> int:
        """Readers as of the last `tick` or `publish`."""
        return self._bus.readers

    def open(self) -> None:
        """Bind the socket."""
        for stream in self._composers:
            topic("hello", stream)  # refuses a name that cannot be one, before anybody listens
        self.endpoint = self._bus.bind(self.endpoint)  # again the same port, if opened again: readers come back by themselves
        self._stalled = False
        logger.info("bus: publishing at %s, %s, %s", self.endpoint, self._publisher.policy, self._codec)
        for composer in self._composers.values():
            self._renew_hello(composer)

    def publish(self, result: Result, stopping: Callable[[], bool]) -> None:
        """Send `det`, then `img`; pictures nobody subscribes to are not encoded."""
        self._stopping = stopping
        self._greet(wait=True)
        composer = self._composer(result.stream)
        if composer.learn(result) or result.stream not in self._hello:
            self._renew_hello(composer)
            self._send(self._hello[result.stream])
        self._publish_boxes(composer, result)
        self._publish_picture(composer, result)

    def tick(self) -> int:
        """Answer new subscriptions with `hello` and the last `stat`; returns the number of readers."""
        self._greet(wait=False)
        self._pay_owed()
        return self._bus.readers

    def report(self, stream: str, stats: Mapping[str, Any]) -> None:
        """Send `stat`, and keep it for readers who come later."""
        self._stat[stream] = encode_message(self._composer(stream).stat(stats, self._clock.utc_ns()))
        self._send(self._stat[stream])

    def end(self, stream: str, totals: Mapping[str, Any]) -> None:
        """Send `eos`. Live: where a reader had no room lately it is repeated until the grace time is over, for want of an answer."""
        message = encode_message(self._composer(stream).eos(totals, self._clock.utc_ns()))
        self._close_encoder(stream)
        self._hello.pop(stream, None)
        self._stat.pop(stream, None)
        self._send(message, last=True)
        now_ns, grace_ns = self._clock.now_ns(), self._settings.grace_ms * NS_PER_MS
        if self._full_ns is not None and now_ns < self._full_ns + grace_ns:
            self._owed[stream] = _Owed(message, now_ns + grace_ns, now_ns + REPEAT_MS * NS_PER_MS)

    def abort(self) -> None:
        """Make every wait end at once, and `close` throw away what readers have not taken."""
        self._aborted = True

    def close(self) -> None:
        """Wait at most the grace time until readers have taken everything, then unbind."""
        while self._bus.is_open and self._owed and not self._aborted:
            self._bus.read_events(REPEAT_MS)
            self._pay_owed()
        self._bus.close(0 if self._aborted else self._settings.grace_ms)
        for stream in list(self._encoders):
            self._close_encoder(stream)
        self._owed.clear()

    def _composer(self, stream: str) -> Composer:
        if stream not in self._composers:
            self._composers[stream] = Composer(stream, self._publisher)
        return self._composers[stream]

    def _renew_hello(self, composer: Composer) -> None:
        self._hello[composer.stream] = encode_message(composer.hello(self._clock.utc_ns()))

    def _publish_boxes(self, composer: Composer, result: Result) -> None:
        if self._bus.wanted(topic("det", result.stream)):
            self._send(encode_message(composer.result("det", result, self._clock.utc_ns(), [])))
        else:
            composer.skip("det")

    def _publish_picture(self, composer: Composer, result: Result) -> None:
        if not self._bus.wanted(topic("img", result.stream)):
            composer.skip("img")
            self._close_encoder(result.stream)  # whoever comes next starts with a key frame
            return
        if result.stream not in self._encoders:
            self._encoders[result.stream] = encoder(self._codec, self._settings.quality)
        part, data = self._encoders[result.stream].encode(result.image, result.t_cap_ns)
        self._send(encode_message(composer.result("img", result, self._clock.utc_ns(), [part]), [data]))

    def _close_encoder(self, stream: str) -> None:
        if stream in self._encoders:
            self._encoders.pop(stream).close()

    def _greet(self, *, wait: bool) -> None:
        """Tell new readers of `hello` what each stream is. Without `wait` a full reader puts that off until the next time."""
        self._bus.read_events()
        joined, self._bus.joined = self._bus.joined, set()
        for stream, hello in self._hello.items():
            if not any(topic("hello", stream).startswith(subscription) for subscription in joined):
                continue
            for message in (hello, self._stat.get(stream)):
                if message is None:
                    continue
                if wait or not self._lossless:
                    self._send(message)
                elif not self._bus.send(message):
                    self._bus.joined |= joined
                    return

    def _pay_owed(self) -> None:
        now_ns = self._clock.now_ns()
        for stream, owed in list(self._owed.items()):
            if now_ns >= owed.deadline_ns or not self._bus.wanted(topic("eos", stream)):
                del self._owed[stream]
            elif now_ns >= owed.next_ns:
                self._bus.send_to_those_with_room(owed.message)
                self._owed[stream] = owed._replace(next_ns=now_ns + REPEAT_MS * NS_PER_MS)

    def _send(self, message: list[Buffer], *, last: bool = False) -> None:
        """Live: once. Lossless: until readers have room; the `last` message has the grace time even where all is stopping."""
        began_ns = self._clock.now_ns()
        if not self._lossless:
            if not self._bus.send(message):
                self._full_ns = began_ns
                self._bus.send_to_those_with_room(message)
            return
        while not self._bus.send(message):
            waited_ns = self._clock.now_ns() - began_ns
            in_grace = last and waited_ns < self._settings.grace_ms * NS_PER_MS
            if self._aborted or self._stalled or (self._stopping() and not in_grace):
                return
            if waited_ns > self._settings.subscriber_timeout_s * NS_PER_S:
                self._stalled = True  # so that the end of the run does not wait as long again
                raise SubscriberStalledError(
                    f"{self.endpoint}: a subscriber has read nothing for {self._settings.subscriber_timeout_s:g} s and holds up "
                    f"{bytes(message[0]).decode()}; nothing is dropped in a lossless run: let it read, disconnect it, or allow it more time"
                )
            self._bus.read_events(RETRY_MS)
