"""What foreign libraries may do to the process: nothing on the net, nothing that stays."""

import subprocess
import sys
from pathlib import Path

import pytest

# An audit hook sees every look-up and connection of the process; it cannot be removed again, hence a process of its own.
# Binding is not watched: urllib3 tries at import, on the loopback, whether there is IPv6.
WATCHED = """
import os, sys
seen = []
watched = ("socket.connect", "socket.get", "socket.send", "urllib.", "http.", "ftplib.")
sys.addaudithook(lambda name, _: seen.append(name) if name.startswith(watched) else None)
{code}
assert not seen, seen
print("quiet")
"""
YOLO = """
import cv2, numpy, torch
cv2.setNumThreads(2)
before = cv2.getNumThreads(), repr(numpy.float32([1.5])), os.environ.get("OMP_NUM_THREADS")
from streamfuse.detect import DETECTORS
detector = DETECTORS.make("yolo", weights=sys.argv[1], size_px=64)
assert "ultralytics" not in sys.modules
detector.to(torch.device("cpu"))
assert (cv2.getNumThreads(), repr(numpy.float32([1.5])), os.environ.get("OMP_NUM_THREADS")) == before
"""
TRACK = """
from streamfuse.detect import DETECTORS, TRACKERS
assert not {"torch", "cv2", "ultralytics", "trackers", "supervision"} & set(sys.modules)
TRACKERS.make("bytetrack")
assert "trackers" in sys.modules
"""


@pytest.mark.parametrize("code", [pytest.param(YOLO, id="ultralytics"), pytest.param(TRACK, id="trackers")])
def test_stays_off_the_net(code, tiny_pt: Path, cache_folder: Path, tmp_path: Path):
    """Loading a detector or a tracker asks no server anything, warns of nothing, writes only into our cache and sets no threads."""
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WATCHED.format(code=code), str(tiny_pt)],
        env={"HOME": str(home), "XDG_CACHE_HOME": str(cache_folder.parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "quiet\n", done.stderr
    assert done.stderr == ""
    assert not [path for path in home.rglob("*") if path.is_file()]
