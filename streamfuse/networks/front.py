"""What the dials do to both pictures before any network fuses them: the same for all networks of ours, and trained once.

Stripes are taken away along columns, grain where nothing else is, and each place is made brighter, darker or fuller in contrast. Darkness,
glare, haze, low contrast and the fixed pattern of an infrared camera are dealt with here; what needs more is left to the network behind.

Legend: B batch, P prompts, N dials, M dials that luma reads, C width, H W pixels, h w cells.
"""

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.networks.dials import DIAL_INDEX, LUMA_DIALS, DialHead
from streamfuse.networks.exposure import EXPOSURE_DIALS, Exposure, coarse, exposed
from streamfuse.networks.film import dial_layer, film
from streamfuse.networks.fineness import Fineness
from streamfuse.networks.layers import EDGE, Layers, between_cells, divided, whole_cells
from streamfuse.networks.network import State

WIDTH = 32
STRIPE_REACH = 9
"""Columns seen on the way to one stripe, per convolution: stripes are narrow, things are not."""
FRESH_STRIPES = 0.1
"""Scale of the last convolution of a fresh destriper, so that it starts with little."""
FINE = [LUMA_DIALS.index(DIAL_INDEX[name]) for name in ("infrared_noise", "infrared_detail", "visible_noise", "visible_blur")]
"""Grain and blur of infrared, then of the visible camera, among the dials that luma reads."""
EXPOSING = [LUMA_DIALS.index(DIAL_INDEX[name]) for name in EXPOSURE_DIALS]
"""The same for exposure."""


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


class Front(nn.Module):
    """Reads the dials, and acts on them. See the file's docstring."""

    between: torch.Tensor
    luma_dials: torch.Tensor
    fine_dials: torch.Tensor
    exposing_dials: torch.Tensor

    def __init__(self, text_dim: int, width: int = WIDTH) -> None:
        super().__init__()
        self.dial_head = DialHead(text_dim)
        self.destripe = Destripe(width)
        self.film = dial_layer(2 * width)
        self.fineness = nn.ModuleList([Fineness(), Fineness()])
        self.exposure = Exposure()
        self.register_buffer("between", between_cells(), persistent=False)
        self.register_buffer("luma_dials", torch.tensor(LUMA_DIALS), persistent=False)  # a list would be sent to the device each time
        self.register_buffer("fine_dials", torch.tensor(FINE), persistent=False)
        self.register_buffer("exposing_dials", torch.tensor(EXPOSING), persistent=False)

    def luma(self, dials_PN: torch.Tensor) -> torch.Tensor:
        """(P, M): without those for colour."""
        return dials_PN.index_select(1, self.luma_dials)

    def layers(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor, state: State) -> tuple[Layers, Layers]:
        """Infrared and visible in whole cells, without stripes and grain, exposed. `state["dials"]`: (B or 1, N)."""
        dials_BM = self.luma(state["dials"]).to(self.film.weight.dtype)
        a, b = self.smoothed(infrared_B1HW, visible_B1HW, dials_BM)
        return exposed(a, b, self.exposure(coarse(a, b), dials_BM.index_select(1, self.exposing_dials)))

    def smoothed(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor, dials_BM: torch.Tensor) -> tuple[Layers, Layers]:
        """The same before they are exposed."""
        infrared, visible = whole_cells(infrared_B1HW), whole_cells(visible_B1HW)
        infrared = without(infrared, self.destripe(infrared, *self.film(dials_BM).chunk(2, 1)))
        a, b = divided(infrared, self.between), divided(visible, self.between)
        return refined(self.fineness, a, b, dials_BM.index_select(1, self.fine_dials).T)

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
