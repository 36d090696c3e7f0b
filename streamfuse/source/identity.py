"""What names a recording in frame ids."""

from hashlib import blake2b
from os import SEEK_END
from pathlib import Path

from streamfuse.errors import SourceError, UnsupportedInputError

IDENTITY_BYTES = 65536  # from each end of a file: its index lies at one of them


def identity(path: Path, name: str) -> bytes:
    """The same for the same recording, wherever it lies: 16 bytes over its size, its first and its last 64 KiB."""
    if path.is_dir():
        raise UnsupportedInputError(f"{name}: is a folder; name a file in it, or use the source 'images'")
    try:
        with path.open("rb") as file:
            size = file.seek(0, SEEK_END)
            file.seek(0)
            head = file.read(IDENTITY_BYTES)
            file.seek(max(0, size - IDENTITY_BYTES))
            tail = file.read(IDENTITY_BYTES)
    except OSError as exc:
        raise SourceError(f"{name}: {exc.strerror}; check the path and its permissions") from exc
    if not size:
        raise UnsupportedInputError(f"{name}: the file is empty (0 bytes); copy or record it again")
    return blake2b(size.to_bytes(8) + head + tail, digest_size=16).digest()
