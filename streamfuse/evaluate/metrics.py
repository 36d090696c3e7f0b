"""The table of image metrics, and the two ways to ask for them: arrays of one pair, or a batch of tensors on any device."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.errors import ConfigError, FrameError
from streamfuse.evaluate import contrast, correlation, edges, features, fidelity, information, structure
from streamfuse.evaluate.conventions import PROTOCOL, Conventions
from streamfuse.registry import suggestion

Grey = NDArray[np.uint8]


class Trio(NamedTuple):
    """What a metric compares: pictures (B, H, W) of grey levels 0..255."""

    infrared: torch.Tensor
    visible: torch.Tensor
    fused: torch.Tensor


Measure = Callable[[Trio, Conventions], torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One row of the table."""

    measure: Measure
    """-> (B,) float64."""
    title: str
    better: int = 1
    """1: higher is better; -1: lower is."""
    least_edge_px: int = 2
    """Shortest edge that a picture must have."""


METRICS: dict[str, Metric] = {
    "EN": Metric(title="entropy, bits", measure=lambda x, _: information.entropy(x.fused)),
    "SD": Metric(title="standard deviation", measure=lambda x, _: contrast.standard_deviation(x.fused)),
    "SF": Metric(title="spatial frequency", measure=lambda x, how: contrast.spatial_frequency(x.fused, white=how.frequency)),
    "AG": Metric(title="average gradient", measure=lambda x, how: contrast.average_gradient(x.fused, divisor=how.gradient)),
    "MI": Metric(title="mutual information", measure=lambda x, how: information.mutual_information(*x, unit=how.information)),
    "SCD": Metric(title="correlations of differences", measure=lambda x, _: correlation.sum_of_correlations_of_differences(*x)),
    "CC": Metric(title="correlation", measure=lambda x, _: correlation.correlation(*x)),
    "VIF": Metric(
        title="visual information fidelity",
        measure=lambda x, how: fidelity.visual_information_fidelity(*x, over=how.fidelity),
        least_edge_px=fidelity.LEAST_EDGE_PX,
    ),
    "Qabf": Metric(title="edges kept", measure=lambda x, _: edges.edge_preservation(*x)),
    "Nabf": Metric(title="artefacts", measure=lambda x, how: edges.fusion_artefacts(*x, floor=how.artefacts), better=-1),
    "SSIM": Metric(
        title="structural similarity",
        measure=lambda x, how: structure.structural_similarity(*x, form=how.structure),
        least_edge_px=len(structure.GAUSSIAN),
    ),
    "MS-SSIM": Metric(
        title="structural similarity over scales",
        measure=lambda x, how: structure.multi_scale_similarity(*x, form=how.structure),
        least_edge_px=structure.LEAST_EDGE_PX,
    ),
    "PSNR": Metric(title="peak signal to noise, dB", measure=lambda x, how: correlation.peak_signal_to_noise(*x, peak=how.noise)),
    "FMI": Metric(
        title="mutual information of features",
        measure=lambda x, how: features.feature_mutual_information(*x, feature=how.feature),
        least_edge_px=features.WINDOW_PX,
    ),
}
"""Name -> metric, in the order of every table."""


def fusion_metrics(
    infrared: Grey, visible: Grey, fused: Grey, *, names: Sequence[str] = tuple(METRICS), conventions: Conventions = PROTOCOL
) -> dict[str, float]:
    """All metrics of one pair. Grey pictures (H, W) uint8 of one size: infrared, luma of the visible one, luma of the fused one.

    `FrameError` for anything else, and for pictures too small for one of `names`: VIF wants 41 pixels, MS-SSIM 176.
    """
    tensors = [torch.from_numpy(np.ascontiguousarray(_checked(name, picture)))[None] for name, picture in _named(infrared, visible, fused)]
    return {name: float(values[0]) for name, values in batch_metrics(*tensors, names=names, conventions=conventions).items()}


@torch.no_grad()
def batch_metrics(
    infrared_BHW: torch.Tensor,
    visible_BHW: torch.Tensor,
    fused_BHW: torch.Tensor,
    *,
    names: Sequence[str] = tuple(METRICS),
    conventions: Conventions = PROTOCOL,
) -> dict[str, torch.Tensor]:
    """The same for uint8 tensors (B, H, W) on one device: name -> (B,) float64 there. Computed in float64 throughout."""
    for camera, tensor in _named(infrared_BHW, visible_BHW, fused_BHW):
        if tensor.ndim != 3 or tensor.dtype != torch.uint8:
            raise FrameError(f"{camera} must be (B, H, W) uint8, got {tuple(tensor.shape)} {tensor.dtype}")
    if not infrared_BHW.shape == visible_BHW.shape == fused_BHW.shape:
        told = ", ".join(f"{camera} {tuple(tensor.shape)}" for camera, tensor in _named(infrared_BHW, visible_BHW, fused_BHW))
        raise FrameError(f"metrics compare pictures of one size, got {told}; align infrared to the visible picture first")
    edge = min(fused_BHW.shape[1:])
    found = {name: metric(name) for name in names}
    small = [f"{name} {entry.least_edge_px}" for name, entry in found.items() if edge < entry.least_edge_px]
    if small:
        raise FrameError(
            f"pictures of {edge} pixels are too small for {', '.join(small)} pixels; name the metrics that you want without them"
        )
    return {name: entry.measure(Trio(infrared_BHW, visible_BHW, fused_BHW), conventions) for name, entry in found.items()}


def metric(name: str) -> Metric:
    """The metric of that name; `ConfigError` with the nearest one."""
    if name not in METRICS:
        raise ConfigError(f"no metric called {name!r}{suggestion(name, METRICS)} (known: {', '.join(METRICS)})")
    return METRICS[name]


def _named(infrared: Any, visible: Any, fused: Any) -> list[tuple[str, Any]]:
    return [("infrared", infrared), ("visible", visible), ("fused", fused)]


def _checked(camera: str, picture: Grey) -> Grey:
    if picture.ndim != 2 or picture.dtype != np.uint8:
        raise FrameError(f"{camera} must be a grey picture (H, W) uint8, got {picture.shape} {picture.dtype}")
    return picture
