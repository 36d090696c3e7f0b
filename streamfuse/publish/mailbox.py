"""Between the receive thread and the reader: the newest message of each stream and kind, or all of them in order."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from typing import Literal, TypeAlias

from streamfuse.publish.message import Message

ReadMode: TypeAlias = Literal["latest", "all"]

ONLY_THE_NEWEST_COUNTS = ("img", "det", "stat")


class Mailbox:
    """Filled by one thread, emptied by others.

    `latest` never fills up: a message replaces the one of its topic that nobody has taken; an H.264 picture waits behind the others
    of its group, and a key frame replaces them. `all` makes the filler wait when it is full, and with it the socket.
    """

    def __init__(self, mode: ReadMode, room_messages: int) -> None:
        self.skipped: Counter[str] = Counter()
        """Messages replaced before anybody took them, by topic."""
        self._mode = mode
        self._room_messages = room_messages
        self._slots: dict[object, deque[Message]] = {}
        self._count = 0
        self._changed = threading.Condition()
        self._closed = False
        self._listeners: list[Callable[[], None]] = []

    @property
    def done(self) -> bool:
        """Closed, and everything was taken."""
        return self._closed and not self._count

    def put(self, message: Message) -> None:
        """Hand over. Once closed, nothing is taken any more."""
        with self._changed:
            if self._mode == "all":
                self._changed.wait_for(lambda: self._closed or self._count < self._room_messages)
            if not self._closed:
                self._insert(message)
                self._notify()

    def take(self, timeout_s: float | None) -> Message | None:
        """The message that waits longest; None when `timeout_s` is over (None: it never is), or `done`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._count > 0, timeout_s)
            if not self._count:
                return None
            slot = self._next_slot()
            waiting = self._slots.pop(slot)
            message = waiting.popleft()
            if waiting:
                self._slots[slot] = waiting  # at the end: other topics first
            self._count -= 1
            self._changed.notify_all()
            return message

    def close(self) -> None:
        """Wake everybody; what waits may still be taken."""
        with self._changed:
            self._closed = True
            self._notify()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener`, from another thread, whenever there may be something to take."""
        with self._changed:
            self._listeners.append(listener)

    def unlisten(self, listener: Callable[[], None]) -> None:
        """Stop calling it."""
        with self._changed:
            self._listeners.remove(listener)

    def _insert(self, message: Message) -> None:
        slot: object = None  # `all`: one queue
        if self._mode == "latest":
            slot = message.topic if message.kind in ONLY_THE_NEWEST_COUNTS else object()
        waiting = self._slots.setdefault(slot, deque())
        if slot is not None and message.stands_alone and waiting:
            self.skipped[message.topic] += len(waiting)
            self._count -= len(waiting)
            waiting.clear()
        waiting.append(message)
        self._count += 1

    def _next_slot(self) -> object:
        """The first that may go: the end of a stream waits until nothing else of it is left."""
        unfinished = {waiting[0].stream for waiting in self._slots.values() if waiting[0].kind != "eos"}
        return next(slot for slot, waiting in self._slots.items() if waiting[0].kind != "eos" or waiting[0].stream not in unfinished)

    def _notify(self) -> None:
        self._changed.notify_all()
        for listener in self._listeners:
            listener()
