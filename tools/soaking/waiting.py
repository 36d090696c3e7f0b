"""How long a process waited for a core: what others on the machine take from it."""

from contextlib import suppress
from pathlib import Path

from streamfuse.clock import NS_PER_MS


class Waiting:
    """By the Linux scheduler's own account (`/proc/PID/task/*/schedstat`); 0 for ever where there is none."""

    def __init__(self, pid: int) -> None:
        self._tasks = Path(f"/proc/{pid}/task")
        self._seen_ns: dict[str, int] | None = None

    def ms(self) -> float:
        """Time that its threads together were ready to run and did not, since the last call; 0 the first time."""
        now_ns = self._now_ns()
        before_ns, self._seen_ns = self._seen_ns, now_ns
        return 0.0 if before_ns is None else sum(ns - before_ns.get(thread, 0) for thread, ns in now_ns.items()) / NS_PER_MS

    def _now_ns(self) -> dict[str, int]:
        """By thread. One that ends meanwhile is left out, and with it what it waited since the last call."""
        found = {}
        for told in self._tasks.glob("*/schedstat"):
            with suppress(OSError, IndexError, ValueError):
                found[told.parent.name] = int(told.read_text().split()[1])
        return found
