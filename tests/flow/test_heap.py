"""The heap of the C library."""

import platform
import subprocess
import sys

import numpy as np
import psutil
import pytest

from streamfuse.flow.heap import give_back_freed

PIECE, PIECES = 100_000, 1000  # too small for pages of their own, 100 MB together


needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")

THREADS = """
import ctypes, os, threading
from streamfuse.flow.heap import share_heaps
{before}
barrier = threading.Barrier(9)
def work():
    held = [bytes(4000) for _ in range(100)]
    barrier.wait()
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
barrier.wait()
libc = ctypes.CDLL(None)
libc.malloc_stats()
barrier.wait()
[thread.join() for thread in threads]
"""


@needs_glibc
def test_memory_that_is_free_in_pieces_is_given_back():
    """Every other piece is freed, so that the C library cannot simply make its heap shorter."""
    process = psutil.Process()
    pieces = [np.ones(PIECE, np.uint8) for _ in range(PIECES)]
    held = pieces[::2]
    del pieces
    before = process.memory_info().rss
    give_back_freed()
    assert before - process.memory_info().rss > PIECE * PIECES / 4
    assert all(piece[0] == 1 for piece in held)


def heaps(before: str, **environment: str) -> int:
    """How many of them a program has whose threads allocate at the same time; the C library tells it on stderr."""
    command = [sys.executable, "-c", THREADS.format(before=before)]
    environment = {"PATH": "", **environment}
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environment).stderr
    return sum(line.startswith("Arena ") for line in told.splitlines())


@needs_glibc
def test_threads_share_a_few_heaps():
    """Two instead of one for each thread; what the environment asks for is left alone."""
    assert heaps("") > 2
    assert heaps("share_heaps()") == 2
    assert heaps("share_heaps()", MALLOC_ARENA_MAX="3") == 3
