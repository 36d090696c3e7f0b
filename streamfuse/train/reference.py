"""What should come out: the reference formula R of the pictures that the words ask for, and what looks and low light mean.

Legend: B batch, H W pixels. Pictures in [0, 1].
"""

import torch
from torch.nn.functional import avg_pool2d, interpolate

from streamfuse.colour import luma_of
from streamfuse.fuse.salience import salience
from streamfuse.networks.dials import DIAL_INDEX

LIFT_MOST = 4.0
"""Gain of the darkest places under a prompt that says dark."""
LIFT_TO = 0.45
"""Mean luma that a lift aims at, in the neighbourhood of a pixel."""
LIFT_POWER = 0.6
"""1 would flatten all light; this keeps day from night."""
LIFT_REACH = 16
"""The neighbourhood is the picture scaled down by this."""
GRAIN_PX = 5
"""Edge of the window of the denoising in a lift."""
GRAIN = 0.03
"""Differences below this are taken for grain, at the strength of a full lift."""
LEAN, GLOW, FINE = 0.8, 0.6, 0.8
"""What infrared_weight, warm_targets and texture at 1 do: share of a camera, share of the way to infrared, gain of fine detail."""
WARM_FROM, WARM_SPAN = 1.0, 1.0
"""Warm is what lies this many deviations above the mean of infrared; and how many more make it fully so."""


def wanted_luma(infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor, dials_BN: torch.Tensor) -> torch.Tensor:
    """R of both cameras as the words want them, then the looks among the dials. (B, 1, H, W)."""
    natural_B1HW = salience(infrared_B1HW, luma_B1HW)
    if not dials_BN[:, [DIAL_INDEX[name] for name in ("infrared_weight", "warm_targets", "texture")]].any():
        return natural_B1HW
    weight, warm, texture = (dials_BN[:, DIAL_INDEX[name]].view(-1, 1, 1, 1) for name in ("infrared_weight", "warm_targets", "texture"))
    camera_B1HW = torch.where(weight > 0, infrared_B1HW, luma_B1HW)
    looked = natural_B1HW + LEAN * weight.abs() * (camera_B1HW - natural_B1HW)
    warmth_B1HW = _warmth(infrared_B1HW)
    towards = torch.where(warm > 0, torch.maximum(infrared_B1HW, looked) * (1 - 0.3) + 0.3, luma_B1HW)
    looked = looked + GLOW * warm.abs() * warmth_B1HW * (towards - looked)
    fine = looked - avg_pool2d(looked, GRAIN_PX, 1, GRAIN_PX // 2, count_include_pad=False)
    return (looked + FINE * texture * fine).clamp(0, 1)


def lifted(visible_B3HW: torch.Tensor) -> torch.Tensor:
    """A dark picture as a bounded tone lift shows it, with its grain taken out as far as it was lifted. (B, 3, H, W)."""
    luma_B1HW = luma_of(visible_B3HW)
    around = interpolate(avg_pool2d(luma_B1HW, LIFT_REACH, ceil_mode=True), size=luma_B1HW.shape[2:], mode="bilinear")
    local = torch.maximum(around, luma_B1HW)  # a lamp is not a dark place
    gain_B1HW = (LIFT_TO / local.clamp_min(1e-3)).pow(LIFT_POWER).clamp(1, LIFT_MOST)
    return (_degrained(visible_B3HW, (gain_B1HW - 1) / (LIFT_MOST - 1)) * gain_B1HW).clamp(0, 1)


def _degrained(x_BCHW: torch.Tensor, share_B1HW: torch.Tensor) -> torch.Tensor:
    """A guided filter by itself (He et al. 2010, eq. 5, 6, 8), mixed in by `share`."""
    mean = avg_pool2d(x_BCHW, GRAIN_PX, 1, GRAIN_PX // 2, count_include_pad=False)
    square = avg_pool2d(x_BCHW * x_BCHW, GRAIN_PX, 1, GRAIN_PX // 2, count_include_pad=False)
    spread = (square - mean * mean).clamp_min(0)
    kept = spread / (spread + GRAIN**2)
    return x_BCHW + share_B1HW * (1 - kept) * (mean - x_BCHW)


def _warmth(infrared_B1HW: torch.Tensor) -> torch.Tensor:
    mean = infrared_B1HW.mean((2, 3), keepdim=True)
    deviation = infrared_B1HW.std((2, 3), keepdim=True).clamp_min(1e-3)
    return (((infrared_B1HW - mean) / deviation - WARM_FROM) / WARM_SPAN).clamp(0, 1)
