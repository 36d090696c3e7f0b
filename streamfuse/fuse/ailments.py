"""What can ail a camera, as far as numbers of a picture tell it: how far beyond the limit, how much to turn the dial, and why.

Limits were chosen on a sample of the training part of split 1, so that no clean picture of it passes them; docs/measured.md has what they
do on the validation part (`tools/bench/auto_prompt.py`). Rain is not here: its streaks cannot be told from fine texture. Nor is polarity.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from streamfuse.fuse.picture_facts import Facts

LEAST, MOST = 0.1, 1.0
"""Of a dial that is turned at all."""
BAD = 0.5
"""Strength from which a fault is taken away wholly; a slighter one in part, since the figures are less sure of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ailment:
    """One fault and the dial that takes it away."""

    dial: str
    """Of `networks.dials`."""
    camera: Literal["visible", "infrared"]
    name: str
    """What a person would say."""
    excess: Callable[[Facts], float]
    """1 at the limit, more beyond it."""
    strength: Callable[[Facts], float]
    """How bad it is, 1 as bad as `train` makes it; not yet clipped."""
    why: Callable[[Facts], str]
    """What was measured, in words."""

    def amount(self, facts: Facts) -> float:
        """Where the dial belongs, from 0.1 to 1."""
        return float(np.clip(self.strength(facts) / BAD, LEAST, MOST))

    def reason(self, facts: Facts) -> str:
        """Camera, fault and figures: `visible dark: mean 0.07`."""
        return f"{self.camera} {self.name}: {self.why(facts)}"


def _over(value: float, limit: float) -> float:
    return value / limit


def _under(value: float, limit: float) -> float:
    return limit / max(value, 1e-3)


def _glare(facts: Facts) -> float:
    """A fourth of all pixels clipped; or fewer, in a picture that is bright throughout."""
    return max(_over(facts.clipped, 0.27), min(_over(facts.clipped, 0.09), _over(facts.middle, 0.73)))


def _haze(facts: Facts) -> float:
    """Little contrast anywhere, nothing dark, nothing clipped: at night there is no veil, and in glare something is clipped."""
    return min(_under(facts.contrast, 0.084), _over(facts.veil, 0.36), _under(facts.clipped, 0.02))


def _soft(facts: Facts, fine: float, coarse: float, edges: float) -> float:
    """Smooth over two octaves, where there are edges to judge by."""
    return min(_under(facts.fine_edges, fine), _under(facts.coarse_edges, coarse), _over(facts.edges, edges))


def _flat(facts: Facts) -> float:
    """A band of levels away from both ends; or one so narrow that it does not matter where it lies."""
    return max(min(_over(facts.floor, 0.24), _under(facts.top, 0.9)), _under(facts.spread, 0.13))


AILMENTS: tuple[Ailment, ...] = (
    Ailment(
        dial="visible_light",
        camera="visible",
        name="dark",
        excess=lambda facts: _under(facts.mean, 0.2),
        strength=lambda facts: float(np.log(0.36 / max(facts.mean, 1e-3))) / 1.9,
        why=lambda facts: f"mean {facts.mean:.2f}",
    ),
    Ailment(
        dial="visible_glare",
        camera="visible",
        name="glare",
        excess=_glare,
        strength=lambda facts: max(0.25 + facts.clipped, (facts.middle - 0.55) / 0.35),
        why=lambda facts: f"{facts.clipped:.0%} clipped, median {facts.middle:.2f}",
    ),
    Ailment(
        dial="visible_haze",
        camera="visible",
        name="haze or smoke",
        excess=_haze,
        strength=lambda facts: (0.105 - facts.contrast) / 0.075,
        why=lambda facts: f"contrast {facts.contrast:.3f}, veil {facts.veil:.2f}",
    ),
    Ailment(
        dial="visible_blur",
        camera="visible",
        name="blur",
        excess=lambda facts: _soft(facts, 0.57, 0.625, 2.0),
        strength=lambda facts: (0.72 - facts.coarse_edges) / 0.15,
        why=lambda facts: f"edges {facts.fine_edges:.2f} and {facts.coarse_edges:.2f} of those at half size",
    ),
    Ailment(
        dial="visible_noise",
        camera="visible",
        name="noise",
        excess=lambda facts: _over(facts.grain, 0.0075),
        strength=lambda facts: facts.grain / 0.044,
        why=lambda facts: f"deviation {facts.grain:.3f}",
    ),
    Ailment(
        dial="infrared_contrast",
        camera="infrared",
        name="flat",
        excess=_flat,
        strength=lambda facts: (1 - facts.spread) / 0.88,
        why=lambda facts: f"levels {facts.floor:.2f} to {facts.top:.2f}",
    ),
    Ailment(
        dial="infrared_stripes",
        camera="infrared",
        name="stripes",
        excess=lambda facts: min(_over(facts.stripes, 0.004), _over(facts.stripes_alike, 0.9)),
        strength=lambda facts: facts.stripes / 0.049,
        why=lambda facts: f"columns differ by {facts.stripes:.3f}",
    ),
    Ailment(
        dial="infrared_noise",
        camera="infrared",
        name="noise",
        excess=lambda facts: _over(facts.grain, 0.0065),
        strength=lambda facts: facts.grain / 0.056,
        why=lambda facts: f"deviation {facts.grain:.3f}",
    ),
    Ailment(
        dial="infrared_detail",
        camera="infrared",
        name="coarse",
        excess=lambda facts: _soft(facts, 0.6, 0.62, 1.5),
        strength=lambda facts: (0.7 - facts.coarse_edges) / 0.125,
        why=lambda facts: f"edges {facts.fine_edges:.2f} and {facts.coarse_edges:.2f} of those at half size",
    ),
)
"""All that is looked for."""
