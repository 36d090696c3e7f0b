"""The C library's heap: what was freed goes back to the system, and threads share a few heaps instead of keeping one each.

Every connection to a camera allocates on threads of its own, among what other cameras hold: afterwards its memory is free, but in
pieces, and glibc keeps them. Measured with four pairs and a fault every few seconds: 70 to 80 MB more each hour without either,
most of which both together spare. Where the C library is another, nothing happens.
"""

import ctypes
import functools
import os
from typing import Final

M_ARENA_MAX: Final = -8  # glibc, malloc.h
HEAPS: Final = 2
SET_BY_USER: Final = ("MALLOC_ARENA_MAX", "GLIBC_TUNABLES")


def share_heaps() -> None:
    """For threads from now on; for programs, since it holds for all of the process. What the environment says of it wins."""
    if not any(name in os.environ for name in SET_BY_USER):
        _call("mallopt", M_ARENA_MAX, HEAPS)


def give_back_freed() -> None:
    """Takes about 10 ms, and other threads run meanwhile."""
    _call("malloc_trim", 0)


@functools.cache  # each one leaves classes behind that only the collector finds
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _call(name: str, *values: int) -> None:
    try:
        getattr(_library(), name)(*values)
    except (OSError, AttributeError, TypeError):
        return
