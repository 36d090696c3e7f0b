"""Encoders by name."""

import threading

import pytest

from streamfuse import text
from streamfuse.errors import ConfigError
from streamfuse.text import ENCODERS, encoder


@pytest.fixture(autouse=True)
def forgotten():
    """Each test starts without encoders, and leaves none that know its folders."""
    text._encoder.cache_clear()
    yield
    text._encoder.cache_clear()


@pytest.mark.parametrize("name", list(ENCODERS))
def test_every_entry_can_be_imported(name):
    """The table holds no address that leads nowhere."""
    assert callable(ENCODERS.factory(name))


def test_one_for_the_process():
    """Threads that ask for the same encoder at once get the same one."""
    start = threading.Barrier(8)
    found: list[object] = []

    def ask() -> None:
        start.wait()
        found.append(encoder("minilm"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


def test_shipped_prompts_need_no_encoder(monkeypatch):
    """Everything in the bank, and the width, is there without the 90 MB of minilm."""
    monkeypatch.setattr("streamfuse.text.minilm.MODULE", "no_such_package_here")
    chosen = encoder()
    people, neutral = chosen.encode(["make people stand out", ""])
    assert (chosen.name, chosen.dim, people.dim) == ("minilm", 384, 384)
    assert people.cosine(neutral) < 1


def test_embeddings_lie_in_the_cache(minilm, cache_home):
    """A text of one's own is encoded by minilm and kept on disk."""
    encoder().encode(["two deer at the fence"])
    assert len(list((cache_home / "streamfuse" / "embeddings").glob("*.npy"))) == 1


def test_one_of_your_own():
    """`package.module:factory` is an encoder like any other."""
    assert encoder("tests.text.conftest:Hashing").name == "hashing"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("minilmm", "no text encoder called 'minilmm'; did you mean 'minilm'", id="misspelt"),
        pytest.param("minilm:large", "minilm has one set of weights: say 'minilm'", id="weights that are not there to choose"),
        pytest.param("open_clip", "needs to know which model and weights", id="no model"),
        pytest.param("open_clip:", "needs to know which model and weights", id="empty"),
        pytest.param("open_clip:ViT-B-32", "needs to know which model and weights, got 'ViT-B-32'", id="no weights"),
        pytest.param("open_clip:/openai", "needs to know which model and weights", id="weights of what"),
    ],
)
def test_names_that_are_wrong(name, said):
    """A wrong name is told at once, with what is right, and without loading anything."""
    with pytest.raises(ConfigError, match=said):
        encoder(name)
