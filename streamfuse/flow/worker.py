"""A thread with a name. Only here is everything caught: whatever a stage throws is kept, with the stage's name."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType

logger = logging.getLogger(__name__)


class Failures:
    """What went wrong in all threads of one run. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: list[Exception] = []

    def add(self, stage: str, error: Exception) -> None:
        """Keep an error, with the note `stage: NAME`."""
        error.add_note(f"stage: {stage}")
        with self._lock:
            self._found.append(error)

    def all(self) -> list[Exception]:
        """Everything so far, in the order in which it came."""
        with self._lock:
            return list(self._found)


class catching:  # noqa: N801  it reads as a statement
    """`with catching() as caught:` runs something that may fail, a user's own stage among it; what it threw is in the list afterwards."""

    def __enter__(self) -> list[Exception]:
        self._caught: list[Exception] = []
        return self._caught

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if isinstance(error, Exception):
            self._caught.append(error)
        return isinstance(error, Exception)


class Worker:
    """Runs one function on one named daemon thread. `on_failure` hears of an error after it was kept."""

    def __init__(self, name: str, run: Callable[[], None], failures: Failures, on_failure: Callable[[], None]) -> None:
        self.name = name
        self._run = run
        self._failures = failures
        self._on_failure = on_failure
        self._thread = threading.Thread(target=self._guarded, name=f"streamfuse:{name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; False if it did not end in time and is abandoned."""
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.0, timeout_s))
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def _guarded(self) -> None:
        try:
            self._run()
        except Exception as exc:
            logger.debug("%s failed", self.name, exc_info=True)
            self._failures.add(self.name, exc)
            self._on_failure()
        finally:
            del self._run, self._on_failure  # most often of who holds this worker: without the circle all goes with its last user
