"""The dials: sixteen named numbers between words and pixels.

An embedding sets them (`DialHead`), a person or a program sets them by name (`dials_tensor`, `turned`), and `shown` names them again.
0 everywhere is neutral. Legend: P prompts, N dials, D width of the embedding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch import nn

from streamfuse.errors import ConfigError
from streamfuse.registry import suggestion

HIDDEN = 256
"""Width of the head's one hidden layer. With 64 it heard 2 % fewer of the faults named in unseen words; 512 add nothing."""
RESTING_REPAIR = -2.0
"""Bias of a repair before the sigmoid in a fresh head: about 0.12, so that random words do little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """One number with a name."""

    name: str
    camera: Literal["visible", "infrared", "both"]
    low: float
    """0 for a repair, which goes from 0 (off) to 1; -1 for a balance, which goes from -1 to 1."""
    meaning: str
    """What 1 does, and -1 where there is a -1. One sentence."""
    colour: bool = False
    """Read by what makes colour out of luma, and by nothing in a network."""

    @property
    def high(self) -> float:
        """1 for all."""
        return 1.0


def _repair(name: str, camera: Literal["visible", "infrared"], meaning: str) -> Dial:
    return Dial(name=name, camera=camera, low=0.0, meaning=meaning)


def _balance(name: str, camera: Literal["visible", "infrared", "both"], meaning: str, *, colour: bool = False) -> Dial:
    return Dial(name=name, camera=camera, low=-1.0, meaning=meaning, colour=colour)


DIALS: tuple[Dial, ...] = (
    _repair("visible_light", "visible", "Lifts a dark visible picture."),
    _repair("visible_glare", "visible", "Takes back an overexposed visible picture."),
    _repair("visible_haze", "visible", "Clears haze, fog and smoke from the visible picture."),
    _repair("visible_rain", "visible", "Takes rain out of the visible picture."),
    _repair("visible_blur", "visible", "Sharpens a blurred visible picture."),
    _repair("visible_noise", "visible", "Takes grain out of the visible picture."),
    _repair("infrared_contrast", "infrared", "Spreads an infrared picture of low contrast."),
    _repair("infrared_stripes", "infrared", "Takes vertical stripes out of the infrared picture."),
    _repair("infrared_noise", "infrared", "Takes grain out of the infrared picture."),
    _repair("infrared_detail", "infrared", "Sharpens an infrared picture of low resolution."),
    _repair("infrared_polarity", "infrared", "Turns a black-hot infrared picture into white-hot."),
    _balance("infrared_weight", "both", "More of the infrared picture at 1, more of the visible one at -1."),
    _balance("warm_targets", "infrared", "Warm things stand out at 1, and are held back at -1."),
    _balance("texture", "both", "Fine detail stronger at 1, smoother at -1."),
    _balance("colour_warmth", "visible", "Warmer colours at 1, cooler at -1.", colour=True),
    _balance("saturation", "visible", "Stronger colours at 1, grey at -1.", colour=True),
)
DIAL_INDEX: dict[str, int] = {dial.name: index for index, dial in enumerate(DIALS)}
"""Where each dial stands along N. The order is part of every set of weights: dials are added at the end, never moved."""
LUMA_DIALS: list[int] = [index for index, dial in enumerate(DIALS) if not dial.colour]
"""Those that a network on luma reads."""


def dials_tensor(values: Mapping[str, float]) -> torch.Tensor:
    """(1, N) from names by hand; dials that are not named stay at 0."""
    return turned(torch.zeros(1, len(DIALS)), values)


def turned(dials_PN: torch.Tensor, values: Mapping[str, float]) -> torch.Tensor:
    """The dials with those that are named set to their values, in a tensor of its own. `ConfigError` for a wrong name or value."""
    dials_PN = dials_PN.clone()
    for name, value in values.items():
        if name not in DIAL_INDEX:
            raise ConfigError(f"no dial called {name!r}{suggestion(name, DIAL_INDEX)} (known: {', '.join(DIAL_INDEX)})")
        dial = DIALS[DIAL_INDEX[name]]
        if not dial.low <= value <= dial.high:
            raise ConfigError(f"the dial {name!r} lies between {dial.low:g} and {dial.high:g}, got {value:g}")
        dials_PN[:, DIAL_INDEX[name]] = value
    return dials_PN


def shown(dials_N: torch.Tensor) -> dict[str, float]:
    """Values by name, in the order of `DIALS`, rounded to two digits: for people."""
    return {dial.name: round(float(value), 2) for dial, value in zip(DIALS, dials_N.tolist(), strict=True)}


def within_range(dials_PN: torch.Tensor) -> torch.Tensor:
    """Clipped: repairs to [0, 1], balances to [-1, 1]."""
    return dials_PN.clamp(_lows(dials_PN), torch.ones_like(dials_PN[:1]))


def without(dials_PN: torch.Tensor, unwanted_PN: torch.Tensor) -> torch.Tensor:
    """The dials less what negative prompts ask for: a repair goes down to 0 at most, a balance may turn round."""
    return within_range(dials_PN - unwanted_PN)


def _lows(like_PN: torch.Tensor) -> torch.Tensor:
    return torch.tensor([[dial.low for dial in DIALS]], dtype=like_PN.dtype, device=like_PN.device)


class DialHead(nn.Module):
    """Pooled embedding (P, D) -> dials (P, N): repairs by a sigmoid, balances by a tanh. The length of the embedding does not count."""

    is_repair_N: torch.Tensor

    def __init__(self, text_dim: int) -> None:
        super().__init__()
        self.enter = nn.Linear(text_dim, HIDDEN)
        self.leave = nn.Linear(HIDDEN, len(DIALS))
        self.register_buffer("is_repair_N", torch.tensor([dial.low == 0.0 for dial in DIALS]), persistent=False)
        with torch.no_grad():
            self.leave.bias.copy_(torch.where(self.is_repair_N, RESTING_REPAIR, 0.0))

    def forward(self, pooled_PD: torch.Tensor) -> torch.Tensor:
        """Differentiable everywhere; never leaves the ranges of the dials."""
        unit_PD = F.normalize(pooled_PD, dim=1) * pooled_PD.shape[1] ** 0.5
        raw_PN = self.leave(F.gelu(self.enter(unit_PD)))
        return torch.where(self.is_repair_N, raw_PN.sigmoid(), raw_PN.tanh())
