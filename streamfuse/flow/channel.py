"""A bounded hand-over between two threads. Its overflow has a name, and closing wakes both ends."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

T = TypeVar("T")

WhenFull = Literal["block", "drop_oldest"]


class Closed(Exception):  # noqa: N818  it is the end of a channel, not an error
    """The channel was closed and is empty."""


class Channel(Generic[T]):
    """First in, first out. Several channels may share one condition, so that one thread can wait for any of them."""

    def __init__(
        self,
        depth: int,
        when_full: WhenFull,
        *,
        condition: threading.Condition | None = None,
        on_drop: Callable[[T], None] = lambda _: None,
        keep: Callable[[T], bool] = lambda _: False,
    ) -> None:
        """`keep`: what is never dropped; with many of those it holds more than `depth`."""
        self._items: deque[T] = deque()
        self._depth = depth
        self._when_full = when_full
        self._condition = condition or threading.Condition()
        self._on_drop = on_drop
        self._keep = keep
        self._closed = False

    def __len__(self) -> int:
        return len(self._items)

    @property
    def closed(self) -> bool:
        """Closed by the producer; items may be left."""
        return self._closed

    @property
    def exhausted(self) -> bool:
        """Closed, and nothing is left."""
        return self._closed and not self._items

    def put(self, item: T) -> bool:
        """Hand over; False if the channel was closed instead."""
        dropped: list[T] = []
        with self._condition:
            if self._when_full == "block":
                self._condition.wait_for(lambda: len(self._items) < self._depth or self._closed)
            if self._closed:
                return False
            if len(self._items) >= self._depth:
                oldest = next((at for at, old in enumerate(self._items) if not self._keep(old)), None)
                if oldest is not None:
                    dropped.append(self._items[oldest])
                    del self._items[oldest]
            self._items.append(item)
            self._condition.notify_all()
        for lost in dropped:
            self._on_drop(lost)
        return True

    def get(self, timeout_s: float | None = None) -> T:
        """The oldest item. `Closed` at the end, `TimeoutError` if nothing came in time."""
        with self._condition:
            there = self._condition.wait_for(lambda: self._items or self._closed, timeout_s)
            if self._items:
                item = self._items.popleft()
                self._condition.notify_all()
                return item
            if there:
                raise Closed
            raise TimeoutError

    def peek(self) -> T | None:
        """The oldest item, left where it is."""
        with self._condition:
            return self._items[0] if self._items else None

    def close(self, *, discard: bool = False) -> None:
        """No more `put`; both ends wake. What is in it can still be taken, unless it is discarded."""
        with self._condition:
            self._closed = True
            if discard:
                self._items.clear()
            self._condition.notify_all()
