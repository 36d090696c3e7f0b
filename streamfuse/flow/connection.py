"""One try at a live camera: opened and demuxed on a thread of its own, which nobody has to wait for."""

import logging
import threading
from collections.abc import Callable

from streamfuse.errors import SourceError
from streamfuse.flow.packets import PacketQueue
from streamfuse.flow.worker import Failures, Worker
from streamfuse.stages import PacketSource

logger = logging.getLogger(__name__)


class Connection:
    """`start`, wait for `opened`, take packets from `queue`; `end` leaves the thread alone if it hangs in the network.

    libav can be interrupted only from inside, and closing a connection under a thread that reads it would crash: so a thread that
    hangs is abandoned. When it comes back, at the latest after the timeouts of its source, it closes what it has, and ends.
    """

    def __init__(self, name: str, source: PacketSource, failures: Failures, on_drop: Callable[[int], None]) -> None:
        self.queue = PacketQueue(on_drop)
        self.opened = threading.Event()
        """Set when the source was opened, or could not be."""
        self.error: SourceError | None = None
        """Why it could not be opened, or broke."""
        self._source = source
        self._lock = threading.Lock()  # never held while the network is waited for
        self._leaving = False
        self._worker = Worker(f"{name}/demux", self._run, failures, self._over)

    def start(self) -> None:
        """Begin to connect."""
        self._worker.start()

    @property
    def hangs(self) -> bool:
        """Whether its thread still runs."""
        return self._worker.alive

    @property
    def over(self) -> bool:
        """Whether it has ended by itself."""
        return self.queue.closed

    def raise_error(self) -> None:
        """What it broke with, if it did; it is kept no longer, since its traceback holds this connection, its packets and its decoder."""
        error, self.error = self.error, None
        try:
            if error is not None:
                raise error
        finally:
            del error

    def end(self, wait_s: float) -> bool:
        """No more packets. False: the thread hangs and was abandoned; the source may be opened anew all the same."""
        with self._lock:
            self._leaving = True
        self.queue.close(discard=True)
        if self._worker.join(wait_s):
            self._source.close()
            return True
        self._source.abandon()
        return False

    def _run(self) -> None:
        try:
            self._source.open()
            with self._lock:  # after `end` the source may belong to the next connection
                if self._leaving:
                    return
                packets = self._source.demux()
            self.opened.set()
            for packet in packets:
                if self._leaving or not self.queue.put(packet):
                    break
            del packets  # so that it ends here, on the thread that ran it
        except SourceError as exc:
            if not self._leaving:  # after `end` nobody asks, and its traceback would hold all of this
                self.error = exc
        finally:
            self._over()

    def _over(self) -> None:
        self.opened.set()
        self.queue.close()
