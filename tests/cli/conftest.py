"""The command line in this process, and small recordings to give it."""

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from streamfuse.cli.app import main
from streamfuse.frames import Planes
from streamfuse.video import write_video

COUNT = 12
SIZE = (48, 64)


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        """Everything, on one line: terminals wrap where they like."""
        return " ".join((self.out + " " + self.err).split())


@pytest.fixture
def streamfuse(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Said]]:
    """`streamfuse("replay", "--speed", "0")` as typed, to its end."""
    logger = logging.getLogger("streamfuse")
    before = (list(logger.handlers), logger.level, logger.propagate)

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["streamfuse", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as exc:
            code = int(exc.code or 0)
        out, err = capfd.readouterr()
        return Said(code, out, err)

    monkeypatch.setenv("COLUMNS", "300")
    yield run
    logger.handlers, logger.level, logger.propagate = before
    logger.setLevel(before[1])


def moving(count: int, *, size: tuple[int, int] = SIZE, bright: int = 0) -> list[Planes]:
    """A gradient that moves one pixel a frame."""
    rows, columns = np.indices(size)
    half = ((size[0] + 1) // 2, (size[1] + 1) // 2)
    neutral = [np.full(half, 128, np.uint8) for _ in range(2)]
    return [
        Planes(y=((rows * 2 + columns * 3 + bright + 4 * i) % 200 + 20).astype(np.uint8), u=neutral[0], v=neutral[1]) for i in range(count)
    ]


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(infrared, visible), twelve frames at 30 fps."""
    folder = tmp_path_factory.mktemp("recording")
    paths = (folder / "ir.mp4", folder / "vi.mp4")
    for path, bright in zip(paths, (0, 60), strict=True):
        write_video(path, moving(COUNT, bright=bright), fps=30)
    return paths
