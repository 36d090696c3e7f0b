"""Sources made by hand, and a recipe around them."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from streamfuse.align.warp import Warp, WarpSettings
from streamfuse.batch.collector import BatchSettings
from streamfuse.detect.nothing import NoDetector
from streamfuse.errors import SourceError
from streamfuse.flow.recipe import CameraPair, Recipe
from streamfuse.frames import Frame, Planes, Spectrum
from streamfuse.fuse.pixelwise import Average
from streamfuse.publish.memory import MemorySink
from streamfuse.sync.nearest import Nearest, SyncSettings
from tests.conftest import make_frame

PERIOD_MS = 20


class Listed:
    """A source that gives what it was given: frames, errors to raise, or events to wait for."""

    def __init__(self, spectrum: Spectrum, items: Sequence[Any], *, live: bool = False, fails_to_open: int = 0) -> None:
        self.spectrum = spectrum
        self.name = f"listed {spectrum}"
        self.live = live
        self.identity = b"" if live else spectrum.value.encode()
        self.problems: Counter[str] = Counter()
        self.opened = 0
        self.closed = 0
        self._items = list(items)
        self._left: list[Any] = []
        self._fails_to_open = fails_to_open

    def open(self) -> None:
        self.opened += 1
        if self.opened <= self._fails_to_open:
            raise SourceError(f"{self.name} is not there")
        self._left = list(self._items)

    def read(self) -> Frame | None:
        while self._left:
            item = self._left.pop(0)
            if isinstance(item, Exception):
                raise item
            if isinstance(item, threading.Event):
                assert item.wait(20), "nobody set the event"
                continue
            assert isinstance(item, Frame)
            return item
        return None

    def close(self) -> None:
        self.closed += 1


def frames(spectrum: Spectrum, count: int, *, size: tuple[int, int] = (48, 64), start_ms: float = 0.0, **fields: Any) -> list[Frame]:
    """`count` frames, one period apart."""
    return [make_frame(spectrum, start_ms + i * PERIOD_MS, i, picture(spectrum, size, i), **fields) for i in range(count)]


def picture(spectrum: Spectrum, size: tuple[int, int], level: int) -> Any:
    y = (np.add.outer(np.arange(size[0]), np.arange(size[1])) % 100 + 40 + level % 100).astype(np.uint8)  # flat would be a frozen one
    if spectrum is Spectrum.INFRARED:
        return y
    chroma = np.full(((size[0] + 1) // 2, (size[1] + 1) // 2), 128, np.uint8)
    return Planes(y=y, u=chroma, v=chroma.copy())


@pytest.fixture
def camera_pair() -> Callable[..., CameraPair]:
    def make(stream: str = "gate", infrared: Any = None, visible: Any = None, *, policy: str = "lossless", **fields: Any) -> CameraPair:
        cameras = frozenset(s for s, source in ((Spectrum.INFRARED, infrared), (Spectrum.VISIBLE, visible)) if source is not None)
        sync = Nearest(SyncSettings(), stream=stream, policy=policy, cameras=cameras)  # type: ignore[arg-type]
        return CameraPair(stream=stream, infrared=infrared, visible=visible, sync=sync, **fields)

    return make


@pytest.fixture
def recipe(camera_pair: Callable[..., CameraPair]) -> Callable[..., Recipe]:
    def make(pairs: list[CameraPair] | None = None, *, count: int = 10, policy: str = "lossless", **fields: Any) -> Recipe:
        if pairs is None:
            cameras = {s.value: Listed(s, frames(s, count)) for s in Spectrum}
            pairs = [camera_pair(policy=policy, **cameras)]
        values: dict[str, Any] = {
            "align": Warp(WarpSettings()),
            "fuse": Average(),
            "detect": NoDetector(),
            "sinks": [MemorySink()],
            "batch": BatchSettings(size=1),
            "device": "cpu",
            **fields,
        }
        return Recipe(pairs=pairs, policy=policy, **values)  # type: ignore[arg-type]

    return make
