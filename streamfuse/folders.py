"""Where files lie that belong to nobody's project. One home, so that a user has one place to look and one to delete."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """For files that can be had again: `$XDG_CACHE_HOME/streamfuse`, or `~/.cache/streamfuse`. Read anew each time; not created."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streamfuse"
