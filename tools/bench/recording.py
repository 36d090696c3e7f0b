"""The recordings that benchmarks replay, and the real command that replays them."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamfuse.frames import Planes, Spectrum, chroma_size
from streamfuse.source.scene import SceneSettings, SceneSource
from streamfuse.video import write_video
from tools.bench import reader
from tools.bench.provenance import ROOT
from tools.bench.report import progress

DATA = Path(os.environ.get("STREAMFUSE_DATA", ROOT.parent / "shared" / "data")) / "replay"
LONGEST = "m3svd_0117_1605"
DRAWN_PAIRS, DRAWN_FPS = 400, 30


@dataclass(frozen=True, slots=True)
class Recording:
    """Two files of one view."""

    name: str
    infrared: Path
    visible: Path


@contextmanager
def recordings(names: Sequence[str]) -> Iterator[list[Recording]]:
    """Those of STREAMFUSE_DATA; where it has none, one of the drawn scene, written to a folder that is removed again."""
    found = [Recording(name, DATA / name / "ir.mp4", DATA / name / "vi.mp4") for name in names]
    if all(path.is_file() for recording in found for path in (recording.infrared, recording.visible)):
        yield found
        return
    progress(f"{', '.join(names)}: not at {DATA}; drawing a scene instead")
    with tempfile.TemporaryDirectory() as folder:
        yield [drawn(Path(folder))]


def drawn(folder: Path, pairs: int = DRAWN_PAIRS, edges: tuple[int, int] = (640, 480)) -> Recording:
    """The drawn scene as two videos of 30 fps in `folder`."""
    paths = {}
    for spectrum in Spectrum:
        source = SceneSource(SceneSettings(spectrum=spectrum, seed=7, size=edges, fps=DRAWN_FPS, frames=pairs))
        source.open()
        paths[spectrum] = folder / f"{spectrum}.mp4"
        write_video(paths[spectrum], _pictures(source), DRAWN_FPS)
        source.close()
    return Recording("drawn scene", paths[Spectrum.INFRARED], paths[Spectrum.VISIBLE])


def _pictures(source: SceneSource) -> Iterator[Planes]:
    while (frame := source.read()) is not None:
        yield frame.image if isinstance(frame.image, Planes) else _grey(frame.image)


def _grey(luma: NDArray[np.uint8]) -> Planes:
    """As cameras do that send infrared as ordinary video."""
    chroma = np.full((chroma_size(luma.shape[0]), chroma_size(luma.shape[1])), 128, np.uint8)
    return Planes(y=luma, u=chroma, v=chroma.copy())


def replayed(recording: Recording, *, fuser: str, speed: float, read: Sequence[str] = ()) -> dict[str, Any]:
    """Run `streamfuse replay`, JPEG over tcp on this machine, no detector; what one reader saw of it. `read`: options of the reader."""
    endpoint = f"tcp://127.0.0.1:{_free_port()}"
    reading = reader.start(endpoint, *read)
    command = [str(Path(sys.executable).parent / "streamfuse"), "replay", "--infrared", str(recording.infrared)]
    command += ["--visible", str(recording.visible), "--speed", f"{speed:g}", "--fuser", fuser, "--detector", "none"]
    command += ["--codec", "jpeg", "--bus", endpoint, "--wait-subscribers", "1"]
    replaying = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if replaying.returncode:
        reading.kill()
        raise SystemExit(f"{' '.join(command)}\n{replaying.stdout}")
    return reader.finish(reading)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
