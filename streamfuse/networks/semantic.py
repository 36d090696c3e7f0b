"""The semantic prior of UP-Fusion: what is in the picture, as one vector, from a frozen network that was trained for something else.

A plug, by name:

    none                 no prior
    convnext_base        ConvNeXt from torchvision, as published; its weights come with the checkpoint of the fusion network
    convnext_base:FILE   the same with a torchvision state dict; `:imagenet` takes torchvision's own (from its cache, else a download)
    timm:NAME            any model of timm, with its pretrained weights (from its cache, else a download)
    features:WIDTH       vectors given by the caller, such as the pipeline's own detector, as `state["features"]`, (B, WIDTH)

A `SemanticPrior` of your own may be given instead of a name. `convnext_tiny`, `_small` and `_large` work as `_base` does.
"""

import importlib
import pickle
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.errors import ConfigError, WeightsError

PUBLISHED_WIDTH = 1024
"""Features of ConvNeXt-Base."""
SIDE_PX = 224
"""ConvNeXt was trained on squares of this side; the prior costs the same at any resolution."""
FEATURES = "features"
"""The entry of a network's state that a caller puts given features into."""


class SemanticPrior(nn.Module):
    """Picture (B, 3, H, W) in [0, 1] -> features (B, width). Frozen: no gradient, no dropout, whatever `train()` is told."""

    def __init__(self, body: nn.Module, width: int) -> None:
        super().__init__()
        self.width = width
        self.body = body.requires_grad_(requires_grad=False).eval()

    def train(self, mode: bool = True) -> "SemanticPrior":
        """Stay in evaluation: ConvNeXt's stochastic depth would make the features noise."""
        return super().train(mode=False)

    @torch.no_grad()
    def forward(self, picture_B3HW: torch.Tensor) -> torch.Tensor:
        """Resize to the prior's square, run it, average over the map."""
        square = F.interpolate(picture_B3HW, (SIDE_PX, SIDE_PX), mode="bilinear", align_corners=False)
        features: torch.Tensor = self.body(square)
        return features.mean((2, 3)) if features.ndim == 4 else features


class GivenFeatures(SemanticPrior):
    """Runs nothing: the features come in with the state. Until a caller gives some they are zeros."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Identity(), width)

    def forward(self, picture_B3HW: torch.Tensor) -> torch.Tensor:
        """Zeros."""
        return picture_B3HW.new_zeros(picture_B3HW.shape[0], self.width)


def make_prior(semantic: "str | SemanticPrior") -> SemanticPrior | None:
    """The prior behind a name of the list at the top of this file."""
    if isinstance(semantic, SemanticPrior):
        return semantic
    kind, _, detail = semantic.partition(":")
    if kind == "none":
        return None
    if kind == FEATURES:
        return GivenFeatures(_width(detail))
    if kind == "timm":
        return _from_timm(detail)
    if kind.startswith("convnext"):
        return _from_torchvision(kind, detail)
    raise ConfigError(f"semantic: no prior called {semantic!r} (known: none, convnext_base[:FILE], timm:NAME, features:WIDTH)")


def _width(detail: str) -> int:
    if not detail.isdigit() or int(detail) == 0:
        raise ConfigError(f"semantic: 'features:WIDTH' wants the width of the given vectors, as in features:256, got {detail!r}")
    return int(detail)


def _first_line(exc: Exception) -> str:
    """A state dict that does not fit is reported key by key, over pages."""
    return str(exc).partition("\n")[0].rstrip(":")


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as exc:
        raise ConfigError(
            f"semantic: this prior needs the package {exc.name!r}, which is not installed; install it or set semantic: none"
        ) from exc


def _from_torchvision(architecture: str, source: str) -> SemanticPrior:
    build = getattr(_library("torchvision.models"), architecture, None)
    if build is None:
        raise ConfigError(f"semantic: torchvision has no {architecture!r}; it has convnext_tiny, _small, _base and _large")
    try:
        model = build(weights="IMAGENET1K_V1" if source == "imagenet" else None)
        if source not in {"", "imagenet"}:
            model.load_state_dict(torch.load(Path(source), map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, pickle.UnpicklingError) as exc:
        raise WeightsError(
            f"semantic: cannot load the weights {source!r} of {architecture} ({_first_line(exc)}); give a file or none"
        ) from exc
    return SemanticPrior(model.features, model.classifier[0].normalized_shape[0])


def _from_timm(name: str) -> SemanticPrior:
    try:
        model = _library("timm").create_model(name, pretrained=True, num_classes=0)
    except (OSError, RuntimeError) as exc:
        raise WeightsError(
            f"semantic: cannot load {name!r} of timm ({_first_line(exc)}); choose one whose weights are at hand, or none"
        ) from exc
    return SemanticPrior(model, model.num_features)
