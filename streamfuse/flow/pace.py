"""Replay in time: when each frame of a recording is due, for all cameras of a pair alike; and going round in a loop."""

import threading

from streamfuse.clock import NS_PER_MS, Clock

SLIP_NS = 200 * NS_PER_MS
POLL_S = 0.05  # how long a stop may go unnoticed


class Pace:
    """Shared by the readers of one pair. They start together, end each lap together, and stay on one time line.

    `speed` 1 is real time, 2 twice as fast, 0 as fast as possible.
    """

    def __init__(self, *, cameras: int, speed: float, clock: Clock, gate: threading.Event, stopping: threading.Event) -> None:
        self._cameras = cameras
        self._speed = speed
        self._clock = clock
        self._gate = gate
        self._stopping = stopping
        self._lock = threading.Lock()
        self._first_ns: list[int] = []
        self._arrived = 0
        self._all_here = threading.Event()
        self.slipped_ns = 0
        """How much later than planned the replay runs, because reading could not keep up."""
        self._origin: tuple[int, int] | None = None  # (monotonic, media)
        self._lap_ends: list[int] = []
        self._lap_done = threading.Event()
        self._shift_ns = 0

    def arrive(self, t_first_ns: int) -> bool:
        """A camera has its first frame. Waits for the others and the start; False on a stop."""
        with self._lock:
            self._arrived += 1
            self._first_ns.append(t_first_ns)
            if self._arrived >= self._cameras:
                self._all_here.set()
        return self._wait(self._all_here) and self._wait(self._gate)

    def leave(self) -> None:
        """A camera is gone for good, or never came: nobody waits for it any more."""
        with self._lock:
            self._cameras -= 1
            if self._arrived >= self._cameras:
                self._all_here.set()
            self._finish_lap()

    def wait_due(self, t_cap_ns: int) -> int | None:
        """Wait until the frame is due; its due instant as UTC, None where nothing is replayed in time or on a stop."""
        if self._speed == 0:
            return None
        with self._lock:
            if self._origin is None:
                self._origin = (self._clock.now_ns(), min(self._first_ns, default=t_cap_ns))
            origin_ns, media_ns = self._origin
            due_ns = origin_ns + round((t_cap_ns - media_ns) / self._speed)
            late_ns = self._clock.now_ns() - due_ns
            if late_ns > SLIP_NS:  # a machine that cannot keep the pace replays slower, both cameras together
                self._origin = (origin_ns + late_ns, media_ns)
                self.slipped_ns += late_ns
                due_ns += late_ns
        while (left_ns := due_ns - self._clock.now_ns()) > 0:
            if self._clock.wait(self._stopping, left_ns):
                return None
        return self._clock.utc_ns() - self._clock.now_ns() + due_ns

    def lap(self, t_end_ns: int) -> int | None:
        """A camera reached its end at `t_end_ns`. Waits for the others; what the next lap adds to media time, None on a stop."""
        with self._lock:
            done = self._lap_done
            self._lap_ends.append(t_end_ns)
            self._finish_lap()
        if not self._wait(done):
            return None
        return self._shift_ns

    def _finish_lap(self) -> None:
        """All stand on one time line, so the last end is where the recording's first instant goes next."""
        if self._lap_ends and len(self._lap_ends) >= self._cameras:
            self._shift_ns = max(self._lap_ends) - min(self._first_ns)
            self._lap_ends = []
            done, self._lap_done = self._lap_done, threading.Event()
            done.set()

    def _wait(self, event: threading.Event) -> bool:
        """Wait for the event; False if a stop came first."""
        while not event.wait(POLL_S):
            if self._stopping.is_set():
                return False
        return not self._stopping.is_set()
