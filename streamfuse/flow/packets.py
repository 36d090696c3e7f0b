"""Compressed packets between demuxing and decoding a live camera: bounded in seconds and bytes, cut only at key frames."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from streamfuse.flow.channel import Closed

SPAN_S = 2.0
SIZE_BYTES = 8 * 1024 * 1024


class PacketQueue:
    """When a slow decoder lets it fill up, everything up to the newest key frame goes: a decoder never sees a torn GOP.

    A GOP longer than the bounds is dropped as a whole, up to the key frame that comes next.
    """

    def __init__(self, on_drop: Callable[[int], None], *, span_s: float = SPAN_S, size_bytes: int = SIZE_BYTES) -> None:
        self._packets: deque[Any] = deque()
        self._bytes = 0
        self._condition = threading.Condition()
        self._on_drop = on_drop
        self._span_s = span_s
        self._size_bytes = size_bytes
        self._closed = False
        self._waits_for_key = False

    def put(self, packet: Any) -> bool:
        """Hand over; False if the queue was closed. Never waits."""
        with self._condition:
            if self._closed:
                return False
            dropped = 0
            if packet.is_keyframe:
                self._waits_for_key = False
            if self._waits_for_key:
                dropped = 1
            else:
                self._packets.append(packet)
                self._bytes += packet.size
                if self._bytes > self._size_bytes or self._span() > self._span_s:
                    dropped = self._cut()
            self._condition.notify_all()
        if dropped:
            self._on_drop(dropped)
        return True

    def get(self, timeout_s: float | None = None) -> Any:
        """The oldest packet; waits. `Closed` at the end, `TimeoutError` if nothing came in time."""
        with self._condition:
            there = self._condition.wait_for(lambda: self._packets or self._closed, timeout_s)
            if not self._packets:
                raise Closed if there else TimeoutError
            packet = self._packets.popleft()
            self._bytes -= packet.size
            return packet

    def wait(self, timeout_s: float) -> bool:
        """Whether a packet is there, or comes within that time."""
        with self._condition:
            self._condition.wait_for(lambda: self._packets or self._closed, timeout_s)
            return bool(self._packets)

    @property
    def closed(self) -> bool:
        """No more will come; packets may be left."""
        return self._closed

    def close(self, *, discard: bool = False) -> None:
        """No more `put`; what is left can still be taken, unless it is discarded."""
        with self._condition:
            self._closed = True
            if discard:
                self._packets.clear()
                self._bytes = 0
            self._condition.notify_all()

    def _span(self) -> float:
        first, last = self._packets[0], self._packets[-1]
        if first.pts is None or last.pts is None or last.time_base is None:
            return 0.0
        return float((last.pts - first.pts) * last.time_base)

    def _cut(self) -> int:
        """Drop everything before the newest key frame, or everything if there is none to go on from."""
        newest_key = next((i for i in range(len(self._packets) - 1, 0, -1) if self._packets[i].is_keyframe), None)
        count = len(self._packets) if newest_key is None else newest_key
        for _ in range(count):
            self._bytes -= self._packets.popleft().size
        self._waits_for_key = newest_key is None
        return count
