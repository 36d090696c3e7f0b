"""Which fault hits whom and when, by chance, but the same again with the same seed."""

import random
from collections.abc import Sequence

from streamfuse.errors import ConfigError
from tools.faults.kinds import KINDS
from tools.faults.schedule import Fault

# Not `password`: after a refusal a camera is left alone for minutes, on purpose, and the rest of the run would tell little.
USUAL = tuple(kind for kind in KINDS if kind != "password")
SHORTEST_S, LONGEST_S = 1.0, 8.0
BOTH = 0.25  # share of the faults that hit both cameras of a pair
STEPS_S = (-20.0, 20.0)


def random_faults(pairs: int, kinds: Sequence[str], *, begin_s: float, end_s: float, every_s: float, seed: int) -> list[Fault]:
    """One fault every `every_s`, over before the next one begins; all kinds come in turn before one comes again."""
    if every_s < 2 * SHORTEST_S:
        raise ConfigError(f"faults need at least {2 * SHORTEST_S:g} s from one to the next, got {every_s:g}")
    dice = random.Random(seed)
    left: list[str] = []
    found = []
    at_s = begin_s
    while at_s + every_s <= end_s:
        if not left:
            left = dice.sample(list(kinds), len(kinds))
        kind = left.pop()
        lasts_s = dice.uniform(SHORTEST_S, min(LONGEST_S, every_s / 2))
        camera = "*" if dice.random() < BOTH else dice.choice(("infrared", "visible"))
        value = dice.choice(STEPS_S) if kind in ("step", "jump") else None
        found.append(
            Fault(kind=kind, cameras=f"p{dice.randint(1, pairs)}-{camera}", at_s=round(at_s, 1), for_s=round(lasts_s, 1), value=value)
        )
        at_s += every_s
    return found
