"""A trained detector through ultralytics, which is AGPL-3.0: it is imported here alone, and only when asked for.

Pictures stay on the device: conversion to RGB, letterbox, network and suppression run there, and only boxes come to the host.
"""

import contextlib
import importlib
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import Field

from streamfuse.colour import to_rgb
from streamfuse.detect import model_file
from streamfuse.detect.letterbox import Letterbox
from streamfuse.detect.offline import staying_offline
from streamfuse.errors import ConfigError, WeightsError
from streamfuse.frames import Fused
from streamfuse.registry import Settings, suggestion
from streamfuse.results import Detections

log = logging.getLogger(__name__)

DEFAULT_SIZE_PX = 640
# What ultralytics and the runtimes below it raise on a file they cannot use; they share no root but Exception.
LOADER_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class YoloSettings(Settings):
    """Which network, and which of its boxes count."""

    weights: str = "yolo11n.pt"
    """A `.pt` or `.onnx` file or a `*_openvino_model` folder: a path, or a name in the weights folder."""
    classes: tuple[str, ...] = ()
    """Names of the classes to keep; empty keeps all."""
    confidence: float = Field(0.25, ge=0, lt=1)
    """Boxes with a score up to this are dropped."""
    iou: float = Field(0.7, ge=0, le=1)
    """Of two boxes of one class that overlap more than this (intersection over union), the weaker is dropped."""
    size_px: int | None = Field(None, ge=32, le=4096, multiple_of=32)
    """Longer edge of the picture the network sees; by default what the export was made for, else 640."""
    max_detections: int = Field(100, ge=1, le=1000)
    half: bool = False
    """16-bit floats, on CUDA only."""


class Yolo:
    """Any detection model of ultralytics. One thread."""

    def __init__(self, settings: YoloSettings) -> None:
        self.settings = settings
        self.name = f"yolo:{Path(settings.weights).stem.removesuffix(model_file.OPENVINO_FOLDER)}"
        self._model: Any = None
        self._names: tuple[str, ...] = ()
        self._classes: list[int] | None = None
        self._frame = (0, 0)
        self._tight_px: int | None = None

    def to(self, device: torch.device) -> None:
        """Load the weights; `WeightsError` if there are none or they are no detector, `ConfigError` for what the settings got wrong."""
        path = model_file.find(self.settings.weights)
        self._model = _opened(path, device, half=self.settings.half and device.type == "cuda")
        self._names = tuple(self._model.names[i] for i in sorted(self._model.names))
        self._classes = [self._class_id(name, path) for name in self.settings.classes] or None
        self._frame, self._tight_px = self._input_size(path)
        with torch.inference_mode(), _in_words(path):
            output = self._infer(torch.zeros(1, 3, *self._frame, device=device))
        self._check_output(output, path)
        log.info("detector %s: %s on %s, %d classes", path.name, self._model.format, self._model.device, len(self._names))

    @torch.inference_mode()
    def detect(self, fused: Fused) -> list[Detections]:
        """Boxes per item, strongest first."""
        box = Letterbox.fit(fused.batch.size, self._frame, self._tight_px)
        images = box.framed(to_rgb(fused.luma_B1HW, fused.chroma_B2cc, box.inner))
        return self._to_host(self._suppressed(self._infer(images)), box)

    def _infer(self, images: torch.Tensor) -> Any:
        """Raw output for (B, 3, h, w) RGB in [0, 1]."""
        assert self._model is not None, "call to(device) first"
        if self._model.format == "onnx" and images.is_cuda:  # ONNX Runtime has a CUDA stream of its own and does not wait for ours
            torch.cuda.current_stream(images.device).synchronize()
        return self._model(images)

    def _suppressed(self, output: Any) -> list[torch.Tensor]:
        """(N, 6) per item: x1, y1, x2, y2 in pixels of the frame, score, class."""
        from ultralytics.utils.nms import non_max_suppression  # noqa: PLC0415  see offline.py

        boxes: list[torch.Tensor] = non_max_suppression(
            output,
            self.settings.confidence,
            self.settings.iou,
            self._classes,
            max_det=self.settings.max_detections,
            max_time_img=math.inf,  # its time limit would make the boxes depend on how busy the machine is
            end2end=self._model.end2end,
        )
        return boxes

    def _to_host(self, rows: list[torch.Tensor], box: Letterbox) -> list[Detections]:
        """One transfer for the whole batch."""
        together = torch.cat(rows)
        host = torch.cat([box.boxes_back(together[:, :4]), together[:, 4:6]], dim=1).float().cpu()
        items = [item.numpy() for item in torch.split(host, [len(item) for item in rows])]
        items = [item[(item[:, 2] > item[:, 0]) & (item[:, 3] > item[:, 1])] for item in items]  # what lay in the bars has no area
        return [
            Detections(
                boxes_N4=item[:, :4].copy(),
                scores_N=item[:, 4].clip(0, 1),
                classes_N=item[:, 5].astype(np.int32),
                tracks_N=np.full(len(item), -1, np.int32),
                names=self._names,
            )
            for item in items
        ]

    def _class_id(self, name: str, path: Path) -> int:
        if name not in self._names:
            raise ConfigError(
                f"classes: {path.name} has no class {name!r}{suggestion(name, list(self._names))} (it has: {', '.join(self._names)})"
            )
        return self._names.index(name)

    def _input_size(self, path: Path) -> tuple[tuple[int, int], int | None]:
        """(height, width) of the network's frame, and the multiple to which its bars may be cut; None where the export fixed its size."""
        wanted = self.settings.size_px
        if self._model.format == "pt" or self._model.dynamic:
            size = -(-(wanted or DEFAULT_SIZE_PX) // self._model.stride) * self._model.stride
            return (size, size), self._model.stride
        height, width = self._model.imgsz
        if wanted not in (None, max(height, width)):
            raise WeightsError(
                f"{path} was exported for {width}x{height}, size_px asks for {wanted}: leave size_px out, or export it again"
            )
        return (height, width), None

    def _check_output(self, output: Any, path: Path) -> None:
        """Boxes of YOLO are (1, 4 + classes, N), or (1, N, 6) where the graph suppresses by itself."""
        raw = output[0] if isinstance(output, (list, tuple)) else output
        fits = raw.ndim == 3 and (raw.shape[2] == 6 if self._model.end2end else raw.shape[1] == 4 + len(self._names))
        if not fits:
            raise WeightsError(f"{path} gives {tuple(raw.shape)}, which are not the boxes of a YOLO detector of {len(self._names)} classes")


def _opened(path: Path, device: torch.device, *, half: bool) -> Any:
    """The network as ultralytics' `AutoBackend`: one call for every format. Its predictor would take the pictures to the host."""
    try:
        with staying_offline():
            importlib.import_module("torchvision")  # ultralytics uses the suppression in it where it is loaded already
            from ultralytics.nn.autobackend import AutoBackend  # noqa: PLC0415
            from ultralytics.nn.backends.base import BaseBackend  # noqa: PLC0415
            from ultralytics.utils.checks import check_yolov5u_filename  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        raise ConfigError(
            f"detector 'yolo' needs the package {exc.name!r}, which is not installed: pip install 'streamfuse[yolo]'"
        ) from exc
    if Path(check_yolov5u_filename(str(path).replace("'", ""), verbose=False)) != path:
        raise WeightsError(f"ultralytics would look for another file than {path}: rename it, without quotes and not like its old models")
    if path.suffix != ".pt" and not BaseBackend.read_metadata(path):
        raise WeightsError(f"{path} is no detector exported by ultralytics: its classes and sizes are not in it")
    with _in_words(path):
        model = AutoBackend(str(path), device=device, fp16=half, verbose=False)
    task = model.model.task if model.format == "pt" else model.task
    if task != "detect" or model.channels != 3:
        raise WeightsError(f"{path} is a model for {task!r} on {model.channels} channels: want one for 'detect' on 3")
    return model.eval()


@contextlib.contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Translate what is raised on a file that cannot be used."""
    try:
        yield
    except LOADER_ERRORS + _runtime_errors(path) as exc:
        reason = next((line for line in str(exc).splitlines() if line.strip()), type(exc).__name__)
        raise WeightsError(f"{path} cannot be loaded as a detector: {reason}") from exc


def _runtime_errors(path: Path) -> tuple[type[Exception], ...]:
    """The errors of ONNX Runtime have no common root."""
    if path.suffix != ".onnx":
        return ()
    from onnxruntime.capi import onnxruntime_pybind11_state as state  # noqa: PLC0415  only where there is such a file

    return (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented, state.RuntimeException)
