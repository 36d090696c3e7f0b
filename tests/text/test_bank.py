"""The prompts that ship, and their embeddings."""

import re
import runpy
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from streamfuse.errors import ConfigError, FrameError, WeightsError
from streamfuse.text import bank

MAX_BYTES = 3 * 2**20


def test_there_are_enough_of_each_kind():
    """At least 40 prompts: faults of either camera and of both, scenes, targets, and looks."""
    count = Counter(prompt.group for prompt in bank.prompts().values())
    assert list(count) == list(bank.groups()) == ["look", "visible", "infrared", "both", "scene", "target"]
    assert count.total() >= 60
    assert min(count.values()) >= 8


def test_the_page_tells_the_truth():
    """docs/9-prompts.md counts the prompts right, names every group, and names no id that is not there."""
    page = (Path(__file__).parents[2] / "docs" / "9-prompts.md").read_text()
    assert f"\n{len(bank.prompts())}, in " in page
    assert all(f"| `{group}` |" in page for group in bank.groups())
    named = re.findall(rf"\b(?:{'|'.join(bank.groups())})/[a-z-]+", page)
    assert len(named) > 10
    assert set(named) <= set(bank.prompts())


def test_ids_and_texts_are_plain():
    """Ids are `group/name` and never a text; texts are unique, already normalised, and short enough to be read whole."""
    for prompt_id, prompt in bank.prompts().items():
        assert prompt.id == prompt_id == prompt_id.strip().lower()
        assert prompt_id.partition("/")[0] == prompt.group
        assert bank.resolved(prompt.text) == prompt.text
    texts = [prompt.text for prompt in bank.prompts().values()]
    assert len({text.lower() for text in texts}) == len(texts)
    assert not set(texts) & set(bank.prompts())


def test_faults_are_named_where_they_belong():
    """Prompts of a camera name faults of that camera alone, those of both name both, all others none; severities are shares."""
    cameras = {"visible": {"visible"}, "infrared": {"infrared"}, "both": {"visible", "infrared"}}
    for prompt in bank.prompts().values():
        assert set(prompt.faults) <= set(bank.FAULTS), prompt.id
        assert {fault.partition(".")[0] for fault in prompt.faults} == cameras.get(prompt.group, set()), prompt.id
        assert all(0 < severity <= 1 for severity in prompt.faults.values()), prompt.id


@pytest.mark.parametrize("fault", bank.FAULTS)
def test_each_fault_is_named_slight_and_strong(fault):
    """Every fault has a prompt of its own at both ends of its severity."""
    alone = {severity for p in bank.prompts().values() if set(p.faults) == {fault} for severity in p.faults.values()}
    assert {0.4, 1.0} <= alone


@pytest.mark.parametrize(
    ("given", "read"),
    [
        pytest.param("  find\tthe \n  deer ", "find the deer", id="white space"),
        pytest.param("", "a natural picture of the scene as both cameras see it", id="nothing"),
        pytest.param(" \n ", "a natural picture of the scene as both cameras see it", id="blank"),
        pytest.param("target/people", "make people stand out", id="id"),
        pytest.param("target/nobody", "target/nobody", id="no id"),
        pytest.param("fog \udc80", "fog ?", id="broken bytes"),
    ],
)
def test_resolved(given, read):
    """White space collapses, nothing is the neutral prompt, an id stands for its text, and everything else stays as it is."""
    assert bank.resolved(given) == read
    assert bank.resolved(read) == read


def test_a_prompt_is_no_book():
    """A text beyond the limit is refused with its length; one at the limit is not."""
    assert bank.resolved("x" * bank.MAX_CHARACTERS)
    with pytest.raises(ConfigError, match="at most 2000 characters, got 2001"):
        bank.resolved("x" * 2001)


def test_shipped_embeddings_belong_to_the_words():
    """There is one for each text, in order, by minilm; the file is small."""
    assert list(bank.shipped()) == [prompt.text for prompt in bank.prompts().values()]
    assert {(e.encoder, e.dim) for e in bank.shipped().values()} == {("minilm", 384)}
    assert bank.EMBEDDINGS.stat().st_size < MAX_BYTES


def test_shipped_embeddings_are_what_the_encoder_gives(minilm):
    """They point where fresh ones do, pooled and token by token, and have as many tokens."""
    for text, shipped in bank.shipped().items():
        (fresh,) = minilm.encode([text])
        assert shipped.count == fresh.count
        assert shipped.cosine(fresh) > 0.9999
        real = slice(fresh.count)
        dots = (shipped.tokens[real] * fresh.tokens[real]).sum(1)
        lengths = np.linalg.norm(shipped.tokens[real], axis=1) * np.linalg.norm(fresh.tokens[real], axis=1)
        assert (dots / lengths).min() > 0.9999


def test_prompts_are_told_apart():
    """No two shipped prompts are so alike that a network could not tell them apart."""
    pooled = np.stack([e.pooled / np.linalg.norm(e.pooled) for e in bank.shipped().values()])
    cosines = pooled @ pooled.T - 2 * np.eye(len(pooled))
    assert cosines.max() < 0.95


def test_other_words_need_other_embeddings(tmp_path, monkeypatch):
    """Words that changed after the embeddings were made are an error that says what to run."""
    edited = tmp_path / "bank.yaml"
    edited.write_text(bank.WORDS.read_text().replace("dense fog", "thick fog"))
    monkeypatch.setattr(bank, "WORDS", edited)
    for cached in (bank._words, bank.prompts, bank.shipped):
        cached.cache_clear()
    try:
        with pytest.raises(WeightsError, match=r"run python tools/make_prompts\.py"):
            bank.shipped()
    finally:
        monkeypatch.undo()
        for cached in (bank._words, bank.prompts, bank.shipped):
            cached.cache_clear()


@pytest.fixture
def own_file(tmp_path, monkeypatch):
    """Embeddings are written to and read from a file of this test."""
    path = tmp_path / "embeddings.safetensors"
    monkeypatch.setattr(bank, "EMBEDDINGS", path)
    bank.shipped.cache_clear()
    yield path
    bank.shipped.cache_clear()


def test_written_and_read_again(hashing, own_file):
    """What `write_shipped` stores comes back, to half precision."""
    made = hashing.encode([prompt.text for prompt in bank.prompts().values()])
    bank.write_shipped(made)
    for before, after in zip(made, bank.shipped().values(), strict=True):
        assert (after.encoder, after.count) == ("hashing", before.count)
        np.testing.assert_allclose(after.tokens, before.tokens, atol=2e-3)
        np.testing.assert_allclose(after.pooled, before.pooled, atol=2e-3)


@pytest.mark.parametrize("prompt_id", ["look/neutral", "visible/rain-strong", "target/machines"])
def test_a_shipped_prompt_is_nearest_to_itself(prompt_id):
    """Its own embedding finds it first, at 1, then others in order."""
    found = bank.nearest(bank.shipped()[bank.prompts()[prompt_id].text], count=5)
    assert found[0][0].id == prompt_id
    assert found[0][1] == pytest.approx(1)
    cosines = [cosine for _, cosine in found]
    assert cosines == sorted(cosines, reverse=True)
    assert len(found) == 5


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("it is too dark to see anything", "visible.darkness"),
        ("there is fog everywhere", "visible.haze"),
        ("remove the stripes", "infrared.stripes"),
        ("noise in thermal", "infrared.noise"),
        ("it rains heavily", "visible.rain"),
    ],
)
def test_words_of_ones_own_are_understood(minilm, text, fault):
    """The nearest shipped prompt names the fault that the user meant."""
    (prompt, _), *_ = bank.nearest(minilm.encode([text])[0])
    assert fault in prompt.faults


def test_another_encoder_brings_its_own_bank(hashing):
    """Shipped embeddings fit minilm alone; with others the bank's own by that encoder are asked for."""
    encodings = hashing.encode([prompt.text for prompt in bank.prompts().values()])
    with pytest.raises(ConfigError, match="by minilm, not hashing"):
        bank.nearest(encodings[7])
    assert bank.nearest(encodings[7], 1, among=encodings)[0][0] is list(bank.prompts().values())[7]
    with pytest.raises(FrameError, match="cannot be compared"):
        bank.nearest(encodings[7], among=list(bank.shipped().values()))


def test_the_tool_makes_the_file_that_ships(hashing, own_file, monkeypatch, capsys):
    """tools/make_prompts.py encodes the words with minilm and writes the shipped file."""
    monkeypatch.setattr("streamfuse.text.minilm.MiniLm", lambda: hashing)
    runpy.run_path(str(Path(__file__).parents[2] / "tools" / "make_prompts.py"), run_name="__main__")
    assert hashing.asked == [prompt.text for prompt in bank.prompts().values()] == list(bank.shipped())
    assert f"{len(hashing.asked)} prompts -> {own_file}" in capsys.readouterr().out
