"""Sentences that name faults and looks, for training and for its examination: made by the grammar in wordings.yaml.

What names no camera is meant for every camera that can have it: "noise" for both, "dark" for the visible one.
Sentences for evaluation (`held_out`) each hold a frame or a word that no sentence for training holds.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from types import MappingProxyType

from streamfuse.errors import ConfigError
from streamfuse.registry import suggestion
from streamfuse.text import bank
from streamfuse.train.degradations import DIAL_OF
from streamfuse.train.wordings_clauses import TWINS, cameras, denial, joined, one_of, told, wish
from streamfuse.train.wordings_grammar import Speaker, finished, grammar

NONE: Mapping[str, float] = MappingProxyType({})
ATTEMPTS = 200
TRAINING_LIMIT, HELD_OUT_LIMIT = 340, 20
PAIRS, PAIRS_HELD_OUT = 1 / 3, 1 / 9
"""Sentences for each two faults, where a fault alone has one. With a ninth a reader heard 79 % of the faults in unseen sentences of two,
with a third 88 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A sentence and what it means."""

    text: str
    faults: Mapping[str, float] = field(default_factory=dict)
    """Of `bank.FAULTS`: what is to be taken away, and how strong it is called, above 0 up to 1."""
    denied: tuple[str, ...] = ()
    """Faults that are said not to be there."""
    dials: Mapping[str, float] = field(default_factory=dict)
    """Looks: of `networks.dials`, what is wished for."""
    held_out: bool = False

    @property
    def all_dials(self) -> dict[str, float]:
        """What it sets all dials to; those not named stay at 0.

        A fault that is named is to be taken away wholly, whether it is called slight or bad: how bad it is, the picture shows.
        """
        return {**{DIAL_OF[name]: 1.0 for name in self.faults}, **self.dials}


def say(faults: Mapping[str, float], draw: random.Random, *, held_out: bool = False) -> Wording:
    """A sentence about one or two faults of strengths above 0 up to 1; `Wording.faults` holds the strengths as said."""
    _check(faults, most=2)

    def speak(speaker: Speaker) -> Wording:
        text, named = told(faults, speaker)
        return Wording(text=text, faults=named, held_out=held_out)

    return _spoken(speak, draw, held_out)


def deny(names: Iterable[str], draw: random.Random, faults: Mapping[str, float] = NONE, *, held_out: bool = False) -> Wording:
    """A sentence that says of one or two faults that they are not there, and of others, if any, that they are."""
    denied = tuple(names)
    _check(dict.fromkeys(denied, 1.0), most=2)
    if faults:
        _check(faults, most=2)

    def speak(speaker: Speaker) -> Wording:
        no = " and ".join(denial(name, speaker) for name in denied)
        text, named = told(faults, speaker) if faults else ("", {})
        if faults:
            text = speaker.fill(speaker.pick(grammar()["frames"]["join_denial"]), {"no": lambda: no, "yes": lambda: text})
        return Wording(text=text or no, faults=named, denied=denied, held_out=held_out)

    return _spoken(speak, draw, held_out)


def neutral(draw: random.Random, *, held_out: bool = False) -> Wording:
    """A sentence that names no fault and no look: natural fusion, cameras in order, or what the scene shows."""

    def speak(speaker: Speaker) -> Wording:
        words = grammar()["neutral"]
        frames = words["scene"] if speaker.chance(0.5) else words["say"]
        slots = {name: one_of(speaker, entries) for name, entries in words["slots"].items()}
        return Wording(text=speaker.fill(speaker.pick(frames), slots | cameras(speaker)), held_out=held_out)

    return _spoken(speak, draw, held_out)


def look(draw: random.Random, number: int | None = None, *, held_out: bool = False) -> Wording:
    """A sentence that wishes for one of the looks of the grammar, which one by `number` or by chance."""

    def speak(speaker: Speaker) -> Wording:
        text, dials = wish(draw.randrange(looks()) if number is None else number, speaker)
        return Wording(text=text, dials=dials, held_out=held_out)

    return _spoken(speak, draw, held_out)


def look_and_say(faults: Mapping[str, float], draw: random.Random, *, held_out: bool = False) -> Wording:
    """A sentence about one or two faults that also wishes for a look."""
    _check(faults, most=2)

    def speak(speaker: Speaker) -> Wording:
        sentence, named = told(faults, speaker)
        wished, dials = wish(draw.randrange(looks()), speaker)
        both = [sentence, wished] if speaker.chance(0.5) else [wished, sentence]
        return Wording(text=joined(both, speaker), faults=named, dials=dials, held_out=held_out)

    return _spoken(speak, draw, held_out)


def looks() -> int:
    """How many looks there are."""
    return len(grammar()["looks"])


def shipped(*, held_out: bool) -> list[Wording]:
    """Every other prompt of the bank, by what it names; the rest is kept back."""
    counts: dict[tuple[str, ...], int] = {}
    found = []
    for prompt in bank.prompts().values():
        names = tuple(prompt.faults) if len(prompt.faults) == 1 else (f"{prompt.group}: {len(prompt.faults)} faults",)
        start = bank.FAULTS.index(names[0]) if names[0] in bank.FAULTS else 1
        counts[names] = counts.get(names, start) + 1  # in turn it is the slight or the strong one of a fault that is kept back
        if (counts[names] % 2 == 0) == held_out:
            dials = grammar()["bank_looks"].get(prompt.id, {})
            found.append(Wording(text=prompt.text, faults=dict(prompt.faults), dials=dials, held_out=held_out))
    return found


def written() -> list[Wording]:
    """Sentences written freely, without the grammar, all kept back: they tell how it fares with words that nobody planned."""
    return [Wording(text=entry["text"], faults=entry["faults"], held_out=True) for entry in grammar()["free"]]


def corpus(*, held_out: bool, limit: int | None = None, seed: int = 1) -> list[Wording]:
    """Everything that can be said, the same each time: 30 to 40 times `limit`, which is how many sentences there are for each single fault.

    The prompts of the bank come first, for evaluation then those of `written`; no text comes twice, and none is in both parts.
    """
    limit = limit or (HELD_OUT_LIMIT if held_out else TRAINING_LIMIT)
    given = shipped(held_out=held_out) + (written() if held_out else [])
    found = {wording.text.lower().rstrip("."): wording for wording in given}
    other = {wording.text.lower() for wording in shipped(held_out=not held_out) + ([] if held_out else written())}
    draw = random.Random(f"{seed} {held_out}")  # noqa: S311  sentences, not secrets
    for count, make in _classes(limit, PAIRS_HELD_OUT if held_out else PAIRS):
        wanted = len(found) + count
        for _ in range(10 * count):
            if len(found) == wanted:
                break
            wording = make(draw, held_out)
            if (key := wording.text.lower().rstrip(".")) not in other:
                found.setdefault(key, wording)
    return list(found.values())


def _classes(limit: int, pairs: float) -> Iterator[tuple[int, Callable[[random.Random, bool], Wording]]]:
    """How many sentences of which kind."""
    for name in bank.FAULTS:
        yield limit, lambda draw, kept, name=name: say(_strengths([name], draw), draw, held_out=kept)  # type: ignore[misc]
        yield limit // 4, lambda draw, kept, name=name: deny([name], draw, held_out=kept)  # type: ignore[misc]
    for pair in combinations(bank.FAULTS, 2):
        count = limit // 2 if frozenset(pair) in TWINS else int(limit * pairs)
        yield count, lambda draw, kept, pair=pair: say(_strengths(pair, draw), draw, held_out=kept)  # type: ignore[misc]
    yield 2 * limit, _contrast
    yield limit // 3, lambda draw, kept: deny(draw.sample(bank.FAULTS, 2), draw, held_out=kept)
    yield 5 * limit, lambda draw, kept: neutral(draw, held_out=kept)
    for number in range(looks()):
        yield limit // 3, lambda draw, kept, number=number: look(draw, number, held_out=kept)  # type: ignore[misc]
    yield limit, lambda draw, kept: look_and_say(_strengths([draw.choice(bank.FAULTS)], draw), draw, held_out=kept)


def _contrast(draw: random.Random, held_out: bool) -> Wording:
    """One fault denied, another one named."""
    absent, present = draw.sample(bank.FAULTS, 2)
    return deny([absent], draw, _strengths([present], draw), held_out=held_out)


def _strengths(names: Iterable[str], draw: random.Random) -> dict[str, float]:
    return {name: draw.uniform(0.15, 1.0) for name in names}


def _spoken(speak: Callable[[Speaker], Wording], draw: random.Random, held_out: bool) -> Wording:
    """Finished; for evaluation repeated until something kept back is in it."""
    for _ in range(ATTEMPTS):
        speaker = Speaker(draw=draw, held_out=held_out)
        wording = speak(speaker)
        if speaker.used_kept == held_out:
            text = finished(wording.text, speaker)
            return Wording(text=text, faults=wording.faults, denied=wording.denied, dials=wording.dials, held_out=held_out)
    raise ConfigError(f"wordings.yaml keeps nothing back for a sentence like {wording.text!r}: mark entries with ~")


def _check(faults: Mapping[str, float], most: int) -> None:
    if not 1 <= len(faults) <= most:
        raise ConfigError(f"a sentence is about one to {most} faults, got {len(faults)}")
    for name, strength in faults.items():
        if name not in DIAL_OF:
            raise ConfigError(f"no fault called {name!r}{suggestion(name, DIAL_OF)} (known: {', '.join(DIAL_OF)})")
        if not 0.0 < strength <= 1.0:
            raise ConfigError(f"the strength of {name} lies above 0 and at most at 1, got {strength:g}")
