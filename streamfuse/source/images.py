"""A folder of numbered pictures, 8 or 16 bits."""

import csv
import logging
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from streamfuse.clock import NS_PER_S
from streamfuse.errors import ConfigError, SourceError, UnsupportedInputError
from streamfuse.frames import Frame, Spectrum
from streamfuse.registry import Settings
from streamfuse.source.depth import Bits, check_depth

log = logging.getLogger(__name__)

SUFFIXES: Final = frozenset({".png", ".tif", ".tiff", ".jpg", ".jpeg", ".webp", ".bmp"})
TIMESTAMPS: Final = "timestamps.csv"
NS: Final = Fraction(1, NS_PER_S)
HOW_TO_TIME: Final = f"set fps, or put a {TIMESTAMPS} with the columns file and t_ns or seconds beside the pictures"


class ImageSettings(Settings):
    """A folder of pictures. Their times come from `fps` or from a table, never from the files' own times."""

    spectrum: Spectrum
    path: Path
    """The folder."""
    fps: float | None = Field(None, gt=0, le=10_000)
    """Pictures per second, in the natural order of their names. Wins over a table."""
    timestamps: Path | None = None
    """A table with the columns `file` and `t_ns` or `seconds`; by default `timestamps.csv` in the folder."""
    bits: Bits = "auto"
    """Infrared: what the pictures must have. `auto` takes what comes."""


class ImageSource:
    """A `Source`, not live. Pictures that cannot be read are counted as `unreadable` and skipped; their instants stay free."""

    live = False

    def __init__(self, settings: ImageSettings) -> None:
        self._settings = settings
        self._frames: Iterator[Frame] | None = None
        self.spectrum = settings.spectrum
        self.name = str(settings.path)
        self.identity = b""
        self.problems: Counter[str] = Counter()

    def open(self) -> None:
        """List the folder and read the table; no picture is read yet."""
        schedule = self._schedule(_pictures(self._settings.path))
        self.identity = _identity(schedule)
        self._frames = self._read_all(schedule)

    def read(self) -> Frame | None:
        """The next picture, None after the last one."""
        if self._frames is None:
            raise SourceError(f"{self.name} is not open; call open() first")
        return next(self._frames, None)

    def close(self) -> None:
        """Forget the list."""
        self._frames = None

    def _schedule(self, files: list[Path]) -> list[tuple[Path, int]]:
        """Each picture and its time, in order of time."""
        if self._settings.fps is not None:
            return [(path, round(number * NS_PER_S / Fraction(self._settings.fps))) for number, path in enumerate(files)]
        table = self._settings.timestamps or self._settings.path / TIMESTAMPS
        if not table.is_file():
            raise ConfigError(f"{self.name}: pictures have no time of their own; {HOW_TO_TIME}")
        return _table(table, self._settings.path)

    def _read_all(self, schedule: list[tuple[Path, int]]) -> Iterator[Frame]:
        seq = 0
        for number, (path, t_ns) in enumerate(schedule):
            image = self._image(path)
            if image is None:
                self.problems["unreadable"] += 1
                continue
            yield Frame(
                image=image,
                spectrum=self.spectrum,
                t_cap_ns=t_ns,
                clock="media",
                seq=seq,
                source=self.name,
                pts=number if self._settings.fps is not None else t_ns,
                time_base=1 / Fraction(self._settings.fps) if self._settings.fps is not None else NS,
            )
            seq += 1
        lost = len(schedule) - seq
        if not seq:
            raise SourceError(f"{self.name}: not one of {lost} pictures can be read; are they whole, and of a kind that OpenCV knows?")
        if lost:
            log.warning("%s: %d of %d pictures could not be read", self.name, lost, len(schedule))

    def _image(self, path: Path) -> NDArray[Any] | None:
        """The picture in its spectrum's layout, or None if it cannot be read."""
        image = _decoded(_content(path))
        if image is None:
            if not self.problems["unreadable"]:
                log.warning("%s cannot be read and is skipped; more of them are only counted", path)
            return None
        if image.dtype not in (np.uint8, np.uint16):
            raise UnsupportedInputError(f"{path}: pictures of {image.dtype} cannot be read; want 8 or 16 bits without sign")
        return self._infrared(image) if self.spectrum is Spectrum.INFRARED else _rgb(image, path)

    def _infrared(self, image: NDArray[Any]) -> NDArray[Any]:
        check_depth(image.dtype.itemsize * 8, self._settings.bits, self.name)
        return image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)  # BT.601 luma


def _content(path: Path) -> bytes:
    """The bytes of a file, none where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as exc:
        log.debug("%s: %s", path, exc)
        return b""


def _decoded(data: bytes) -> NDArray[Any] | None:
    """(H, W) or (H, W, 3) BGR. ANYCOLOR and ANYDEPTH, not UNCHANGED: alpha goes, and a camera's note on how it was held is obeyed."""
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH) if data else None
    except cv2.error as exc:
        log.debug("not decoded: %s", exc)
        return None


def _rgb(image: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    if image.dtype != np.uint8:
        raise UnsupportedInputError(
            f"{path}: visible pictures have 8 bits per channel, got 16; convert them, or is this the infrared folder?"
        )
    picture: NDArray[np.uint8] = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB if image.ndim == 2 else cv2.COLOR_BGR2RGB)
    return picture


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise SourceError(
            f"{folder}: {'is a file, not a folder' if folder.exists() else 'there is no such folder'}; name a folder of pictures"
        )
    files = sorted((path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES), key=_natural)
    if not files:
        raise SourceError(f"{folder}: no pictures in it; want {', '.join(sorted(SUFFIXES))}")
    return files


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Numbers sort by value: 2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name)], path.name


def _table(table: Path, folder: Path) -> list[tuple[Path, int]]:
    """Each picture that the table names and its time in ns, in the order of the table, which must be that of time."""
    try:
        rows = csv.DictReader(table.read_text(encoding="utf-8-sig").splitlines())
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{table}: cannot be read ({exc})") from exc
    columns = rows.fieldnames or []
    column = next((name for name in ("t_ns", "seconds") if name in columns), None)
    if column is None or "file" not in columns:
        raise ConfigError(f"{table}: want a first line with file and t_ns or seconds, got {', '.join(columns) or 'nothing'}")
    schedule: list[tuple[Path, int]] = []
    for row in rows:
        try:
            path, t_ns = folder / row["file"], int(Decimal(row[column]) * (NS_PER_S if column == "seconds" else 1))
        except (InvalidOperation, TypeError, ValueError, OverflowError) as exc:
            raise ConfigError(f"{table}, line {rows.line_num}: want a file and a number for {column}, got {row}") from exc
        if schedule and t_ns <= schedule[-1][1]:
            raise ConfigError(f"{table}, line {rows.line_num}: times must grow from line to line, got {t_ns} ns after {schedule[-1][1]} ns")
        schedule.append((path, t_ns))
    if not schedule:
        raise ConfigError(f"{table}: has no lines beside the first")
    return schedule


def _identity(schedule: list[tuple[Path, int]]) -> bytes:
    """The same for the same recording, wherever it lies: 16 bytes over names and times, the first and the last picture."""
    digest = blake2b(repr([(path.name, t_ns) for path, t_ns in schedule]).encode(), digest_size=16)
    for path, _ in (schedule[0], schedule[-1]):
        digest.update(_content(path))
    return digest.digest()
