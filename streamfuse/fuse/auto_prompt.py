"""A prompt that finds its own dials: looks at the pictures of a stream a few times a second, and says once a second what ails them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from streamfuse.clock import NS_PER_S
from streamfuse.frames import Pair, Prompt, PromptState, Spectrum
from streamfuse.fuse.ailments import AILMENTS, Ailment
from streamfuse.fuse.picture_facts import Facts, facts
from streamfuse.results import SelfSet

LOOK_NS = NS_PER_S // 3
"""From look to look, of capture time."""
FOLLOW = 0.25
"""Share of the way that the figures go towards each look: a change is taken in over a second or two, a passing car hardly."""
SAY_NS = NS_PER_S
"""From word to word."""
FIRST_LOOKS = 2
"""Of a camera, before anything is said of it: a first picture may be half there."""
STAYS = 0.88
"""What was found stays until it is so far below its limit: what lies at the limit does not come and go."""
WORTH = 0.15
"""A dial that is turned already moves by so much, or not at all."""
STEP = 0.05
"""Dials stand at multiples of this, so that states are made again for few."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SelfSetState(PromptState):
    """The state of a prompt whose dials were found, with what was found."""

    found: SelfSet


class AutoPrompt:
    """Of one stream. `due` and `look` may be called by different threads, each by one; `words` beside what is found, whose dials stand."""

    def __init__(self, words: Prompt | None = None) -> None:
        self.words = words or Prompt()
        self._due_ns: int | None = None
        self._say_ns: int | None = None
        self._looks: dict[Spectrum, int] = dict.fromkeys(Spectrum, 0)
        self._facts: dict[Spectrum, Facts] = {}
        self._amounts: dict[Ailment, float] = {}
        self._found = SelfSet()

    @property
    def found(self) -> SelfSet:
        """What ails the cameras, as last said."""
        return self._found

    def prompt(self) -> Prompt:
        """The words, with the dials that were found; those that the words set by hand stand."""
        return replace(self.words, dials={**self._found.dials, **self.words.dials})

    def due(self, pair: Pair) -> bool:
        """Whether this pair is to be looked at. Where time jumps back, as when a recording begins anew, it is."""
        if self._due_ns is not None and 0 < self._due_ns - pair.t_cap_ns <= LOOK_NS:
            return False
        self._due_ns = pair.t_cap_ns + LOOK_NS
        return True

    def look(self, pair: Pair) -> bool:
        """Take in a pair of 8-bit pictures; whether something else is found now than before. A frozen picture says nothing new."""
        for spectrum in Spectrum:
            frame = pair.frame(spectrum)
            if frame is not None and pair.state(spectrum) in ("fresh", "stale"):
                new, old = facts(frame), self._facts.get(spectrum)
                self._facts[spectrum] = new if old is None else old.towards(new, FOLLOW)
                self._looks[spectrum] += 1
        if self._say_ns is None:
            self._say_ns = pair.t_cap_ns + SAY_NS
        if 0 < self._say_ns - pair.t_cap_ns <= SAY_NS:
            return False
        self._say_ns = pair.t_cap_ns + SAY_NS
        return self._say()

    def _say(self) -> bool:
        amounts = {ailment: amount for ailment in AILMENTS if (amount := self._amount(ailment)) is not None}
        if amounts == self._amounts:
            return False
        self._amounts = amounts
        seen: Mapping[str, Facts] = {spectrum.value: found for spectrum, found in self._facts.items()}
        self._found = SelfSet(
            dials={ailment.dial: amount for ailment, amount in amounts.items()},
            why=tuple(ailment.reason(seen[ailment.camera]) for ailment in amounts),
        )
        return True

    def _amount(self, ailment: Ailment) -> float | None:
        """Where its dial belongs; None where the camera does not ail from it."""
        camera, before = Spectrum(ailment.camera), self._amounts.get(ailment)
        if self._looks[camera] < FIRST_LOOKS or ailment.excess(self._facts[camera]) < (1.0 if before is None else STAYS):
            return None
        wanted = ailment.amount(self._facts[camera])
        return before if before is not None and abs(wanted - before) < WORTH else round(round(wanted / STEP) * STEP, 2)
