"""Cases for `words`: pairs spoilt by known faults, with sentences about them that training never heard.

The same seed gives the same cases.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import torch

from streamfuse.evaluate.contender import Sight
from streamfuse.evaluate.words import WordCase
from streamfuse.train.data import PairRecord, load_all
from streamfuse.train.degradations import FAULTS, Plan
from streamfuse.train.wordings import Wording, say

LEAST, MOST = 0.5, 1.0
"""Strength of a fault."""
UNSEEN, TRAINED = 3, 2
"""Wordings per case."""
EDGE_PX = 256
"""Cases are the middle of a picture: faults and networks take their time."""
DARKNESS = "visible.darkness"
TWO = "two faults"


def word_cases(records: Sequence[PairRecord], per_fault: int, seed: int = 1) -> Iterator[tuple[str, WordCase]]:
    """(fault, case), `per_fault` for each, and as many with two at once, under `two faults`.

    Faults of the visible camera take pairs that are known to be of the day: a night's clean target is nobody's knowledge.
    """
    for fault in FAULTS:
        fits = [record for record in records if fault.camera == "infrared" or record.light == "day"]
        for number, record in enumerate(_spread(fits, per_fault)):
            yield fault.name, _case(record, [fault.name], f"{seed} {fault.name} {number}")
    pairs = list(combinations([fault.name for fault in FAULTS], 2))
    for number, record in enumerate(_spread([record for record in records if record.light == "day"], per_fault)):
        yield TWO, _case(record, pairs[number * 7 % len(pairs)], f"{seed} {TWO} {number}")


def _spread(records: Sequence[PairRecord], count: int) -> list[PairRecord]:
    count = min(count, len(records))
    return [records[i * len(records) // count] for i in range(count)]


def _case(record: PairRecord, names: Iterable[str], seed: str) -> WordCase:
    chance = random.Random(seed)  # noqa: S311  pictures, not secrets
    faults = {name: chance.uniform(LEAST, MOST) for name in names}
    clean = _middle(record)
    absent = [fault.name for fault in FAULTS if fault.name not in faults and not (fault.name == DARKNESS and record.light != "day")]
    wrong = {chance.choice(absent): chance.uniform(LEAST, MOST)}
    return WordCase(
        name=record.name,
        faults=tuple(faults),
        seen=spoilt(clean, faults, chance.randrange(2**31)),
        clean=clean,
        right=_texts([say(faults, chance, held_out=True) for _ in range(UNSEEN)]),
        trained=_texts([say(faults, chance) for _ in range(TRAINED)]),
        wrong=say(wrong, chance, held_out=True).text,
        wrong_faults=tuple(wrong),
        parts=_texts([say({name: strength}, chance, held_out=True) for name, strength in faults.items()]) if len(faults) > 1 else (),
    )


def spoilt(sight: Sight, faults: Mapping[str, float], seed: int) -> Sight:
    """The pair with these faults, of these strengths."""
    infrared_B1HW = torch.tensor(sight.infrared_HW)[None, None].float() / 255
    visible_B3HW = torch.tensor(sight.visible_HW3).permute(2, 0, 1)[None].float() / 255
    plan = Plan.draw([dict(faults)], sight.infrared_HW.shape, torch.Generator().manual_seed(seed))
    infrared, visible = (
        (picture[0].clamp(0, 1) * 255).round().to(torch.uint8).numpy() for picture in plan.degrade(infrared_B1HW, visible_B3HW)
    )
    return Sight(infrared[0], np.ascontiguousarray(visible.transpose(1, 2, 0)))


def _middle(record: PairRecord) -> Sight:
    _, infrared, visible = next(load_all([record]))
    height, width = infrared.shape
    top, left = max(0, height - EDGE_PX) // 2, max(0, width - EDGE_PX) // 2
    there = (slice(top, top + EDGE_PX), slice(left, left + EDGE_PX))
    return Sight(np.ascontiguousarray(infrared[there]), np.ascontiguousarray(visible[there]))


def _texts(wordings: Sequence[Wording]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(wording.text for wording in wordings))
