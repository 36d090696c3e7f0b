"""Imports ultralytics so that it never reaches for the net and leaves the process as it found it."""

import contextlib
import os
from collections.abc import Iterator

import cv2
import numpy as np

from streamfuse.folders import cache_folder

QUIET = {
    "YOLO_OFFLINE": "true",  # no look-up of name servers at import, no downloads, no analytics
    "YOLO_AUTOINSTALL": "false",  # no pip of its own
    "ULTRALYTICS_SKIP_REQUIREMENTS_CHECKS": "true",
    "YOLO_VERBOSE": "false",
}
SAFE_LOAD = "ULTRALYTICS_SAFE_LOAD"  # only known classes may come out of a .pt file; a user who trusts a file may set it to false
SETTINGS_FOLDER = "YOLO_CONFIG_DIR"  # it writes its settings at import: not into the user's own


@contextlib.contextmanager
def staying_offline() -> Iterator[None]:
    """Import ultralytics inside. Its environment variables stay set; what it changes for everyone is put back."""
    os.environ.update(QUIET)
    os.environ.setdefault(SAFE_LOAD, "true")
    os.environ.setdefault(SETTINGS_FOLDER, str(cache_folder() / "ultralytics"))
    threads = cv2.getNumThreads()
    openmp = os.environ.get("OMP_NUM_THREADS")
    try:
        with np.printoptions():
            yield
    finally:
        cv2.setNumThreads(threads)
        if openmp is None:
            os.environ.pop("OMP_NUM_THREADS", None)
