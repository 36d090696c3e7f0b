"""How good a fused picture is: metrics by one stated protocol, over images, videos, boxes and words, and runs over whole data sets."""

from streamfuse.evaluate.conventions import CONVENTIONS, PROTOCOL, Conventions
from streamfuse.evaluate.metrics import METRICS, batch_metrics, fusion_metrics

__all__ = ["CONVENTIONS", "METRICS", "PROTOCOL", "Conventions", "batch_metrics", "fusion_metrics"]
