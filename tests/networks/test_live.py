import gc
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from tests.networks.live import LiveBytes

KILO = torch.zeros(256)  # 1024 bytes


@pytest.fixture
def eager_collector() -> Iterator[None]:
    """Python's collector after every few objects."""
    usual = gc.get_threshold()
    gc.set_threshold(5, 1, 1)
    yield
    gc.set_threshold(*usual)


class Step(nn.Module):
    """Two tensors at once, and rubbish."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(20):
            HoldsFrames()
        return (x + 1) * 2


class HoldsFrames:
    """Garbage whose finalizer keeps the frames that it interrupts, until it is collected itself."""

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        try:
            1 / 0  # noqa: B018
        except ZeroDivisionError as exc:
            self.kept = exc


def test_tensors_alive_at_once_are_counted():
    """Input and weights are not; a result is until nobody holds it."""
    with LiveBytes(nn.Identity()) as live:
        for _ in range(3):
            kept = [KILO + 1, KILO + 2]
            del kept
    assert live.peak == 2 * KILO.nbytes


@pytest.mark.usefixtures("eager_collector")
def test_what_others_left_behind_does_not_count():
    """Finalizers that hold frames run before and after, not between two operations."""
    module = nn.Sequential(*(Step() for _ in range(8)))
    with LiveBytes(module) as live:
        module(KILO)
    assert live.peak == 3 * KILO.nbytes
    assert gc.isenabled()
