"""The detector that finds nothing and the tracker that follows nothing."""

from typing import TYPE_CHECKING

from streamfuse.frames import Fused
from streamfuse.results import Detections

if TYPE_CHECKING:
    import torch


class NoDetector:
    """No boxes, at no cost."""

    name = "none"

    def to(self, device: "torch.device") -> None:
        """Nothing to load."""

    def detect(self, fused: Fused) -> list[Detections]:
        """An empty `Detections` per item."""
        return [Detections.none() for _ in fused.batch.pairs]


class NoTracker:
    """Leaves every box without an id."""

    def update(self, detections: Detections, t_cap_ns: int) -> Detections:
        """The same boxes."""
        return detections

    def reset(self) -> None:
        """Nothing to forget."""
