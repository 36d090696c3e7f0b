"""Faults for training: batched, on the device, drawn once, so that any of them can be left out and the rest stays the same.

    plan = Plan.draw([{"visible.haze": 0.7, "infrared.noise": 0.4}, {}], (160, 160), generator)
    infrared, visible = plan.degrade(infrared, visible)                                      # what the network sees
    infrared, visible = plan.degrade(infrared, visible, only=plan.without("visible.haze"))   # what "remove the haze" wants

The models: degradations_visible.py, degradations_infrared.py, of degradations_chance.py.
Legend: B batch, N items with a fault, F faults in the order of `FAULTS`, C channels, H W pixels.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn.functional import grid_sample, interpolate

from streamfuse.errors import ConfigError, FrameError
from streamfuse.registry import suggestion
from streamfuse.train import degradations_infrared as ir
from streamfuse.train import degradations_visible as vi

LEVELS = 255
"""What is spoilt is rounded as 8 bits hold it: darkness and low contrast lose what no network can bring back."""
KNOTS = 8
"""Pieces of a tone curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that can ail a camera."""

    name: str
    """As in `text.bank.FAULTS`."""
    camera: Literal["visible", "infrared"]
    dial: str
    """Of `networks.dials`: takes it away."""
    draw: Callable[[torch.Tensor, tuple[int, int], torch.Generator], tuple[torch.Tensor, ...]]
    """Strength (N, 1, 1, 1), size and generator -> what `spoil` needs, each with N items."""
    spoil: Callable[..., torch.Tensor]
    """(N, C, H, W) and what was drawn -> spoilt; not clipped."""


def _visible(name: str, dial: str, draw: Callable[..., ir.Drawn], spoil: Callable[..., torch.Tensor]) -> Fault:
    return Fault(name=f"visible.{name}", camera="visible", dial=f"visible_{dial}", draw=draw, spoil=spoil)


def _infrared(name: str, dial: str, draw: Callable[..., ir.Drawn], spoil: Callable[..., torch.Tensor]) -> Fault:
    return Fault(name=f"infrared.{name}", camera="infrared", dial=f"infrared_{dial}", draw=draw, spoil=spoil)


FAULTS: tuple[Fault, ...] = (
    _visible("haze", "haze", vi.draw_haze, vi.haze),
    _visible("rain", "rain", vi.draw_rain, vi.rain),
    _visible("blur", "blur", vi.draw_blur, vi.blur),
    _visible("darkness", "light", vi.draw_darkness, vi.darkness),
    _visible("glare", "glare", vi.draw_glare, vi.glare),
    _visible("noise", "noise", vi.draw_noise, vi.noise),
    _infrared("low_resolution", "detail", ir.draw_low_resolution, ir.low_resolution),
    _infrared("low_contrast", "contrast", ir.draw_low_contrast, ir.low_contrast),
    _infrared("stripes", "stripes", ir.draw_stripes, ir.stripes),
    _infrared("noise", "noise", ir.draw_noise, ir.noise),
)
"""In the order in which they come upon a picture: what is in the air, the lens, the light, the sensor."""
FAULT_INDEX: dict[str, int] = {fault.name: index for index, fault in enumerate(FAULTS)}
DIAL_OF: dict[str, str] = {fault.name: fault.dial for fault in FAULTS}
"""Fault -> the dial that takes it away."""
POLARITY_DIAL = "infrared_polarity"
"""Takes back `black_hot`, which is no fault of `FAULTS`."""
CHANNELS = {"visible": 3, "infrared": 1}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Damage:
    """One fault, drawn for the items that have it."""

    fault: Fault
    items: list[int]
    drawn: tuple[torch.Tensor, ...]

    def spoil(self, picture_BCHW: torch.Tensor, wanted_B: Sequence[bool]) -> list[int]:
        """Spoil, in place, those of its items that are wanted; which they were."""
        rows = [row for row, item in enumerate(self.items) if wanted_B[item]]
        items = [self.items[row] for row in rows]
        if items:
            drawn = self.drawn if len(rows) == len(self.items) else tuple(part[rows] for part in self.drawn)
            picture_BCHW[items] = self.fault.spoil(picture_BCHW[items], *drawn).clamp_(0, 1)
        return items


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """Everything that chance decides about the faults of a batch."""

    faults: tuple[Mapping[str, float], ...]
    """For each item, strength by fault."""
    size: tuple[int, int]
    damages: tuple[Damage, ...]

    @classmethod
    def draw(cls, faults: Sequence[Mapping[str, float]], size: tuple[int, int], draw: torch.Generator) -> "Plan":
        """For a batch of pictures of `size`; `faults[item]`: name -> strength in [0, 1], 0 as good as not named.

        Everything is drawn on the device of `draw`, which must be that of the pictures.
        """
        for item in faults:
            _check(item)
        damages = []
        for fault in FAULTS:
            items = [number for number, item in enumerate(faults) if item.get(fault.name, 0.0) > 0.0]
            if items:
                strength = torch.tensor([faults[number][fault.name] for number in items], device=draw.device).view(-1, 1, 1, 1)
                damages.append(Damage(fault=fault, items=items, drawn=fault.draw(strength, size, draw)))
        return cls(faults=tuple(faults), size=size, damages=tuple(damages))

    @property
    def present(self) -> torch.Tensor:
        """(B, F) bool, on the CPU: which item has which fault."""
        return torch.tensor([[item.get(fault.name, 0.0) > 0.0 for fault in FAULTS] for item in self.faults]).view(-1, len(FAULTS))

    def without(self, *names: str) -> torch.Tensor:
        """(B, F) `present`, less the named faults: for `degrade`."""
        _check(dict.fromkeys(names, 0.0))
        left_BF = self.present
        left_BF[:, [FAULT_INDEX[name] for name in names]] = False
        return left_BF

    def degrade(
        self, infrared_B1HW: torch.Tensor, visible_B3HW: torch.Tensor, only: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Copies with the faults, clipped to [0, 1] and rounded to 8 bits where spoilt; the others to the bit as they were.

        `only` (B, F) bool, best on the CPU: faults to apply of those that were drawn. The same plan gives the same faults each time.
        """
        pictures = {"infrared": infrared_B1HW.clone(), "visible": visible_B3HW.clone()}
        for camera, picture in pictures.items():
            _check_shape(picture, (len(self.faults), CHANNELS[camera], *self.size))
        wanted_BF = [[True] * len(FAULTS)] * len(self.faults) if only is None else only.tolist()
        for camera, picture in pictures.items():
            spoilt: set[int] = set()
            for damage in self.damages:
                if damage.fault.camera == camera:
                    column = FAULT_INDEX[damage.fault.name]
                    spoilt.update(damage.spoil(picture, [wanted_F[column] for wanted_F in wanted_BF]))
            if spoilt:
                items = sorted(spoilt)
                picture[items] = picture[items].mul_(LEVELS).round_().div_(LEVELS)
        return pictures["infrared"], pictures["visible"]


def apply(fault: str, picture_BCHW: torch.Tensor, strength_B: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """One fault on pictures in [0, 1], RGB (B, 3, H, W) or infrared (B, 1, H, W).

    Strength 0 leaves an item as it is to the bit, 1 is as bad as it gets.
    """
    plan = Plan.draw([{fault: value} for value in strength_B.tolist()], (picture_BCHW.shape[2], picture_BCHW.shape[3]), draw)
    camera = FAULTS[FAULT_INDEX[fault]].camera
    _check_shape(picture_BCHW, (len(strength_B), CHANNELS[camera], *plan.size))
    empty = {name: picture_BCHW.new_zeros(len(strength_B), channels, *plan.size) for name, channels in CHANNELS.items()}
    infrared, visible = plan.degrade(**{f"{name}_B{CHANNELS[name]}HW": part for name, part in (empty | {camera: picture_BCHW}).items()})
    return infrared if camera == "infrared" else visible


def infrared_tone_curve(infrared_B1HW: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Each item through a growing curve of its own, from 0 to 1 on [0, 1]: what the tone mapping of another camera would make of it."""
    count = len(infrared_B1HW)
    steps = 0.25 + torch.rand(count, KNOTS, generator=draw, device=draw.device)
    heights = torch.cat([steps.new_zeros(count, 1), (steps / steps.sum(1, keepdim=True)).cumsum(1)], 1)
    place = infrared_B1HW.clamp(0, 1).flatten(1) * KNOTS
    left = place.floor().clamp_max(KNOTS - 1)
    knot = left.long()
    curved = torch.lerp(heights.gather(1, knot), heights.gather(1, knot + 1), place - left)
    return curved.clamp_(0, 1).view_as(infrared_B1HW)


def black_hot(infrared_B1HW: torch.Tensor) -> torch.Tensor:
    """Warm is dark."""
    return 1 - infrared_B1HW


def misregister(infrared_B1HW: torch.Tensor, max_px: float, draw: torch.Generator) -> torch.Tensor:
    """Each item shifted, turned and bent by up to `max_px` pixels; nowhere more, smooth everywhere. Borders are repeated."""
    count, _, height, width = infrared_B1HW.shape
    shift = torch.randn(count, 2, 1, 1, generator=draw, device=draw.device)
    bend = torch.randn(count, 2, 3, 3, generator=draw, device=draw.device)
    field = shift + 0.5 * interpolate(bend, size=(height, width), mode="bicubic", align_corners=True)
    furthest = field.square().sum(1).amax((1, 2)).sqrt().clamp_min(1e-6).view(-1, 1, 1, 1)
    field = field / furthest * max_px * torch.rand(count, 1, 1, 1, generator=draw, device=draw.device)
    here = torch.meshgrid(torch.arange(height, device=draw.device), torch.arange(width, device=draw.device), indexing="ij")
    grid = torch.stack([2 * (here[1] + field[:, 0] + 0.5) / width - 1, 2 * (here[0] + field[:, 1] + 0.5) / height - 1], dim=3)
    return grid_sample(infrared_B1HW, grid, padding_mode="border", align_corners=False)


def check_faults(names: Iterable[str]) -> None:
    """`ConfigError` where one is not known."""
    for name in names:
        if name not in FAULT_INDEX:
            raise ConfigError(f"no fault called {name!r}{suggestion(name, FAULT_INDEX)} (known: {', '.join(FAULT_INDEX)})")


def _check(faults: Mapping[str, float]) -> None:
    check_faults(faults)
    for name, strength in faults.items():
        if not 0.0 <= strength <= 1.0:
            raise ConfigError(f"the strength of {name} lies between 0 and 1, got {strength:g}")


def _check_shape(picture: torch.Tensor, want: tuple[int, ...]) -> None:
    if tuple(picture.shape) != want:
        raise FrameError(f"want a picture {want} as the plan was drawn for, got {tuple(picture.shape)}")
