"""What the cameras of the rig look at: the world at an instant, and the number of the picture written into it."""

from pathlib import Path
from typing import Any, Protocol
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.errors import ConfigError
from streamfuse.frames import Planes, Spectrum, chroma_size
from streamfuse.source.av_stream import AvSettings, AvSource
from streamfuse.source.scene.light import Light
from streamfuse.source.scene.picture import Painter
from streamfuse.source.scene.settings import SceneSettings
from streamfuse.source.scene.world import World

BLOCK, COLUMNS, ROWS = 8, 16, 3  # of the number: 24 bits and 24 to check them, a block of pixels each
NUMBER_BITS = COLUMNS * ROWS // 2
BYTES = NUMBER_BITS // 8
STRIP = (BLOCK * ROWS, BLOCK * COLUMNS)
DARK, BRIGHT, UNSURE = 24, 232, 48
LONGEST_RECORDING = 300  # pictures kept in memory


class Pictures(Protocol):
    """A view of the world."""

    def at(self, t_s: float) -> Planes:
        """The picture at an instant, seconds since instant 0. New arrays each time."""
        ...


class Pattern:
    """Three discs that move over a still texture: hot in infrared, coloured in visible. Costs next to nothing."""

    def __init__(self, spectrum: Spectrum, size: tuple[int, int], seed: int) -> None:
        width, height = size
        rng = np.random.default_rng(seed)  # the same for both cameras of a pair: they see one world
        coarse = rng.integers(60, 196, (height // 8 + 2, width // 8 + 2)).astype(np.uint8)
        texture: NDArray[Any] = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
        self._speeds_32 = rng.uniform(0.4, 1.6, (3, 2))
        self._phases_32 = rng.uniform(0.0, 2 * np.pi, (3, 2))
        self._visible = spectrum is Spectrum.VISIBLE
        self._backdrop = np.ascontiguousarray(texture if self._visible else 40 + texture // 6)
        self._radius = min(size) / 10
        self._size = size

    def at(self, t_s: float) -> Planes:
        """As `Pictures`."""
        y = self._backdrop.copy()
        u, v = (np.full((chroma_size(y.shape[0]), chroma_size(y.shape[1])), 128, np.uint8) for _ in "uv")
        centres_32 = (0.5 + 0.4 * np.sin(self._speeds_32 * t_s + self._phases_32)) * self._size
        for number, (x, line) in enumerate(centres_32):
            _disc(y, x, line, self._radius, 30 + 20 * number if self._visible else 230 - 15 * number)
            if self._visible:
                _disc(u, x / 2, line / 2, self._radius / 2, 80 + 40 * number)
                _disc(v, x / 2, line / 2, self._radius / 2, 180 - 40 * number)
        return Planes(y=y, u=u, v=v)


class Street:
    """The drawn scene."""

    def __init__(self, spectrum: Spectrum, size: tuple[int, int], seed: int) -> None:
        settings = SceneSettings(spectrum=spectrum, size=size, seed=seed)
        self._painter = Painter(settings, World(seed, Light(settings.night, settings.fog)))
        self._visible = spectrum is Spectrum.VISIBLE

    def at(self, t_s: float) -> Planes:
        """As `Pictures`; the noise changes every millisecond."""
        noise = round(t_s * 1000)
        return self._painter.visible(t_s, noise) if self._visible else grey(self._painter.infrared(t_s, noise))


class Recording:
    """A video file, round and round, brought to the camera's size."""

    def __init__(self, path: Path, spectrum: Spectrum, size: tuple[int, int]) -> None:
        source = AvSource(AvSettings(spectrum=spectrum, url=str(path)))
        source.open()
        self._pictures: list[Planes] = []
        starts_ns: list[int] = []
        while len(starts_ns) < LONGEST_RECORDING and (frame := source.read()) is not None:
            self._pictures.append(_resized(frame.image, size))
            starts_ns.append(frame.t_cap_ns)
        source.close()
        self._starts_s = (np.array(starts_ns) - starts_ns[0]) / 1e9
        self._span_s = self._starts_s[-1] * len(starts_ns) / max(1, len(starts_ns) - 1) or 1.0

    def at(self, t_s: float) -> Planes:
        """As `Pictures`: the last one taken up to that instant."""
        planes = self._pictures[int(np.searchsorted(self._starts_s, t_s % self._span_s, side="right")) - 1]
        return Planes(y=planes.y.copy(), u=planes.u, v=planes.v)


def pictures(what: str, spectrum: Spectrum, size: tuple[int, int], seed: int) -> Pictures:
    """`pattern`, `scene`, or the path of a recording. `size` is width and height."""
    if size[0] < STRIP[1] or size[1] < 2 * STRIP[0]:
        raise ConfigError(f"a camera of the rig has at least {STRIP[1]}x{2 * STRIP[0]} pixels, got {size[0]}x{size[1]}")
    if what == "pattern":
        return Pattern(spectrum, size, seed)
    if what == "scene":
        return Street(spectrum, size, seed)
    if not Path(what).is_file():
        raise ConfigError(f"pictures {what!r}: want pattern, scene or the path of a video")
    return Recording(Path(what), spectrum, size)


def grey(luma_HW: NDArray[Any]) -> Planes:
    """Luma with neutral chroma: cameras send infrared as ordinary video."""
    half = (chroma_size(luma_HW.shape[0]), chroma_size(luma_HW.shape[1]))
    return Planes(y=luma_HW, u=np.full(half, 128, np.uint8), v=np.full(half, 128, np.uint8))


def write_number(luma_HW: NDArray[Any], number: int) -> None:
    """Write `number` (24 bits) into the top left corner of a picture, so that it survives the codec."""
    bits = np.unpackbits(np.frombuffer(_with_check(number), np.uint8)).reshape(ROWS, COLUMNS)
    luma_HW[: STRIP[0], : STRIP[1]] = np.kron(np.where(bits, BRIGHT, DARK), np.ones((BLOCK, BLOCK))).astype(np.uint8)


def read_number(luma_HW: NDArray[Any]) -> int | None:
    """The number in a picture, full or limited range; None where there is none that can be trusted."""
    if luma_HW.shape[0] < STRIP[0] or luma_HW.shape[1] < STRIP[1]:
        return None
    blocks = luma_HW[: STRIP[0], : STRIP[1]].reshape(ROWS, BLOCK, COLUMNS, BLOCK)[:, 2:-2, :, 2:-2].mean((1, 3))
    if (np.abs(blocks - 128) < UNSURE).any():
        return None
    told = np.packbits(blocks > 128).tobytes()
    number = int.from_bytes(told[:BYTES])
    return number if told == _with_check(number) else None


def _with_check(number: int) -> bytes:
    """With as many bits of a CRC: of an hour's spoilt pictures one passed for whole when there were 8."""
    data = int(number % 2**NUMBER_BITS).to_bytes(BYTES)
    return data + crc32(data).to_bytes(4)[-BYTES:]


def _disc(plane: NDArray[Any], x: float, y: float, radius: float, level: int) -> None:
    """Placed to a sixteenth of a pixel."""
    cv2.circle(plane, (round(x * 16), round(y * 16)), round(radius * 16), (level,), cv2.FILLED, cv2.LINE_AA, 4)


def _resized(image: Planes | NDArray[Any], size: tuple[int, int]) -> Planes:
    if not isinstance(image, Planes):
        image = grey(image if image.dtype == np.uint8 else (image >> 8).astype(np.uint8))
    half = (chroma_size(size[0]), chroma_size(size[1]))
    y, u, v = (cv2.resize(p, s, interpolation=cv2.INTER_AREA) for p, s in ((image.y, size), (image.u, half), (image.v, half)))
    return Planes(y=y, u=u, v=v)
