"""What a process holds at one moment: memory, objects, host slots, threads, file handles."""

import gc
import sys
import threading
from dataclasses import dataclass

import psutil

from streamfuse.batch.ring import HostRing

MB = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Counts of this process. Memory is resident memory, read before garbage is collected; the rest after."""

    rss_mb: float
    blocks: int
    """Memory blocks of the Python allocator in use."""
    objects: int
    """Objects that the garbage collector follows."""
    slots: int
    """Pieces of host memory of all lanes."""
    allocations: int
    """How often one of them had to be made or made larger."""
    threads: int
    """Of Python."""
    native_threads: int
    """All, those of libraries included."""
    handles: int
    """Open file descriptors."""

    @classmethod
    def now(cls) -> "Standing":
        """Look."""
        process = psutil.Process()
        rss_mb = process.memory_info().rss / MB
        gc.collect()
        blocks, objects = sys.getallocatedblocks(), gc.get_objects()
        rings = [ring for ring in objects if type(ring) is HostRing]  # isinstance would wake lazy proxies of other libraries
        return cls(
            rss_mb=rss_mb,
            blocks=blocks,
            objects=len(objects),
            slots=sum(len(ring) for ring in rings),
            allocations=sum(ring.allocations for ring in rings),
            threads=threading.active_count(),
            native_threads=process.num_threads(),
            handles=process.num_fds(),
        )
