"""The public surface: a list under test. Whoever changes it on purpose runs `python tests/test_api.py`, which calls `regenerate`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import streamfuse

GOLDEN = Path(__file__).parent / "golden" / "api.json"
HEAVY = ["torch", "av", "zmq", "cv2", "ultralytics", "open_clip", "pydantic", "numpy", "yaml", "supervision", "trackers"]


def regenerate() -> None:
    """Write the surface as it is now."""
    GOLDEN.write_text(json.dumps(sorted(streamfuse.__all__), indent=2) + "\n")


def fresh(code: str) -> list[str]:
    """What `code` prints in a process of its own, as a list."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    found: list[str] = json.loads(done.stdout)
    return found


def test_surface_is_the_agreed_one():
    """Names come and go only together with the golden list."""
    assert sorted(streamfuse.__all__) == json.loads(GOLDEN.read_text())


@pytest.mark.parametrize("name", streamfuse.__all__)
def test_every_name_resolves(name):
    """Everything that is promised can be had, and says what it is."""
    found = getattr(streamfuse, name)
    assert found.__doc__


def test_unknown_name_is_an_attribute_error():
    """The package behaves like any other where a name is not there."""
    with pytest.raises(AttributeError, match="module 'streamfuse' has no attribute 'Fuzed'"):
        streamfuse.Fuzed  # noqa: B018


def test_version_is_a_release():
    """Three numbers, as the tools that build and install it expect."""
    assert [part.isdigit() for part in streamfuse.__version__.split(".")[:2]] == [True, True]


def test_import_loads_nothing_heavy():
    """`import streamfuse` is free: no library of pixels, cameras, networks or sockets comes with it."""
    assert fresh(f"import json, sys, streamfuse; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))") == []


def test_frames_need_no_torch():
    """The nouns can be used without PyTorch, OpenCV, PyAV or ZeroMQ, as the client for subscribers does."""
    heavy = [name for name in HEAVY if name not in ("numpy", "yaml", "pydantic")]
    code = f"import json, sys, streamfuse; streamfuse.Frame, streamfuse.Result; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    assert fresh(code) == []


if __name__ == "__main__":
    regenerate()
