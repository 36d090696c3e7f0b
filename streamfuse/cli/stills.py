"""Pictures for `calibrate`: a few pairs, some time apart, from two files, folders or cameras."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.clock import NS_PER_S
from streamfuse.errors import SourceError
from streamfuse.frames import Frame, Planes, Spectrum

if TYPE_CHECKING:
    from streamfuse.stages import Source

Picture = NDArray[Any]

SUFFIXES = frozenset({".png", ".tif", ".tiff", ".jpg", ".jpeg", ".webp", ".bmp"})
APART_NS = 60 * NS_PER_S // 1000  # of a fixed pair of cameras nothing better is needed; what moves is outvoted


@dataclass(frozen=True, slots=True, kw_only=True)
class Stills:
    """Grey pictures (H, W), two by two."""

    infrared: list[Picture]
    visible: list[Picture]


def stills(addresses: dict[Spectrum, str], count: int, every_s: float, told: Callable[[int], None]) -> Stills:
    """Up to `count` pairs, `every_s` apart; a folder gives all of its first ones. `told` hears how many there are by now."""
    one, other = addresses[Spectrum.INFRARED], addresses[Spectrum.VISIBLE]
    if all(_is_picture(address) for address in (one, other)):
        return Stills(infrared=[_grey(Path(one))], visible=[_grey(Path(other))])
    sources = [_source(address, spectrum) for spectrum, address in addresses.items()]
    found: list[tuple[Frame, Frame]] = []
    try:
        for source in sources:
            source.open()
        for pair in _pairs(sources[0], sources[1], round(every_s * NS_PER_S)):
            found.append(pair)
            told(len(found))
            if len(found) == count:
                break
    finally:
        for source in sources:
            source.close()
    if not found:
        raise SourceError(f"{sources[0].name} and {sources[1].name} have no two pictures of one instant; are they of the same time?")
    return Stills(infrared=[grey(first) for first, _ in found], visible=[grey(second) for _, second in found])


def grey(frame: Frame) -> Picture:
    """Infrared as it is, luma of a visible frame."""
    if isinstance(frame.image, Planes):
        return frame.image.y
    return frame.image if frame.image.ndim == 2 else np.asarray(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY))


def _pairs(one: "Source", other: "Source", every_ns: int) -> Iterator[tuple[Frame, Frame]]:
    """Pairs of frames that lie together in time; recordings are counted from their first frames."""
    sources, frames = (one, other), [one.read(), other.read()]
    starts = [0 if source.live or frame is None else frame.t_cap_ns for source, frame in zip(sources, frames, strict=True)]
    due_ns: int | None = None
    while (first := frames[0]) is not None and (second := frames[1]) is not None:
        times = (first.t_cap_ns - starts[0], second.t_cap_ns - starts[1])
        if abs(times[0] - times[1]) <= APART_NS and (due_ns is None or min(times) >= due_ns):
            due_ns = min(times) + every_ns
            yield first, second
            frames = [one.read(), other.read()]
            continue
        behind = 0 if times[0] <= times[1] else 1
        frames[behind] = sources[behind].read()


def _source(address: str, spectrum: Spectrum) -> "Source":
    from streamfuse.source import SOURCES

    if Path(address).is_dir():
        timed = {} if (Path(address) / "timestamps.csv").is_file() else {"fps": 1.0}
        return SOURCES.make("images", spectrum=spectrum, path=address, **timed)
    return SOURCES.make("av", spectrum=spectrum, url=address)


def _is_picture(address: str) -> bool:
    return Path(address).suffix.lower() in SUFFIXES and "://" not in address


def _grey(path: Path) -> Picture:
    picture = cv2.imread(str(path), cv2.IMREAD_ANYDEPTH | cv2.IMREAD_GRAYSCALE) if path.is_file() else None
    if picture is None:
        raise SourceError(f"cannot read the picture {path}")
    return np.asarray(picture)
