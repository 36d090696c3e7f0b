"""Sentences for training and examination: what they mean, that none is in both, and that enough differ."""

import random
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from streamfuse.errors import ConfigError
from streamfuse.networks.dials import DIALS, dials_tensor
from streamfuse.text import bank
from streamfuse.train import wordings
from streamfuse.train.wordings import Wording, corpus, deny, look, look_and_say, looks, neutral, say, shipped, written
from streamfuse.train.wordings_clauses import AMBIGUOUS, TWINS
from streamfuse.train.wordings_grammar import KEPT, UNSAID, grammar, names_camera


@cache
def sentences(held_out: bool) -> list[Wording]:
    return corpus(held_out=held_out, limit=40)


def entries(node: Any) -> Iterator[str]:
    """Every string in the grammar that is a word, a frame or a sentence."""
    if isinstance(node, dict):
        for inner in node.values():
            yield from entries(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from [inner] if isinstance(inner, str) else entries(inner)


def bare(text: str) -> str:
    """Without articles, which the making of a sentence may change."""
    return re.sub(r"\b(the|this|an?) ", "", text.lower())


def single(wording: Wording) -> bool:
    return len(wording.faults) == 1 and not wording.denied and not wording.dials


def test_training_knows_nothing_that_is_kept_back():
    """No text is in both; no word kept back, outside a slot, is in a text for training; no shipped prompt kept back either."""
    texts = {wording.text.lower().rstrip(".") for wording in sentences(False)}
    assert not texts & {wording.text.lower().rstrip(".") for wording in sentences(True)}
    assert not texts & {wording.text for wording in shipped(held_out=True)}
    kept = [entry.removeprefix(KEPT) for entry in entries(grammar()) if entry.startswith(KEPT)]
    words = [re.compile(rf"\b{re.escape(entry.lower())}\b") for entry in kept if "{" not in entry]
    found = {pattern.pattern for pattern in words for text in texts if pattern.search(text)}
    assert not found
    assert len(kept) > 200


def test_no_entry_is_both_kept_back_and_not():
    """In one list an entry is there once, with or without the mark."""

    def lists(node: Any) -> Iterator[list[str]]:
        if isinstance(node, dict):
            for inner in node.values():
                yield from lists(inner)
        elif isinstance(node, list) and all(isinstance(inner, str) for inner in node):
            yield node
        elif isinstance(node, list):
            for inner in node:
                yield from lists(inner)

    counts = [Counter(entry.removeprefix(KEPT) for entry in found) for found in lists(grammar())]
    twice = [name for found in counts for name, count in found.items() if count > 1]
    assert not twice


def test_each_sentence_for_evaluation_holds_something_kept_back():
    """A frame or a word; `held_out` says so."""
    parts = [entry.removeprefix(KEPT) for entry in entries(grammar()) if entry.startswith(KEPT)]
    patterns = [re.compile(re.sub(r"\\\{\w+\\\}(\\ )?", ".*", re.escape(bare(part)))) for part in parts]
    prompts = {wording.text for wording in [*shipped(held_out=True), *written()]}
    for wording in sentences(True):
        assert wording.held_out
        assert wording.text in prompts or any(pattern.search(bare(wording.text)) for pattern in patterns), wording.text


def test_the_same_each_time():
    """A seed decides, and another seed gives other sentences."""
    assert corpus(held_out=True, limit=9) == corpus(held_out=True, limit=9)
    other = {wording.text for wording in corpus(held_out=True, limit=9, seed=2)}
    assert len(other & {wording.text for wording in corpus(held_out=True, limit=9)}) < len(other) / 2


def test_enough_sentences_of_every_kind():
    """Hundreds for each fault alone, all pairs, denials, looks and neutral talk; no text twice."""
    found = corpus(held_out=False)
    assert 10_000 <= len(found) <= 15_000
    assert len({wording.text.lower() for wording in found}) == len(found)
    alone = Counter(name for wording in found if single(wording) for name in wording.faults)
    assert min(alone[name] for name in bank.FAULTS) >= 280
    pairs = Counter(frozenset(wording.faults) for wording in found if len(wording.faults) == 2)
    assert len(pairs) == 45
    assert min(pairs.values()) >= 20
    assert min(Counter(name for wording in found for name in wording.denied)[name] for name in bank.FAULTS) >= 100
    assert min(Counter(name for wording in found for name in wording.dials).values()) >= 80
    assert sum(not wording.faults and not wording.dials and not wording.denied for wording in found) >= 1000
    assert 500 <= len(corpus(held_out=True)) <= 800


def test_hardly_a_sentence_comes_twice():
    """Of 300 about one fault nearly all differ: there are thousands."""
    for name in bank.FAULTS:
        draw = random.Random(name)
        assert len({say({name: 0.1 + 0.9 * draw.random()}, draw).text for _ in range(300)}) >= 270


def test_what_they_mean_is_within_range():
    """Faults are known, above 0 and up to 1; dials accept what is asked; nothing is both named and denied."""
    for wording in sentences(False) + sentences(True):
        assert set(wording.faults) | set(wording.denied) <= set(bank.FAULTS)
        assert all(0 < strength <= 1 for strength in wording.faults.values())
        assert not set(wording.faults) & set(wording.denied)
        assert dials_tensor(wording.all_dials).shape == (1, len(DIALS))
        assert not re.search(r"[{}~]|  | a [aeio]\w|\bthe a\b", wording.text), wording.text


def test_degrees_stand_for_strengths():
    """A sentence says slight, medium or strong, or nothing; slight words never go with a strong fault."""
    draw = random.Random(5)
    said = {
        strength: Counter(say({"visible.haze": strength}, draw).faults["visible.haze"] for _ in range(200)) for strength in (0.3, 0.6, 1.0)
    }
    assert {strength: set(counts) for strength, counts in said.items()} == {0.3: {0.4, UNSAID}, 0.6: {0.6, UNSAID}, 1.0: {1.0, UNSAID}}
    assert all(40 <= counts[UNSAID] <= 160 for counts in said.values())
    weak = [say({"visible.haze": 1.0}, draw).text for _ in range(300)]
    assert not [text for text in weak if re.search(r"\b(slight|slightly|thin|faint|mild|a little)\b", text)]


def test_what_goes_by_the_same_words_names_its_camera():
    """Noise and blur of one camera are never said without naming it, nor by the name of the other one."""
    other = {"visible": "infrared", "infrared": "visible"}
    for wording in sentences(False):
        if single(wording) and set(wording.faults) <= AMBIGUOUS:
            (name,) = wording.faults
            camera = name.split(".", maxsplit=1)[0]
            words = [word.removeprefix(KEPT).lower() for word in grammar()["cameras"][camera]]
            text = wording.text.lower()
            shipped_texts = {prompt.text for prompt in bank.prompts().values()}
            assert wording.text in shipped_texts or any(word in text for word in [*words, "thermal", "infrared"]), text
            assert not any(word in text for word in grammar()["cameras"][other[camera]]), text


def test_without_a_camera_both_are_meant():
    """The twins have sentences that name no camera, or both."""
    for pair in TWINS:
        texts = [wording.text.lower() for wording in sentences(False) if set(wording.faults) == pair]
        cameras = [word.lower() for camera in ("visible", "infrared") for word in grammar()["cameras"][camera]]
        assert sum(not any(word in text for word in cameras) for text in texts) >= 5


def test_denials_and_contrasts():
    """What is denied is no fault of the sentence; another one may be."""
    draw = random.Random(2)
    assert deny(["visible.rain"], draw).faults == {}
    both = deny(["visible.rain", "infrared.noise"], draw)
    assert both.denied == ("visible.rain", "infrared.noise")
    contrast = deny(["visible.rain"], draw, {"visible.darkness": 0.9})
    assert set(contrast.faults) == {"visible.darkness"}
    assert contrast.denied == ("visible.rain",)


def test_looks_set_their_dials():
    """Each look sets one dial, slight ones by half; with a fault both are there."""
    draw = random.Random(3)
    for number in range(looks()):
        (dial,) = grammar()["looks"][number]["dials"]
        found = [look(draw, number) for _ in range(60)]
        assert {*found[0].dials} == {dial}
        assert {abs(wording.dials[dial]) for wording in found} <= {0.5, 1.0}
        assert not any(wording.faults for wording in found)
    mixed = look_and_say({"visible.rain": 0.5}, draw)
    assert len(mixed.dials) == 1
    assert set(mixed.faults) == {"visible.rain"}
    assert set(mixed.all_dials) == {"visible_rain", *mixed.dials}


def test_neutral_talk_names_nothing():
    """No word of a fault is in it."""
    draw = random.Random(4)
    texts = [neutral(draw, held_out=held_out).text.lower() for _ in range(300) for held_out in (False, True)]
    nouns = {word.removeprefix(KEPT) for words in grammar()["faults"].values() for word in words["nouns"] + words["adjectives"]}
    assert not [(text, word) for text in texts for word in nouns if re.search(rf"\b{re.escape(word)}\b", text)]
    assert len(set(texts)) > 400


def test_half_of_the_shipped_prompts_of_each_fault_is_kept_back():
    """Slight ones of some, strong ones of others; all of them are in one half."""
    train, kept = shipped(held_out=False), shipped(held_out=True)
    assert len(train) + len(kept) == len(bank.prompts())
    assert abs(len(train) - len(kept)) <= 8
    for name in bank.FAULTS:
        assert sum(set(wording.faults) == {name} for wording in train) >= 1
        assert sum(set(wording.faults) == {name} for wording in kept) >= 1
    slight = {strength for wording in kept if len(wording.faults) == 1 for strength in wording.faults.values()}
    assert slight == {0.4, 1.0}


def test_every_frame_of_the_grammar_has_slots_that_are_known():
    """A misspelt slot is found here, not after a thousand sentences."""
    known = {"pic", "bare", "n", "a", "N", "A", "first", "second", "no", "yes", "told"}
    known |= {"ir", "vi", "much", "things", "what", "where", "when"}
    known |= {f"{name}{number}" for name in ("pic", "bare", "n", "a", "N", "A") for number in (1, 2)}
    assert {slot for entry in entries(grammar()) for slot in re.findall(r"\{(\w*)\}?", entry)} <= known
    assert all(names_camera(frame) or "{N}" in frame or "{n}" in frame for frame in grammar()["frames"]["state_noun"])


def test_wrong_requests_are_told():
    """Unknown faults, strengths out of range, too many faults at once."""
    draw = random.Random(1)
    with pytest.raises(ConfigError, match=r"did you mean 'visible.haze'"):
        say({"visible.hase": 0.5}, draw)
    with pytest.raises(ConfigError, match="above 0 and at most at 1"):
        say({"visible.haze": 0.0}, draw)
    with pytest.raises(ConfigError, match="one to 2 faults, got 3"):
        say(dict.fromkeys(bank.FAULTS[:3], 0.5), draw)
    with pytest.raises(ConfigError, match="one to 2 faults, got 0"):
        deny([], draw)
    assert wordings.TRAINING_LIMIT > wordings.HELD_OUT_LIMIT
