"""What the dials do to both pictures before any network fuses them: the same for all networks of ours, and trained once.

Stripes are taken away along columns, grain where nothing else is, and each place is made brighter, darker or fuller in contrast. Darkness,
glare, low contrast and the fixed pattern of an infrared camera are dealt with here; what needs more is left to the network behind.

Legend: B batch, P prompts, N dials, M dials that luma reads, C width, H W pixels, h w cells, y x sixteenths of the picture.
"""

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.dials import DIAL_INDEX, LUMA_DIALS, DialHead
from streamfuse.networks.fineness import Fineness
from streamfuse.networks.layers import EDGE, Layers, between_cells, divided, whole_cells
from streamfuse.networks.network import State

WIDTH = 32
EXPOSURE_WIDTH = 64
"""Ten faults are told apart, and from none, by so many numbers; at a sixteenth of the size they cost next to nothing. Under ReLU all of
them died in training."""
STRIPE_REACH = 9
"""Columns seen on the way to one stripe, per convolution: stripes are narrow, things are not."""
FRESH_STRIPES = 0.1
"""Scale of the last convolution of a fresh destriper, so that it starts with little."""
FRESH_DIALS = 0.1
"""Spread of what dials do in a fresh network."""
COARSE = 2
"""A picture's exposure is told from means over so many cells along an edge, 8 pixels."""
AROUND = 5
"""So many of these along an edge are looked at for the darkest and the brightest: what is dark in clear air tells how thick the haze is."""
SEEN = 10
"""Numbers for each of these."""
STATS = 10
OFFSET = 0.25
"""Scale of offsets: a gain is to be learned before what an offset can do in its place."""
DARK = 0.01
"""Keeps logarithms of black finite: two and a half grey levels."""
LOG_GAIN = (-2.0, 3.0)
"""Of a whole picture, at most: 1/7 to 20 times."""
FINE = [LUMA_DIALS.index(DIAL_INDEX[name]) for name in ("infrared_noise", "infrared_detail", "visible_noise", "visible_blur")]
"""Grain and blur of infrared, then of the visible camera, among the dials that luma reads."""


class Destripe(nn.Module):
    """The fixed pattern of an infrared camera's columns, from the mean of each column. (B, 1, H, W) -> (B, 1, 1, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(1, width, (1, STRIPE_REACH), padding=(0, STRIPE_REACH // 2))
        self.leave = nn.Conv2d(width, 1, (1, STRIPE_REACH), padding=(0, STRIPE_REACH // 2))
        with torch.no_grad():
            self.leave.weight.mul_(FRESH_STRIPES)
            nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]  # it has one

    def forward(self, infrared_B1HW: torch.Tensor, scale_BC: torch.Tensor, shift_BC: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W) -> the same shape without its stripes."""
        column_B11W = infrared_B1HW.mean(2, keepdim=True).to(self.enter.weight.dtype)
        hidden = F.relu(film(self.enter(column_B11W), scale_BC, shift_BC))
        stripes_B11W: torch.Tensor = self.leave(hidden)
        return stripes_B11W.to(infrared_B1HW.dtype)


class Exposure(nn.Module):
    """Each place made brighter, darker or fuller in contrast, by its wider surroundings and the dials; without a dial, not at all.

    y = exp(gain) (x + offset), where gain and offset are linear in the dials with what the surroundings make of them: one set per
    16x16 pixels, interpolated between. Haze, glare, low light and low contrast are undone here, as far as they are smooth.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.whole = nn.Sequential(nn.Linear(2 * STATS, width), nn.GELU(), nn.Linear(width, 2 * width))
        self.enter = nn.Conv2d(SEEN, width, 3, padding=1, stride=2)
        self.middle = nn.Conv2d(width, width, 3, padding=1)
        self.leave = nn.Conv2d(width, 4 * len(LUMA_DIALS), 3, padding=1)
        nn.init.normal_(self.leave.weight, std=FRESH_DIALS / (3 * width**0.5))
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]  # it has one

    def forward(self, a: Layers, b: Layers, dials_BN: torch.Tensor) -> torch.Tensor:
        """(B, 4, a sixteenth of H, of W): log gain of infrared and visible, offset of infrared and visible."""
        said_B4Nyx = self.leave(self.seen(a, b)).unflatten(1, (4, len(LUMA_DIALS)))
        said_B4yx: torch.Tensor = (said_B4Nyx * dials_BN[:, None, :, None, None]).sum(2)
        return said_B4yx

    def seen(self, a: Layers, b: Layers) -> torch.Tensor:
        """What the surroundings are like, before any dial: (B, C, a sixteenth of H, of W)."""
        surroundings_BCyx = coarse(a, b)
        scale_BC, shift_BC = self.whole(exposure_stats(surroundings_BCyx).to(self.enter.weight.dtype)).chunk(2, 1)
        hidden = F.gelu(film(self.enter(surroundings_BCyx.to(self.enter.weight.dtype)), scale_BC, shift_BC))
        return F.gelu(self.middle(hidden))


class Front(nn.Module):
    """Reads the dials, and acts on them. See the file's docstring."""

    between: torch.Tensor
    luma_dials: torch.Tensor
    fine_dials: torch.Tensor

    def __init__(self, text_dim: int, width: int = WIDTH) -> None:
        super().__init__()
        self.dial_head = DialHead(text_dim)
        self.destripe = Destripe(width)
        self.film = dial_layer(2 * width)
        self.fineness = nn.ModuleList([Fineness(), Fineness()])
        self.exposure = Exposure(EXPOSURE_WIDTH)
        self.register_buffer("between", between_cells(), persistent=False)
        self.register_buffer("luma_dials", torch.tensor(LUMA_DIALS), persistent=False)  # a list would be sent to the device each time
        self.register_buffer("fine_dials", torch.tensor(FINE), persistent=False)

    def luma(self, dials_PN: torch.Tensor) -> torch.Tensor:
        """(P, M): without those for colour."""
        return dials_PN.index_select(1, self.luma_dials)

    def layers(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor, state: State) -> tuple[Layers, Layers]:
        """Infrared and visible in whole cells, without stripes and grain, exposed. `state["dials"]`: (B or 1, N)."""
        infrared, visible = whole_cells(infrared_B1HW), whole_cells(visible_B1HW)
        dials_BM = self.luma(state["dials"]).to(self.film.weight.dtype)
        infrared = without(infrared, self.destripe(infrared, *self.film(dials_BM).chunk(2, 1)))
        a, b = divided(infrared, self.between), divided(visible, self.between)
        a, b = refined(self.fineness, a, b, dials_BM.index_select(1, self.fine_dials).T)
        return exposed(a, b, self.exposure(a, b, dials_BM))

    def forward(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        """The same as pictures, (B, 1, H, W) each."""
        return pictures(self.layers(infrared_B1HW, visible_B1HW, state), self.between, infrared_B1HW)


def refined(fineness: nn.ModuleList, a: Layers, b: Layers, dials_4B: torch.Tensor) -> tuple[Layers, Layers]:
    """Both without grain and blur. The dials: see `FINE`."""
    grain_a, blur_a, grain_b, blur_b = dials_4B.unbind(0)
    return fineness[0](a, grain_a, blur_a), fineness[1](b, grain_b, blur_b)


def without(picture_B1HW: torch.Tensor, stripes_B11W: torch.Tensor) -> torch.Tensor:
    """The difference. One channel is left out meanwhile: OpenVINO goes through pictures of one channel pixel by pixel."""
    return (picture_B1HW.squeeze(1) - stripes_B11W.squeeze(1)).unsqueeze(1)


def pictures(layers: tuple[Layers, Layers], between: torch.Tensor, like_B1HW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Both out of their cells, in the size of `like`."""
    height, width = like_B1HW.shape[2:]
    a, b = (F.pixel_shuffle(part.picture(between), EDGE)[..., :height, :width] for part in layers)
    return a, b


def coarse(a: Layers, b: Layers) -> torch.Tensor:
    """(B, 10, an eighth of H, of W), of both: mean of base, and of how large the detail is; darkest and brightest around; log mean."""
    means_B4hw = torch.cat([a.base, b.base, a.detail.abs().mean(1, keepdim=True), b.detail.abs().mean(1, keepdim=True)], 1)
    peaks_B4hw = torch.cat([-a.base, -b.base, a.base, b.base], 1)
    means_B4yx = F.avg_pool2d(means_B4hw, COARSE, ceil_mode=True, count_include_pad=False)
    minus_dark_B2yx, bright_B2yx = F.max_pool2d(F.max_pool2d(peaks_B4hw, COARSE, ceil_mode=True), AROUND, 1, AROUND // 2).chunk(2, 1)
    return torch.cat([means_B4yx, -minus_dark_B2yx, bright_B2yx, (means_B4yx[:, :2].clamp_min(0) + DARK).log()], 1)


def exposure_stats(coarse_BCyx: torch.Tensor) -> torch.Tensor:
    """(B, 20) of both: mean, deviation, least, most; logarithms of mean, deviation and range, as gains are told from these; peaks.

    Peaks are the darkest, the brightest and the logarithm of what lies between, which no mean has blunted.
    """
    coarse_B2K = coarse_BCyx[:, :2].flatten(2)
    mean_B2, low_B2, high_B2 = coarse_B2K.mean(2), coarse_B2K.amin(2), coarse_B2K.amax(2)
    spread_B2 = ((coarse_B2K - mean_B2[..., None]).square().mean(2) + DARK**2).sqrt()
    darkest_B2, brightest_B2 = coarse_BCyx[:, 4:6].amin((2, 3)), coarse_BCyx[:, 6:8].amax((2, 3))
    logs = [(mean_B2.clamp_min(0) + DARK).log(), spread_B2.log(), (high_B2 - low_B2 + DARK).log()]
    peaks = [darkest_B2, brightest_B2, (brightest_B2 - darkest_B2 + DARK).log()]
    return torch.cat([mean_B2, spread_B2, low_B2, high_B2, *logs, *peaks], 1)


def exposed(a: Layers, b: Layers, said_B4yx: torch.Tensor) -> tuple[Layers, Layers]:
    """Both under the gains and offsets of `Exposure`."""
    said_B4hw = F.interpolate(said_B4yx.to(a.base.dtype), size=a.base.shape[2:], mode="bilinear")
    gain_a, gain_b = said_B4hw[:, :2].clamp(*LOG_GAIN).exp().chunk(2, 1)
    offset_a, offset_b = (OFFSET * said_B4hw[:, 2:]).chunk(2, 1)
    return Layers((a.base + offset_a) * gain_a, a.detail * gain_a), Layers((b.base + offset_b) * gain_b, b.detail * gain_b)


def film(x_BChw: torch.Tensor, scale_BC: torch.Tensor, shift_BC: torch.Tensor) -> torch.Tensor:
    """Each channel scaled by 1 + scale, and shifted."""
    return x_BChw * (1 + scale_BC[:, :, None, None]) + shift_BC[:, :, None, None]


def dial_layer(width: int) -> nn.Linear:
    """Dials (P, M) -> (P, `width`), linear and without bias: at 0 nothing, at twice the dials twice as much."""
    layer = nn.Linear(len(LUMA_DIALS), width, bias=False)
    nn.init.normal_(layer.weight, std=FRESH_DIALS)
    return layer
