"""What all tests share: the recordings where they are, frames and pairs made by hand, and a check that nothing is left running."""

import gc
import logging
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamfuse.clock import ClockReport
from streamfuse.frames import ClockKind, Frame, Pair, Planes, Spectrum, chroma_size

DATA = Path(os.environ.get("STREAMFUSE_DATA", Path(__file__).parent.parent.parent / "shared" / "data"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """GPU tests are skipped on a laptop, and fail on a GPU runner that lost its GPU."""
    marked = [item for item in items if item.get_closest_marker("needs_cuda")]
    if not marked or "STREAMFUSE_REQUIRE_CUDA" in os.environ:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of recordings."""
    if not DATA.is_dir():
        pytest.skip(f"the recordings are not at {DATA}; set STREAMFUSE_DATA")
    return DATA


@pytest.fixture(autouse=True)
def logs_reach_the_test() -> None:
    """Commands send log lines to the terminal, and the converter of OpenVINO raises the root level: neither outlives its test."""
    logging.disable(logging.NOTSET)
    logging.root.setLevel(logging.WARNING)
    for name, logger in logging.root.manager.loggerDict.items():
        if name.split(".")[0] == "streamfuse" and isinstance(logger, logging.Logger):
            logger.disabled, logger.propagate = False, True


@pytest.fixture
def no_threads_left() -> Iterator[None]:
    """Fails the test if it left a thread of ours running."""
    before = set(threading.enumerate())
    yield
    gc.collect()
    left = [thread.name for thread in threading.enumerate() if thread not in before and thread.name.startswith("streamfuse")]
    assert not left, f"left running: {left}"


def make_planes(height: int = 48, width: int = 64, luma: int = 128, u: int = 128, v: int = 128) -> Planes:
    """A flat picture."""
    chroma = (chroma_size(height), chroma_size(width))
    return Planes(y=np.full((height, width), luma, np.uint8), u=np.full(chroma, u, np.uint8), v=np.full(chroma, v, np.uint8))


def make_clock_report(kind: ClockKind, **fields: Any) -> ClockReport:
    """Of a clock of which nothing is known but what `fields` say."""
    nothing: dict[str, Any] = {"offset_ns": None, "drift_ppm": None, "delay_ns": None, "biased": False}
    nothing |= dict.fromkeys(("uncertainty_ns", "jitter_ns", "lag_ns", "reports", "span_ns"), 0)
    return ClockReport(kind=kind, **nothing | fields)


def make_frame(spectrum: Spectrum, t_ms: float = 0.0, seq: int = 0, image: Any = None, **fields: Any) -> Frame:
    """A flat frame at `t_ms`."""
    if image is None:
        image = make_planes() if spectrum is Spectrum.VISIBLE else np.full((48, 64), 200, np.uint8)
    values: dict[str, Any] = {"clock": "media", "source": f"test {spectrum}", "t_cap_ns": round(t_ms * 1e6), "seq": seq, **fields}
    return Frame(image=image, spectrum=spectrum, **values)


def make_pair(
    stream: str = "gate", seq: int = 0, t_ms: float | None = None, infrared: Any = None, visible: Any = None, **fields: Any
) -> Pair:
    """A pair of flat frames; pass images to change them."""
    t_ms = seq * 33.0 if t_ms is None else t_ms
    values: dict[str, Any] = {"infrared_state": "fresh", "visible_state": "fresh", "stream": stream, "seq": seq, **fields}
    for spectrum, image in ((Spectrum.INFRARED, infrared), (Spectrum.VISIBLE, visible)):
        absent = values[f"{spectrum}_state"] == "absent"
        values[spectrum.value] = None if absent else make_frame(spectrum, t_ms, seq, image)
    return Pair(**values)


@pytest.fixture
def planes() -> Callable[..., Planes]:
    """`planes(height, width, luma, u, v)`: a flat picture."""
    return make_planes


@pytest.fixture
def frame() -> Callable[..., Frame]:
    """`frame(spectrum, t_ms, seq, image, ...)`: a flat frame."""
    return make_frame


@pytest.fixture
def pair() -> Callable[..., Pair]:
    """`pair(stream, seq, t_ms, infrared, visible, ...)`: a pair of flat frames."""
    return make_pair
