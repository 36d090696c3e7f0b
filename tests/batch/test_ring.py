"""Host memory that is used again and again."""

import pytest

from streamfuse.batch.ring import HostRing


class Copy:
    """Stands for an event of a device."""

    def __init__(self) -> None:
        self.waited = 0

    def query(self) -> bool:
        return self.waited > 0

    def synchronize(self) -> None:
        self.waited += 1


def test_slots_come_in_turn():
    """Each slot comes once before the first comes again."""
    ring = HostRing(slots=3, pinned=False)
    slots = [ring.acquire(10) for _ in range(6)]
    assert len(ring) == 3
    assert len({id(slot) for slot in slots[:3]}) == 3
    assert [id(slot) for slot in slots[:3]] == [id(slot) for slot in slots[3:]]


def test_memory_grows_and_stays():
    """A slot grows to the largest batch it has held; smaller ones use the same memory."""
    ring = HostRing(slots=1, pinned=False)
    pointers = {ring.acquire(nbytes).memory_N.data_ptr() for nbytes in (100, 20, 100, 1)}
    assert len(pointers) == 1
    assert ring.allocations == 1
    assert ring.acquire(101).memory_N.numel() == 101
    assert ring.allocations == 2


@pytest.mark.parametrize("slots", [1, 3])
def test_allocations_are_flat(slots):
    """Two hundred batches of changing sizes allocate once a slot, after the largest was seen."""
    ring = HostRing(slots=slots, pinned=False)
    for _ in range(slots):
        ring.acquire(1600)
    for turn in range(200):
        ring.acquire(100 * (1 + turn % 16))
    assert ring.allocations == slots


def test_waits_for_the_device_before_it_hands_out_again():
    """A slot that the device still reads is waited for, once; a free one is not."""
    ring, copy = HostRing(slots=2, pinned=False), Copy()
    ring.acquire(1).busy = copy
    ring.acquire(1)
    assert copy.waited == 0
    assert ring.acquire(1).busy is None
    assert copy.waited == 1
    ring.acquire(1)
    ring.acquire(1)
    assert copy.waited == 1
