"""The grammar behind `wordings`: entries of wordings.yaml, and a speaker who fills their slots by chance."""

import functools
import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

GRAMMAR = Path(__file__).with_name("wordings.yaml")
KEPT = "~"
"""Begins an entry that is kept back for evaluation."""
KEPT_SHARE = 0.4
"""How often a speaker for evaluation takes a kept entry where there is one."""
UNSAID = 0.8
"""Strength of a fault whose degree is not said, as in the prompts that ship."""
AN = re.compile(r"\b([Aa]) (?=(?!uni|one|RGB)[aeiouAEIOU]|RGB|LWIR)")
TWO_ARTICLES = re.compile(r"\b(?:the|this) (?=(?:a|an|some) )")
SLOT = re.compile(r"\{(\w+)\}")
NAMES_CAMERA = re.compile(r"\{(pic|bare)\d?\}")
SAYS_DEGREE = re.compile(r"\{[NA]\d?\}")


@functools.cache
def grammar() -> dict[str, Any]:
    """All of wordings.yaml."""
    whole: dict[str, Any] = yaml.safe_load(GRAMMAR.read_text(encoding="utf-8"))
    return whole


def names_camera(frame: str) -> bool:
    """Whether a frame has a place for a camera."""
    return NAMES_CAMERA.search(frame) is not None


def says_degree(frame: str) -> bool:
    """Whether a frame has a place for a degree."""
    return SAYS_DEGREE.search(frame) is not None


@dataclass(slots=True)
class Speaker:
    """Makes one sentence; remembers whether it holds something kept back."""

    draw: random.Random
    held_out: bool
    used_kept: bool = field(default=False, init=False)

    def pick(self, entries: Sequence[str], fits: Callable[[str], bool] = lambda _: True) -> str:
        """One of the entries that fit; a speaker for training takes none that is kept back."""
        fitting = [entry for entry in entries if fits(entry)]
        kept = [entry for entry in fitting if entry.startswith(KEPT)]
        trained = [entry for entry in fitting if not entry.startswith(KEPT)]
        if self.held_out and kept and (not trained or self.draw.random() < KEPT_SHARE):
            self.used_kept = True
            return self.draw.choice(kept).removeprefix(KEPT)
        return self.draw.choice(trained)

    def fill(self, frame: str, slots: Mapping[str, Callable[[], str]]) -> str:
        """Every {slot} replaced by what its function says, from left to right."""
        return SLOT.sub(lambda match: slots[match[1]](), frame)

    def chance(self, share: float) -> bool:
        """True in `share` of the cases."""
        return self.draw.random() < share


@dataclass(slots=True)
class Voice:
    """Speaks of one fault: its words, the camera it is seen in, and how strong it is called."""

    speaker: Speaker
    words: Mapping[str, Any]
    """Of `faults` in the grammar."""
    camera: str
    """Of `cameras` in the grammar."""
    degree: str | None
    """Of `degrees` in the grammar; None: not said."""
    strength: float = field(default=UNSAID, init=False)
    """As said so far."""

    def slots(self, number: str = "") -> dict[str, Callable[[], str]]:
        """What fills the slots of a frame; `number` tells two faults in one frame apart."""
        plain = {
            "pic": self.picture,
            "bare": self.camera_name,
            "n": self.noun,
            "a": self.adjective,
            "N": self.degree_noun,
            "A": self.degree_adjective,
        }
        return {f"{name}{number}": says for name, says in plain.items()}

    def camera_name(self) -> str:
        """Without an article."""
        return self.speaker.pick(grammar()["cameras"][self.camera]).removeprefix("each of the two ")

    def picture(self) -> str:
        """With an article, where it takes one."""
        name = self.speaker.pick(grammar()["cameras"][self.camera])
        if self.camera == "both":
            return name
        return f"{'this' if self.speaker.chance(0.07) else 'the'} {name}"

    def noun(self) -> str:
        """The fault as a noun."""
        return self.speaker.pick(self.words["nouns"])

    def adjective(self) -> str:
        """The fault as an adjective."""
        return self.speaker.pick(self.words["adjectives"])

    def degree_noun(self) -> str:
        """With its degree, if that is to be said."""
        return self._with_degree("nouns", self.noun())

    def degree_adjective(self) -> str:
        """With its degree, if that is to be said."""
        return self._with_degree("adjectives", self.adjective())

    def _with_degree(self, part: str, word: str) -> str:
        if self.degree is None:
            return word
        shared = grammar()["degrees"][self.degree]
        own = self.words.get("degrees", {}).get(self.degree, []) if part == "nouns" else []
        self.strength = shared["strength"]
        return f"{self.speaker.pick(own if self.words.get('own_degrees') and own else [*shared[part], *own])} {word}"


def finished(text: str, speaker: Speaker) -> str:
    """With the article that the next word wants, at times as a written sentence with a capital and a full stop."""
    text = AN.sub(r"\1n ", TWO_ARTICLES.sub("", text))
    if speaker.chance(0.25):
        text = text[0].upper() + text[1:]
    if text[-1].isalnum() and speaker.chance(0.2):
        text += "."
    return text
