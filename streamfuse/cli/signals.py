"""SIGINT and SIGTERM: once is asking, twice is meant."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_INTERRUPTED = 130


class StopNow(BaseException):
    """Whatever runs is left at once: by the second signal, or by the first where nothing would be lost."""


@contextmanager
def stop_signals() -> Iterator[threading.Event]:
    """The first SIGINT or SIGTERM sets the event; the second raises `StopNow` wherever the main thread is."""
    asked = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            raise StopNow
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
