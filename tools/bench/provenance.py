"""Where a number comes from: the command, the commit, the machine and the day."""

import os
import shlex
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from streamfuse.flow.threads import threads_for

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What one must know to measure the same again."""

    command: str
    commit: str
    """Short hash; `+` where the working tree differs from it."""
    cpu: str
    cores: int
    """That this process may use."""
    torch: str
    threads: int
    """Of torch for one operation, as the pipeline chooses by itself."""
    load: float
    """Processes that ran on the machine in the minute before: above about 0.5 others were using it."""
    date: str
    """UTC."""

    @classmethod
    def now(cls) -> "Provenance":
        """Of the command that runs."""
        script = Path(sys.argv[0]).resolve()
        shown = script.relative_to(ROOT) if script.is_relative_to(ROOT) else script.name
        return cls(
            command=shlex.join(["python", str(shown), *sys.argv[1:]]),
            commit=_commit(),
            cpu=_cpu(),
            cores=len(os.sched_getaffinity(0)),
            torch=version("torch"),
            threads=threads_for(os.cpu_count() or 1),
            load=round(os.getloadavg()[0], 2),
            date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        )

    def dump(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"`{self.command}` at commit {self.commit}, {self.date} UTC; {self.cpu}, {self.cores} cores, "
            f"load before {self.load}; torch {self.torch}, {self.threads} thread{'s' if self.threads > 1 else ''}"
        )


def _git(*arguments: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True).stdout.strip()


def _commit() -> str:
    try:
        return _git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor")
