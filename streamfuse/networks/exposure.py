"""Each place made brighter, darker or fuller in contrast, by its wider surroundings and the dials; without a dial, not at all.

Haze, glare, low light, low contrast and the mist of rain all do the same to a picture: its values move towards one value that stays where
it is, or away from it: the airlight of haze (Koschmieder's law), black in low light. That is the pivot; each dial has a gain and a pivot,

    y = p + exp(g) (x - p),

and where several act at once, g is the sum of theirs and y = exp(g) x - (exp(g) - 1) / g * sum(g p). Where g is 0 the pivot does not
matter: a picture that lacks nothing is left alone by one number that is right, not by two.

Gains and pivots are told once per 16x16 pixels and interpolated: what is undone is smooth.
Legend: B batch, D dials that act here, w width, h w cells, y x an eighth of the picture, v u a sixteenth.
"""

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.film import film
from streamfuse.networks.layers import Layers

EXPOSURE_DIALS = ("infrared_contrast", "visible_light", "visible_glare", "visible_haze", "visible_rain")
OF_INFRARED = 1
"""So many of these, the first, are about infrared: a dial about one camera leaves the other alone."""
WIDTH = 64
FRESH = 0.1
"""Spread of what a dial does in a fresh network."""
MIDDLE = 0.5
"""Pivots of a fresh network are near it."""
COARSE = 2
"""Exposure is told from means over so many cells along an edge, 8 pixels."""
AROUND = 5
"""So many of these along an edge are looked at for the darkest and the brightest: what is dark in clear air tells how thick the haze is."""
SEEN = 10
"""Numbers for each of these."""
STATS = 22
DARK = 0.01
"""Keeps logarithms of black finite: two and a half grey levels."""
FULL = 1.05
"""A picture that fills its range has no pivot; it is told as if the range were a little larger."""
LOG_GAIN = (-2.0, 3.0)
"""1/7 to 20 times."""
SMALL = 1e-3
"""Below this, (exp(g) - 1) / g by its series."""


class Exposure(nn.Module):
    """See the file's docstring."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.whole = nn.Sequential(nn.Linear(STATS, width), nn.GELU(), nn.Linear(width, 2 * width))
        self.pivot = nn.Sequential(nn.Linear(STATS, width), nn.GELU(), nn.Linear(width, len(EXPOSURE_DIALS)))
        self.enter = nn.Conv2d(SEEN, width, 3, padding=1, stride=2)
        self.middle = nn.Conv2d(width, width, 3, padding=1)
        self.leave = nn.Conv2d(width, 2 * len(EXPOSURE_DIALS), 3, padding=1)
        nn.init.normal_(self.leave.weight, std=FRESH / (3 * width**0.5))
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]  # it has one

    def forward(self, coarse_BCyx: torch.Tensor, dials_BD: torch.Tensor) -> torch.Tensor:
        """What `coarse` makes of both, and dials in the order of `EXPOSURE_DIALS` -> (B, 4, v, u): g of both cameras, then sum(g p)."""
        stats_BS = exposure_stats(coarse_BCyx).to(self.enter.weight.dtype)
        coarse_BCyx = coarse_BCyx.to(self.enter.weight.dtype)
        hidden = F.gelu(film(self.enter(coarse_BCyx), *self.whole(stats_BS).chunk(2, 1)))
        gain_BDvu, place_BDvu = self.leave(F.gelu(self.middle(hidden))).chunk(2, 1)
        gain_BDvu = gain_BDvu * dials_BD.to(gain_BDvu)[:, :, None, None]
        pivot_BDvu = place_BDvu + self.pivot(stats_BS)[:, :, None, None] + MIDDLE
        both = torch.cat([gain_BDvu, gain_BDvu * pivot_BDvu], 1)
        parts = torch.split(both, [OF_INFRARED, len(EXPOSURE_DIALS) - OF_INFRARED] * 2, 1)
        return torch.cat([part.sum(1, keepdim=True) for part in parts], 1)


def exposed(a: Layers, b: Layers, said_B4vu: torch.Tensor) -> tuple[Layers, Layers]:
    """Both under what `Exposure` says."""
    # in full precision: exp(g) - 1 of a small g would be mostly rounding
    gain_B2hw, offset_B2hw = (part.to(a.base.dtype) for part in scaling(said_B4vu.float(), (a.base.shape[2], a.base.shape[3])))
    (gain_a, gain_b), (offset_a, offset_b) = gain_B2hw.chunk(2, 1), offset_B2hw.chunk(2, 1)
    return Layers(a.base * gain_a - offset_a, a.detail * gain_a), Layers(b.base * gain_b - offset_b, b.detail * gain_b)


def scaling(said_B4vu: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """What `Exposure` says -> of both, in that size, gain and offset of gain * x - offset."""
    said_B4hw = F.interpolate(said_B4vu, size=size, mode="bilinear")
    log_B2hw = said_B4hw[:, :2].clamp(*LOG_GAIN)
    gain_B2hw = log_B2hw.exp()
    near_B2hw = log_B2hw.abs() < SMALL
    share_B2hw = torch.where(near_B2hw, 1 + log_B2hw / 2, (gain_B2hw - 1) / torch.where(near_B2hw, 1.0, log_B2hw))
    return gain_B2hw, share_B2hw * said_B4hw[:, 2:]


def coarse(a: Layers, b: Layers) -> torch.Tensor:
    """(B, 10, y, x), of both: mean of base, and of how large the detail is; darkest and brightest around; log mean."""
    means_B4hw = torch.cat([a.base, b.base, a.detail.abs().mean(1, keepdim=True), b.detail.abs().mean(1, keepdim=True)], 1)
    peaks_B4hw = torch.cat([-a.base, -b.base, a.base, b.base], 1)
    means_B4yx = F.avg_pool2d(means_B4hw, COARSE, ceil_mode=True, count_include_pad=False)
    minus_dark_B2yx, bright_B2yx = F.max_pool2d(F.max_pool2d(peaks_B4hw, COARSE, ceil_mode=True), AROUND, 1, AROUND // 2).chunk(2, 1)
    return torch.cat([means_B4yx, -minus_dark_B2yx, bright_B2yx, (means_B4yx[:, :2].clamp_min(0) + DARK).log()], 1)


def exposure_stats(coarse_BCyx: torch.Tensor) -> torch.Tensor:
    """(B, 22) of both: mean, deviation, least, most; logarithms of mean, deviation and range, as gains are told from these; peaks; pivot.

    Peaks are the darkest, the brightest and the logarithm of what lies between, which no mean has blunted. The pivot is the value that
    stays where it is when what lies between is stretched to the whole range.
    """
    coarse_B2K = coarse_BCyx[:, :2].flatten(2)
    mean_B2, low_B2, high_B2 = coarse_B2K.mean(2), coarse_B2K.amin(2), coarse_B2K.amax(2)
    spread_B2 = ((coarse_B2K - mean_B2[..., None]).square().mean(2) + DARK**2).sqrt()
    darkest_B2, brightest_B2 = coarse_BCyx[:, 4:6].amin((2, 3)), coarse_BCyx[:, 6:8].amax((2, 3))
    logs = [(mean_B2.clamp_min(0) + DARK).log(), spread_B2.log(), (high_B2 - low_B2 + DARK).log()]
    peaks = [darkest_B2, brightest_B2, (brightest_B2 - darkest_B2 + DARK).log()]
    pivot_B2 = darkest_B2 / (FULL - (brightest_B2 - darkest_B2)).clamp_min(FULL - 1)
    return torch.cat([mean_B2, spread_B2, low_B2, high_B2, *logs, *peaks, pivot_B2], 1)
