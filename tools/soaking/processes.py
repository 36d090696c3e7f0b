"""The processes of a soak, cameras, pipeline and who tells of pauses, and the lines of JSON that they say."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

from streamfuse.errors import StreamFuseError
from tools.bench.provenance import ROOT
from tools.soaking.record import Sample
from tools.soaking.waiting import Waiting

MB = 1e6
STOP_S = 30.0


class Spoken:
    """A Python process that says JSON on its output and stops when its input is closed, or by SIGINT."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.name, self.log = name, log
        self.said: list[dict[str, Any]] = []
        self._condition = threading.Condition()
        self._ended = False
        self._stderr = log.open("w")
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            start_new_session=True,  # Ctrl-C is for who reads and reports; these are told through their input
        )
        self._seen = psutil.Process(self._process.pid)
        self._waiting = Waiting(self._process.pid)
        self._thread = threading.Thread(target=self._listen, name=f"soak {name}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def wait_for(self, key: str, timeout_s: float) -> Any:
        """The value of the first line that has `key`."""

        def found() -> list[Any]:
            return [line[key] for line in self.said if key in line]

        with self._condition:
            self._condition.wait_for(lambda: found() or self._ended, timeout_s)
            if not found():
                raise StreamFuseError(f"{self.name} did not say {key!r}; the end of {self.log}:\n{self.last_words()}")
            return found()[0]

    def say(self, lines: str) -> None:
        """Write to its input."""
        assert self._process.stdin is not None
        self._process.stdin.write(lines)
        self._process.stdin.flush()

    @property
    def alive(self) -> bool:
        """It has not ended."""
        return self._process.poll() is None

    def sample(self) -> Sample | None:
        """What it holds; None once it has ended."""
        try:
            with self._seen.oneshot():
                rss_mb = self._seen.memory_info().rss / MB
                return Sample(time.time_ns(), rss_mb, self._seen.num_fds(), self._seen.num_threads(), self._waiting.ms())
        except psutil.Error:
            return None

    def last_words(self, lines: int = 12) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text().splitlines()[-lines:])

    def stop(self) -> int:
        """Close its input, wait, and at last kill it; its exit status."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._stderr.close()
        return self._process.returncode

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._condition:
                self.said.append(json.loads(line))
                self._condition.notify_all()
        with self._condition:
            self._ended = True
            self._condition.notify_all()


def when_closed(stop: Callable[[], None]) -> None:
    """In such a process: call `stop` when the parent closes our input, or is gone."""

    def wait() -> None:
        sys.stdin.read()
        stop()

    threading.Thread(target=wait, name="input", daemon=True).start()
