"""A small detector to be trained, and its loss: YOLO by ultralytics (AGPL-3.0), built from its own yaml with random weights.

Nothing is downloaded, and nothing of it is in the weights of a fusion network that was trained against it.
Legend: B batch, N boxes, H W pixels.
"""

from types import SimpleNamespace
from typing import Any, NamedTuple

import torch
from torch import nn

from streamfuse.detect.offline import staying_offline
from streamfuse.errors import ConfigError
from streamfuse.networks.restormer import padded

STRIDE_PX = 32
"""Pictures are mirrored up to a multiple of this."""
GAINS = {"box": 7.5, "cls": 0.5, "dfl": 1.5}
"""Weights of its three losses: the defaults of ultralytics."""


class Boxes(NamedTuple):
    """What is in the pictures of a batch."""

    items_N: torch.Tensor
    """In which picture each box lies, int64."""
    classes_N: torch.Tensor
    boxes_N4: torch.Tensor
    """x1, y1, x2, y2 in pixels."""


class DetectionLoss(nn.Module):
    """The detector with what it is taught by: how far it is from the boxes that are there (v8DetectionLoss), a scalar."""

    def __init__(self, model: str, classes: int) -> None:
        super().__init__()
        self.detector = _detector(model, classes)

    def forward(self, rgb_B3HW: torch.Tensor, boxes: Boxes) -> torch.Tensor:
        """Of pictures in [0, 1]; differentiable in both the pictures and the detector. Mean over the batch."""
        pictures = padded(rgb_B3HW, STRIDE_PX)
        height, width = pictures.shape[2:]
        scale = pictures.new_tensor([width, height])
        corners_N4 = boxes.boxes_N4.to(pictures)
        centre_N2, size_N2 = (corners_N4[:, :2] + corners_N4[:, 2:]) / 2, corners_N4[:, 2:] - corners_N4[:, :2]
        target = {"batch_idx": boxes.items_N, "cls": boxes.classes_N, "bboxes": torch.cat([centre_N2 / scale, size_N2 / scale], 1)}
        found = {name: _full_precision(part) for name, part in self.detector(pictures).items()}
        with torch.autocast(pictures.device.type, enabled=False):
            losses, _ = self.detector.loss(target, found)
        return losses.sum() / len(pictures)  # type: ignore[no-any-return]

    def train(self, mode: bool = True) -> "DetectionLoss":
        """Stays in training: its loss wants the raw output, and batch statistics."""
        return super().train(mode=True)


def _detector(model: str, classes: int) -> Any:
    try:
        with staying_offline():
            from ultralytics.nn.tasks import DetectionModel  # noqa: PLC0415  heavy, and only wanted here
    except ModuleNotFoundError as exc:
        raise ConfigError(f"this lesson needs the package {exc.name!r}, which is not installed: pip install 'streamfuse[yolo]'") from exc
    try:
        detector = DetectionModel(f"{model}.yaml", nc=classes, verbose=False)
    except FileNotFoundError as exc:
        raise ConfigError(f"lesson.detector: ultralytics has no {model!r}; want yolo11n, yolov8n or another of its detectors") from exc
    if getattr(detector.model[-1], "one2one_cv2", None) is not None:
        raise ConfigError(f"lesson.detector: {model} suppresses by itself and is taught by other losses; want yolo11n or yolov8n")
    detector.args = SimpleNamespace(**GAINS)
    return detector


def _full_precision(part: torch.Tensor | list[torch.Tensor]) -> torch.Tensor | list[torch.Tensor]:
    return [level.float() for level in part] if isinstance(part, list) else part.float()
