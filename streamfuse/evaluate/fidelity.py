"""VIF: how much of what an eye could read from each camera it can still read from the fused picture."""

import torch

from streamfuse.evaluate.window import gaussian, windowed

SCALES = 4
EYE_NOISE = 2.0
"""Variance of the noise of the eye, in squared grey levels: sigma_n^2 of the reference code."""
LEAST = 1e-10
LEAST_EDGE_PX = 41
"""Below this the window of the coarsest scale has no place."""


def visual_information_fidelity(
    infrared_BHW: torch.Tensor, visible_BHW: torch.Tensor, fused_BHW: torch.Tensor, *, over: str = "sum"
) -> torch.Tensor:
    """VIF = v(A, F) + v(B, F), or their mean. (B,), 0 upwards; more than 1 a source means more contrast than it had.

    v(X, F) = sum log(1 + g^2 sx^2 / (sv^2 + 2)) / sum log(1 + sx^2 / 2) over four scales, where F = g X + noise of variance sv^2 is fitted
    in Gaussian windows of 17, 9, 5, 3 pixels (sigma a fifth of that), whole windows only. The pixel domain form (vifp) of Sheikh and
    Bovik, "Image information and visual quality", IEEE Trans. Image Process. 15(2), 2006. A source that shows nothing counts 0.
    """
    fused = fused_BHW.double()
    both = sum((_kept(source.double(), fused) for source in (infrared_BHW, visible_BHW)), torch.zeros_like(fused[:, 0, 0]))
    return both / 2 if over == "mean" else both


def _kept(source_BHW: torch.Tensor, fused_BHW: torch.Tensor) -> torch.Tensor:
    kept = torch.zeros(len(source_BHW), dtype=torch.float64, device=source_BHW.device)
    there = kept.clone()
    for scale in range(SCALES):
        size = 2 ** (SCALES - scale) + 1
        taps = gaussian(size, size / 5)
        if scale:
            source_BHW, fused_BHW = (windowed(x, taps)[:, ::2, ::2] for x in (source_BHW, fused_BHW))
        kept_here, there_here = _readable(source_BHW, fused_BHW, taps)
        kept, there = kept + kept_here, there + there_here
    return torch.where(there > 0, kept / there, 0)


def _readable(source_BHW: torch.Tensor, fused_BHW: torch.Tensor, taps: tuple[float, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Information that can be read of the source from the fused picture, and from itself: (B,), (B,)."""
    mean_source, mean_fused = windowed(source_BHW, taps), windowed(fused_BHW, taps)
    spread_source = (windowed(source_BHW.square(), taps) - mean_source.square()).clamp_min(0)
    spread_fused = (windowed(fused_BHW.square(), taps) - mean_fused.square()).clamp_min(0)
    shared = windowed(source_BHW * fused_BHW, taps) - mean_source * mean_fused
    flat_source, flat_fused = spread_source < LEAST, spread_fused < LEAST
    gain = torch.where(flat_source | flat_fused, 0, shared / (spread_source + LEAST))
    noise = torch.where(flat_source | (gain < 0), spread_fused, spread_fused - gain * shared)
    noise = torch.where(flat_fused, 0, noise).clamp_min(LEAST)
    gain, spread_source = gain.clamp_min(0), torch.where(flat_source, 0, spread_source)
    kept = torch.log1p(gain.square() * spread_source / (noise + EYE_NOISE))
    return kept.sum((1, 2)), torch.log1p(spread_source / EYE_NOISE).sum((1, 2))
