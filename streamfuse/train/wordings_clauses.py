"""Clauses of a sentence about faults and looks, from the grammar: what `wordings` puts together."""

from collections.abc import Callable, Mapping
from typing import Any

from streamfuse.train.wordings_grammar import KEPT, Speaker, Voice, grammar, names_camera, says_degree

TWINS = (frozenset({"visible.noise", "infrared.noise"}), frozenset({"visible.blur", "infrared.low_resolution"}))
"""Faults of both cameras that go by the same words."""
AMBIGUOUS = frozenset().union(*TWINS)
"""Faults that need their camera named."""
DEGREE_LIMITS = {"slight": (0.15, 0.5), "medium": (0.5, 0.75), "strong": (0.75, 1.0)}
"""Strengths that a degree may stand for."""
DEGREE_SAID = 0.55
"""How often `say` says a degree."""
CONTEXT_SHARE = 0.12
"""How often a sentence about one fault also says where it is, or what is seen there."""
LOOK_VALUES = {"": 1.0, "slight": 0.5, "strong": 1.0}
Meaning = tuple[str, dict[str, float]]
"""A sentence, not yet finished, and the strengths that it names."""


def told(faults: Mapping[str, float], speaker: Speaker) -> Meaning:
    """One or two faults in one sentence."""
    names = list(faults)
    if len(names) == 1:
        text, named = _clause(names[0], faults[names[0]], speaker)
        return (_in_context(text, speaker) if speaker.chance(CONTEXT_SHARE) else text), named
    speaker.draw.shuffle(names)
    if frozenset(names) in TWINS and speaker.chance(0.6):
        return _twins(faults, speaker)
    if speaker.chance(0.4):
        parts = [_clause(name, faults[name], speaker) for name in names]
        return joined([text for text, _ in parts], speaker), {name: value for _, named in parts for name, value in named.items()}
    return _paired(names, faults, speaker)


def _clause(name: str, strength: float, speaker: Speaker) -> Meaning:
    """One fault."""
    voice = Voice(speaker=speaker, words=grammar()["faults"][name], camera=_camera_for(name, speaker), degree=_degree(strength, speaker))
    text = speaker.fill(_frame(voice, must_name=name in AMBIGUOUS), voice.slots())
    return text, {name: voice.strength}


def _frame(voice: Voice, *, must_name: bool) -> str:
    """A sentence with slots that has room for what must be said: a degree, a camera."""
    kinds = {"state_noun": 3, "ask_noun": 3, "state_adjective": 3, "ask_adjective": 1, "state": 3, "ask": 3}
    if voice.degree is not None:
        kinds |= {"state": 1, "ask": 1}
    (kind,) = voice.speaker.draw.choices(list(kinds), list(kinds.values()))

    def fits(frame: str) -> bool:
        return (names_camera(frame) or not must_name) and (says_degree(frame) or voice.degree is None)

    own: list[str] = [frame for frame in voice.words.get(kind, []) if fits(frame)]
    trained = [frame for frame in own if not frame.startswith(KEPT)]
    return voice.speaker.pick(own if trained else grammar()["frames"][kind if kind in grammar()["frames"] else "state_noun"], fits)


def _in_context(sentence: str, speaker: Speaker) -> str:
    """With where, when, or what the scene shows."""
    slots = {name: one_of(speaker, entries) for name, entries in grammar()["neutral"]["slots"].items()}
    return speaker.fill(speaker.pick(grammar()["contexts"]), slots | {"told": lambda: sentence.rstrip("?")})


def _twins(faults: Mapping[str, float], speaker: Speaker) -> Meaning:
    """The same fault in both cameras: named for both, or without a camera."""
    name = next(name for name in faults if name.startswith("visible"))
    camera = "both" if speaker.chance(0.5) else "either"
    voice = Voice(speaker=speaker, words=grammar()["faults"][name], camera=camera, degree=_degree(faults[name], speaker))
    frame = speaker.pick(grammar()["frames"]["both"]) if speaker.chance(0.35) else _frame(voice, must_name=False)
    text = speaker.fill(frame, voice.slots())
    return text, dict.fromkeys(faults, voice.strength)


def _paired(names: list[str], faults: Mapping[str, float], speaker: Speaker) -> Meaning:
    """Two faults in one clause."""
    cameras = [name.split(".")[0] for name in names]
    voices = [
        Voice(speaker=speaker, words=grammar()["faults"][name], camera=camera, degree=_degree(faults[name], speaker))
        for name, camera in zip(names, cameras, strict=True)
    ]
    frames = ["pair_one_camera", "pair_adjectives"] if cameras[0] == cameras[1] else ["pair_two_cameras"]
    frame = speaker.pick(grammar()["frames"][speaker.draw.choice(frames)])
    text = speaker.fill(frame, voices[0].slots() | voices[0].slots("1") | voices[1].slots("2"))
    return text, {name: voice.strength for name, voice in zip(names, voices, strict=True)}


def denial(name: str, speaker: Speaker) -> str:
    """That a fault is not there."""
    voice = Voice(speaker=speaker, words=grammar()["faults"][name], camera=_camera_for(name, speaker), degree=None)
    frames = grammar()["frames"]["deny_noun" if speaker.chance(0.7) else "deny_adjective"]
    return speaker.fill(speaker.pick(frames), voice.slots())


def wish(number: int, speaker: Speaker) -> Meaning:
    """A look, and the dials it sets."""
    words, slots = grammar()["looks"][number], grammar()["look_slots"]
    frame = speaker.pick(words["say"])
    much = speaker.draw.choice(["slight", "strong", ""]) if "{much}" in frame else ""
    fillers = {"things": one_of(speaker, slots["things"]), "much": one_of(speaker, slots[much] if much else [""]), **cameras(speaker)}
    text = " ".join(speaker.fill(frame, fillers).split())
    return text, {dial: value * LOOK_VALUES[much] for dial, value in words["dials"].items()}


def joined(parts: list[str], speaker: Speaker) -> str:
    """Two clauses in one sentence."""
    frame = speaker.pick(grammar()["frames"]["join"])
    return speaker.fill(frame, {"first": lambda: parts[0].rstrip("?"), "second": lambda: parts[1]})


def one_of(speaker: Speaker, entries: list[str]) -> Callable[[], str]:
    """Fills a slot with any of the entries."""
    return lambda: speaker.pick(entries)


def cameras(speaker: Speaker) -> dict[str, Callable[[], str]]:
    """Fills the slots of both cameras' names."""
    names: Any = grammar()["cameras"]
    return {"ir": one_of(speaker, names["infrared"]), "vi": one_of(speaker, names["visible"])}


def _camera_for(name: str, speaker: Speaker) -> str:
    """Its own, or none in particular where no other camera can have it."""
    return "either" if name not in AMBIGUOUS and speaker.chance(0.3) else name.split(".", maxsplit=1)[0]


def _degree(strength: float, speaker: Speaker) -> str | None:
    """The word for a strength; most people do not say one every time."""
    if not speaker.chance(DEGREE_SAID):
        return None
    return next(degree for degree, (low, high) in DEGREE_LIMITS.items() if strength <= high)
