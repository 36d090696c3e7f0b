"""Embeddings that were made once are not made again: memory, what ships, disk, and only then the encoder."""

import hashlib
import io
import logging
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from streamfuse.folders import cache_folder
from streamfuse.text import bank
from streamfuse.text.encoding import Encoding, TextEncoder

log = logging.getLogger(__name__)

MEMORY_ENTRIES = 256  # 50 KB each at a width of 384
DISK_ENTRIES = 4096  # 25 KB each for a sentence
TRIM_EVERY = 64  # writes; counting thousands of files costs milliseconds
DIGEST_BYTES = 32
FORMAT = 1  # to be raised when an encoder, or what a file holds, changes its meaning


def embeddings_folder() -> Path:
    """In the cache of the user. May be deleted at any time."""
    return cache_folder() / "embeddings"


class Shelf:
    """Embeddings on disk, a file each; texts themselves are not stored. Processes may share a folder. One thread at a time.

    A file is an array in NumPy's format, the pooled vector and then the tokens, and its SHA-256. A damaged one counts as missing.
    Where nothing can be written, that is logged once and nothing is kept.
    """

    def __init__(self, folder: Path, entries: int = DISK_ENTRIES) -> None:
        self.folder = folder
        self._entries = entries
        self._writes = 0
        self._writable = True

    def get(self, encoder: str, text: str) -> Encoding | None:
        """What `put` stored under the same names, or None."""
        path = self._path(encoder, text)
        try:
            data = path.read_bytes()
        except OSError:
            return None  # not there; or not to be read, and then `put` will say why
        content, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
        if hashlib.sha256(content).digest() != digest:
            log.warning("embedding %s is damaged and will be made anew", path)
            return None
        rows = np.load(io.BytesIO(content), allow_pickle=False)
        return Encoding.padded(encoder, rows[0], rows[1:])

    def put(self, text: str, encoding: Encoding) -> None:
        """Store; a reader sees the whole file or none."""
        if not self._writable:
            return
        try:
            self._write(self._path(encoding.encoder, text), encoding)
            if self._writes % TRIM_EVERY == 0:
                self._trim()
        except OSError as exc:
            self._writable = False
            log.warning("embeddings are kept in memory only: cannot write to %s: %s", self.folder, exc)
        self._writes += 1

    def _path(self, encoder: str, text: str) -> Path:
        text_hash = hashlib.sha256(text.encode()).hexdigest()
        key = f"{FORMAT}\n{encoder}\n{text_hash}"
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}.npy"

    def _write(self, path: Path, encoding: Encoding) -> None:
        content = io.BytesIO()
        np.save(content, np.vstack([encoding.pooled, encoding.tokens[: encoding.count]]))
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=self.folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content.getvalue() + hashlib.sha256(content.getvalue()).digest())
            Path(part).replace(path)
        except OSError:
            Path(part).unlink(missing_ok=True)
            raise

    def _trim(self) -> None:
        """Delete the oldest files beyond the limit, remains of broken writes among them."""
        dated = []
        for path in self.folder.iterdir():
            try:
                dated.append((path.stat().st_mtime_ns, path))
            except FileNotFoundError:
                continue  # another process trims as well
        for _, path in sorted(dated)[: max(0, len(dated) - self._entries)]:
            path.unlink(missing_ok=True)


class CachedEncoder:
    """Any encoder behind its caches, and prompts as people give them: see `bank.resolved`. Any thread; one text at a time.

    The encoder is asked for each text by itself, so that the bytes of an encoding do not depend on its company.
    """

    def __init__(self, encoder: TextEncoder, shelf: Shelf, entries: int = MEMORY_ENTRIES) -> None:
        self._encoder = encoder
        self._shelf = shelf
        self._entries = entries
        self._memory: OrderedDict[str, Encoding] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The encoder's own."""
        return self._encoder.name

    @property
    def dim(self) -> int:
        """Width of its encodings, from the nearest of them: an encoder need not be loaded for it."""
        return self.encode([""])[0].dim

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """One encoding per text; the id of a shipped prompt stands for its text, and no text for the neutral prompt."""
        words = [bank.resolved(text) for text in texts]
        with self._lock:
            return [self._one(text) for text in words]

    def _one(self, text: str) -> Encoding:
        encoding = self._memory.pop(text, None) or self._stored(text) or self._made(text)
        self._memory[text] = encoding
        if len(self._memory) > self._entries:
            self._memory.popitem(last=False)
        return encoding

    def _stored(self, text: str) -> Encoding | None:
        if self.name == bank.ENCODER and text in bank.shipped():
            return bank.shipped()[text]
        return self._shelf.get(self.name, text)

    def _made(self, text: str) -> Encoding:
        encoding = self._encoder.encode([text])[0]
        self._shelf.put(text, encoding)
        return encoding
