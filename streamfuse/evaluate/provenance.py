"""Where a number comes from: versions, commit, machine, settings. A report without them cannot be repeated."""

import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import streamfuse

PACKAGES = ("torch", "numpy", "opencv-python", "supervision")


def provenance(settings: Mapping[str, Any]) -> dict[str, Any]:
    """For JSON. `commit` is None outside of a checkout, and ends in `+` where files differ from it."""
    return {
        "streamfuse": streamfuse.__version__,
        "commit": _commit(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        },
        "settings": dict(settings),
    }


def _commit() -> str | None:
    found = _git("rev-parse", "HEAD")
    return found and found + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*arguments: str) -> str | None:
    folder = Path(__file__).parent
    try:
        said = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10)  # noqa: S603, S607  fixed words
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.strip()
