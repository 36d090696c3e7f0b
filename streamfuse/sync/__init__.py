"""2. Frame + Frame -> Pair: what both cameras saw at one instant, strictly in order of time.

`nearest` the matcher · `timeline` one camera's frames that wait, and when its time breaks · `rhythm` its measured period and jitter ·
`freeze` an infrared camera that repeats one picture. Written down for users in docs/2-sync.md.
"""

from typing import TYPE_CHECKING

from streamfuse.registry import Registry

if TYPE_CHECKING:
    from streamfuse.stages import Sync

__all__ = ["SYNCS"]

SYNCS: "Registry[Sync]" = Registry("sync", {"nearest": "streamfuse.sync.nearest:Nearest"})
