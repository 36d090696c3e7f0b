"""What the client does with every message before anybody sees it: checks it, counts gaps, keeps class tables and H.264 groups."""

import logging
from collections import Counter
from collections.abc import Collection, Sequence

from streamfuse.clock import NS_PER_S
from streamfuse.errors import WireError
from streamfuse.publish.group import PictureGroup
from streamfuse.publish.message import Message
from streamfuse.publish.wire import Buffer, EosHeader, Header, HelloHeader, ResultHeader, decode_message

logger = logging.getLogger(__name__)

QUIET_NS = 60 * NS_PER_S  # between two warnings of malformed messages


class Intake:
    """Used by the receive thread; its counters may be read by others. Topics are keys as text."""

    def __init__(self, streams: Collection[str] | None) -> None:
        self.received: Counter[str] = Counter()
        """Good messages, by topic."""
        self.lost: Counter[str] = Counter()
        """Messages that were sent but never came, by topic."""
        self.undecodable: Counter[str] = Counter()
        """H.264 pictures left out because the key frame before them was lost or came before we did, by topic."""
        self.malformed = 0
        """Messages that do not follow the wire format; left out."""
        self.age_ms: float | None = None
        """Age of the newest det or img when it came."""
        self._streams = None if streams is None else frozenset(streams)
        self._last: dict[str, tuple[bytes, int]] = {}
        self._tables: dict[str, tuple[str, ...]] = {}
        self._groups: dict[str, PictureGroup] = {}
        self._running: set[str] = set(self._streams or ())
        self._ended: set[str] = set()
        self._warned_ns: int | None = None

    @property
    def over(self) -> bool:
        """Every stream seen, or asked for, has ended."""
        return bool(self._ended) and not self._running

    def take(self, received: Sequence[Buffer], now_ns: int) -> Message | None:
        """The message, ready to be handed out; None where it is malformed, repeated, not decodable or of a stream nobody asked for."""
        try:
            header, parts = decode_message(received)
        except WireError as exc:
            self._complain(exc, now_ns)
            return None
        if self._streams is not None and header.stream not in self._streams:
            return None
        message = Message(header=header, parts=parts, received_ns=now_ns, class_names=self._names)
        gap = self._gap(message.topic, header)
        if gap is None:
            return None
        self.received[message.topic] += 1
        self._note(header)
        if message.age_ms is not None:
            self.age_ms = message.age_ms
        return self._grouped(message, gap)

    def _names(self, table_id: str) -> tuple[str, ...]:
        return self._tables.get(table_id, ())

    def _gap(self, topic: str, header: Header) -> int | None:
        """Messages missing before this one; None if it is a repetition."""
        pub, seq = self._last.get(topic, (header.pub, header.seq - 1))
        gap = header.seq - seq - 1 if pub == header.pub else 0
        if gap < 0:
            return None
        self._last[topic] = (header.pub, header.seq)
        if gap:
            self.lost[topic] += gap
        return gap

    def _note(self, header: Header) -> None:
        if isinstance(header, EosHeader):
            self._running.discard(header.stream)
            self._ended.add(header.stream)
            return
        self._running.add(header.stream)
        self._ended.discard(header.stream)
        if isinstance(header, HelloHeader) and header.cls is not None:
            self._tables[header.cls] = tuple(header.classes or ())

    def _grouped(self, message: Message, gap: int) -> Message | None:
        """Give an H.264 picture its group; None where its key frame is missing."""
        header = message.header
        if not isinstance(header, ResultHeader) or not header.parts or header.parts[0].codec != "h264":
            return message
        if gap:
            self._groups.pop(header.stream, None)
        if header.parts[0].key:
            self._groups[header.stream] = PictureGroup()
        if header.stream not in self._groups:
            self.undecodable[message.topic] += 1
            return None
        group = self._groups[header.stream]
        index = group.add(header.parts[0], message.parts[0])
        return Message(header=header, parts=message.parts, received_ns=message.received_ns, class_names=self._names, group=(group, index))

    def _complain(self, exc: WireError, now_ns: int) -> None:
        self.malformed += 1
        if self._warned_ns is None or now_ns - self._warned_ns >= QUIET_NS:
            self._warned_ns = now_ns
            logger.warning("left out a malformed message (%d so far): %s", self.malformed, exc)
