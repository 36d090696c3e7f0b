"""A training step's worth of cases: pictures as they are, words about them, and the picture that the words ask for.

Words decide, not the picture: a fault is to be taken away only where the words name it. Under the neutral prompt, or under the name of a
fault that is not there, what should come out is the reference formula of the pictures as they are.

Legend: B batch, F faults, N dials, H W pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple

import torch
from pydantic import Field

from streamfuse.colour import luma_of
from streamfuse.networks.dials import DIAL_INDEX
from streamfuse.registry import Settings
from streamfuse.train.degradations import FAULTS, Plan, black_hot, check_faults, infrared_tone_curve, misregister
from streamfuse.train.pool import Crops, Pool
from streamfuse.train.reference import lifted, wanted_luma
from streamfuse.train.split import Light
from streamfuse.train.vocabulary import Vocabulary, Words

Kind = Literal["right", "partial", "neutral", "wrong", "denied", "look"]
NAMES = [fault.name for fault in FAULTS]
DARKNESS = "visible.darkness"
OF_VISIBLE = [fault.name for fault in FAULTS if fault.camera == "visible"]
OF_INFRARED = [fault.name for fault in FAULTS if fault.camera == "infrared"]
POLARITY = DIAL_INDEX["infrared_polarity"]


class CaseSettings(Settings):
    """How often what is asked."""

    right: float = 0.46
    """The words name all that ails the pictures."""
    partial: float = 0.08
    """The words name one of two faults."""
    neutral: float = 0.16
    wrong: float = 0.13
    """The words name a fault that is not there."""
    denied: float = 0.05
    look: float = 0.12
    sound: float = 0.35
    """Share of pictures without a fault, where the words do not need one."""
    two_faults: float = 0.3
    of_visible: float = 0.6
    """Share of the visible camera's faults by day, where either camera may have one."""
    lift: float = 0.15
    """Share of the nights whose words say dark, of those whose words are right."""
    often: dict[str, Annotated[float, Field(gt=0)]] = Field({})
    """How often a fault is drawn, where others have 1, by its name."""
    weakest: float = 0.25
    """Least strength of a fault."""
    misregistered: float = 0.33
    misregistered_px: float = 3.0
    tone_curves: float = 0.5
    """Share of infrared pictures under a random tone curve."""
    tempered: float = 0.1
    """Share of the cases in which the words act by a part of their strength."""
    wordless: float = 0.5
    """Share of the neutral cases that have no words at all, which is strength 0."""


class Cases(NamedTuple):
    """What a network sees, and what should come out. Pictures in [0, 1]."""

    infrared_B1HW: torch.Tensor
    visible_B3HW: torch.Tensor
    words: Words
    strength_B: torch.Tensor
    wanted_B1HW: torch.Tensor
    """Luma."""
    wanted_B3HW: torch.Tensor
    """The same step on all channels of the visible picture that the words ask for."""
    asked_infrared_B1HW: torch.Tensor
    """Infrared as the words ask for it, before both are fused."""
    asked_luma_B1HW: torch.Tensor
    """The same of the visible camera."""

    @property
    def luma_B1HW(self) -> torch.Tensor:  # noqa: N802  the legend's letters
        """Of the visible picture."""
        return luma_of(self.visible_B3HW)


@dataclass(slots=True)
class Item:
    """What is drawn for one crop, before there are pixels."""

    kind: Kind = "neutral"
    faults: dict[str, float] = field(default_factory=dict)
    """Strength by name, as the pictures have them."""
    sentence: int = 0
    named: tuple[str, ...] = ()
    black_hot: bool = False
    lift: bool = False
    """A night by nature, and words that say dark."""


class CaseMaker:
    """Draws cases; the same generator gives the same cases."""

    def __init__(self, pool: Pool, vocabulary: Vocabulary, settings: CaseSettings, device: torch.device) -> None:
        self.pool, self.vocabulary, self.settings, self.device = pool, vocabulary, settings, device
        check_faults(settings.often)

    @torch.no_grad()
    def draw(self, batch: int, edge_px: int | None, draw: torch.Generator) -> Cases:
        """One step's cases, in full precision even where training is not."""
        with torch.autocast(self.device.type, enabled=False):
            return self.of(self.pool.crops(batch, edge_px, draw, self.device), draw)

    def of(self, crops: Crops, draw: torch.Generator) -> Cases:
        """Cases of these crops."""
        items = [self._item(light, draw) for light in crops.light]
        words = self.vocabulary.words([item.sentence for item in items], self.device)
        strength_B = self._strengths(items, draw)
        return self._pictures(crops, items, words, strength_B, generator_on(self.device, draw))

    def _item(self, light: Light, draw: torch.Generator) -> Item:
        s, kinds = self.settings, ("right", "partial", "neutral", "wrong", "denied", "look")
        kind: Kind = kinds[int(torch.multinomial(torch.tensor([getattr(s, k) for k in kinds]), 1, generator=draw))]  # type: ignore[assignment]
        if light == "night" and kind == "right" and chance(s.lift, draw):
            return self._said(Item(kind="right", faults={DARKNESS: 1.0}, lift=True), draw)
        count = 2 if kind == "partial" or chance(s.two_faults, draw) else 1
        if kind not in ("right", "partial") and chance(s.sound, draw):
            count = 0
        chosen = self._faults(count, light, draw)
        faults = {name: s.weakest + (1 - s.weakest) * float(torch.rand((), generator=draw)) for name in chosen}
        return self._said(Item(kind=kind, faults=faults), draw, maybe_dark=light != "day")

    def _faults(self, count: int, light: Light, draw: torch.Generator) -> list[str]:
        """Names of that many different ones. A night's clean visible picture is nobody's knowledge."""
        if light != "day":
            return self._some(OF_INFRARED, count, draw)
        of_visible = sum(chance(self.settings.of_visible, draw) for _ in range(count))
        return self._some(OF_VISIBLE, of_visible, draw) + self._some(OF_INFRARED, count - of_visible, draw)

    def _some(self, names: list[str], count: int, draw: torch.Generator) -> list[str]:
        """Different ones, by how often they are wanted."""
        often = torch.tensor([self.settings.often.get(name, 1.0) for name in names])
        return [names[int(i)] for i in torch.multinomial(often, count, generator=draw)] if count else []

    def _said(self, item: Item, draw: torch.Generator, *, maybe_dark: bool = False) -> Item:
        """With a sentence; a neutral one where the vocabulary has none for what was drawn."""
        absent = [name for name in NAMES if name not in item.faults and not (maybe_dark and name == DARKNESS)]
        found: int | None = None
        if item.kind == "right":
            item.named, found = tuple(item.faults), self.vocabulary.naming(item.faults, draw)
        elif item.kind == "partial":
            item.named = tuple(self._some(list(item.faults), 1, draw))
            found = self.vocabulary.naming({name: item.faults[name] for name in item.named}, draw)
        elif item.kind == "wrong":
            found = self.vocabulary.naming({self._some(absent, 1, draw)[0]: float(torch.rand((), generator=draw))}, draw)
        elif item.kind == "denied":
            found = self.vocabulary.denying(self._some(NAMES, 1, draw)[0], draw)
        elif item.kind == "look":
            found = self.vocabulary.look(draw)
            if found is not None:
                wording = self.vocabulary.wordings[found]
                item.named, item.black_hot = tuple(wording.faults), wording.dials.get("infrared_polarity", 0) > 0
        if found is None:
            neutral = self.vocabulary.neutral(draw)
            return Item(kind="neutral", faults={} if item.lift else item.faults, sentence=0 if neutral is None else neutral)
        item.sentence = found
        return item

    def _strengths(self, items: list[Item], draw: torch.Generator) -> torch.Tensor:
        chance_B, part_B, mute_B = torch.rand(3, len(items), generator=draw)
        neutral_B = torch.tensor([item.kind == "neutral" for item in items])
        strength_B = torch.where(chance_B < self.settings.tempered, part_B, torch.ones(len(items)))
        return torch.where(neutral_B & (mute_B < self.settings.wordless), torch.zeros(len(items)), strength_B).to(self.device)

    def _pictures(self, crops: Crops, items: list[Item], words: Words, strength_B: torch.Tensor, draw: torch.Generator) -> Cases:
        s = self.settings
        infrared, visible = crops.infrared_B1HW, crops.visible_B3HW
        infrared = _changed(infrared, _coin(items, s.tone_curves, draw), lambda x: infrared_tone_curve(x, draw))
        named_BF = torch.tensor([[name in item.named for name in NAMES] for item in items])
        plan = Plan.draw([{} if item.lift else item.faults for item in items], (infrared.shape[2], infrared.shape[3]), draw)
        moved = _changed(infrared, _coin(items, s.misregistered, draw), lambda x: misregister(x, s.misregistered_px, draw))
        turned_B = torch.tensor([item.black_hot for item in items])
        seen = plan.degrade(_changed(moved, turned_B, black_hot), visible)
        asked_infrared, asked_visible = plan.degrade(infrared, visible, only=~named_BF)
        asked_visible = _changed(asked_visible, torch.tensor([item.lift for item in items]), lifted)
        seen_infrared, seen_visible = (_eight_bits(picture) for picture in seen)
        wanted = wanted_luma(asked_infrared, luma_of(asked_visible), words.dials_BN)
        part_B = strength_B if bool((strength_B < 1).any()) else None
        if part_B is not None:
            aligned, _ = plan.degrade(_changed(infrared, turned_B, black_hot), visible)
            as_is = wanted_luma(_eight_bits(aligned), luma_of(seen_visible), torch.zeros_like(words.dials_BN))
            wanted = as_is + part_B.view(-1, 1, 1, 1) * (wanted - as_is)
            asked_visible = seen_visible + part_B.view(-1, 1, 1, 1) * (asked_visible - seen_visible)
        coloured = asked_visible + (wanted - luma_of(asked_visible))
        return Cases(seen_infrared, seen_visible, words, strength_B, wanted, coloured, asked_infrared, luma_of(asked_visible))


def generator_on(device: torch.device, draw: torch.Generator) -> torch.Generator:
    """A generator there, which goes on from this one."""
    return draw if device.type == "cpu" else torch.Generator(device).manual_seed(int(torch.randint(2**31, (), generator=draw)))


def _eight_bits(picture: torch.Tensor) -> torch.Tensor:
    """As a camera would hand it over."""
    return (picture.clamp(0, 1) * 255).round() / 255


def chance(share: float, draw: torch.Generator) -> bool:
    """True so often."""
    return bool(torch.rand((), generator=draw) < share)


def _coin(items: list[Item], share: float, draw: torch.Generator) -> torch.Tensor:
    return torch.rand(len(items), generator=draw, device=draw.device).cpu() < share


def _changed(picture: torch.Tensor, chosen_B: torch.Tensor, change: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """With the chosen items changed; the others as they were."""
    rows = chosen_B.nonzero().flatten()
    return picture.index_copy(0, rows.to(picture.device), change(picture[rows])) if len(rows) else picture
