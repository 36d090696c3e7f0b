"""Host memory that is used again and again: a ring of slots, pinned where a GPU reads it."""

from dataclasses import dataclass, field

import torch

from streamfuse.frames import Event

RING_SLOTS = 3  # one being filled, one on its way, one to spare


@dataclass(slots=True)
class Slot:
    """One piece of host memory. Free again after `busy`."""

    memory_N: torch.Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.uint8))
    busy: Event | None = None


class HostRing:
    """Hands out slots in turn. A slot grows to the largest batch it has held and is never freed. For one thread."""

    def __init__(self, *, slots: int = RING_SLOTS, pinned: bool) -> None:
        self._slots = [Slot() for _ in range(slots)]
        self._pinned = pinned
        self._turn = 0
        self.allocations = 0

    def __len__(self) -> int:
        return len(self._slots)

    def acquire(self, nbytes: int) -> Slot:
        """The next slot, at least `nbytes` long; waits until the device has read what was in it."""
        slot = self._slots[self._turn]
        self._turn = (self._turn + 1) % len(self._slots)
        if slot.busy is not None:
            slot.busy.synchronize()
            slot.busy = None
        if slot.memory_N.numel() < nbytes:
            slot.memory_N = torch.empty(nbytes, dtype=torch.uint8, pin_memory=self._pinned)
            self.allocations += 1
        return slot
