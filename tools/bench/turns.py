"""Times of several things that take turns, so that a busy moment of the machine hits all of them."""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import torch

WARM, TURN = 3, 5
"""Runs before anything is counted, and runs in a row, so that caches are warm as in a stream."""

Key = TypeVar("Key")


@torch.inference_mode()
def measured(runs: Mapping[Key, Callable[[], object]], rounds: int) -> dict[Key, list[float]]:
    """Milliseconds of each run. On CUDA a run must wait for its result itself."""
    times: dict[Key, list[float]] = {who: [] for who in runs}
    for run in runs.values():
        for _ in range(WARM):
            run()
    for _ in range(max(1, rounds // TURN)):
        for who, run in runs.items():
            run()
            for _ in range(TURN):
                started = time.perf_counter()
                run()
                times[who].append((time.perf_counter() - started) * 1e3)
    return times
