"""Encodings: what they hold and refuse."""

import subprocess
import sys

import numpy as np
import pytest

from streamfuse.errors import FrameError
from streamfuse.networks import network
from streamfuse.text import TOKENS, Encoding, stacked

ONE = np.ones


def encoding(rows: int = 3, dim: int = 4, *, encoder: str = "e") -> Encoding:
    return Encoding.padded(encoder, ONE(dim), ONE((rows, dim)))


def test_the_networks_count_on_the_same_length():
    """Text and networks agree on the number of tokens without importing each other."""
    assert TOKENS == network.TOKENS


@pytest.mark.parametrize("rows", [1, TOKENS - 1, TOKENS, TOKENS + 1, 100])
def test_tokens_are_padded_or_cut(rows):
    """Any number of tokens comes out as `TOKENS` rows, zero and masked beyond the text."""
    made = encoding(rows)
    count = min(rows, TOKENS)
    assert (made.tokens.shape, made.mask.shape, made.dim, made.count) == ((TOKENS, 4), (TOKENS,), 4, count)
    assert made.mask.tolist() == [1.0] * count + [0.0] * (TOKENS - count)
    assert made.tokens[:count].all()
    assert not made.tokens[count:].any()


def test_half_precision_comes_out_as_float32():
    """Whatever an encoder computes in, arrays are float32."""
    made = Encoding.padded("e", ONE(4, np.float16), ONE((2, 4), np.float16))
    assert {made.pooled.dtype, made.tokens.dtype, made.mask.dtype} == {np.dtype(np.float32)}


def test_nothing_can_be_changed():
    """Arrays are read-only, and not those they were made from."""
    pooled, tokens = ONE(4, np.float32), ONE((2, 4), np.float32)
    made = Encoding.padded("e", pooled, tokens)
    pooled[0] = tokens[0] = 7
    assert (made.pooled == 1).all()
    assert (made.tokens <= 1).all()
    for array in (made.pooled, made.tokens, made.mask):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        pytest.param("pooled", ONE((1, 4), np.float32), "pooled must be", id="rank"),
        pytest.param("pooled", ONE(4), "float32, got", id="dtype"),
        pytest.param("tokens", ONE((TOKENS, 5), np.float32), "tokens must be", id="width"),
        pytest.param("tokens", ONE((TOKENS - 1, 4), np.float32), "tokens must be", id="length"),
        pytest.param("mask", ONE(3, np.float32), "mask must be", id="mask"),
        pytest.param("mask", np.zeros(TOKENS, np.float32), "at least one token", id="no token"),
        pytest.param("pooled", np.full(4, np.nan, np.float32), "not finite", id="nan"),
    ],
)
def test_what_breaks_the_contract_is_refused(field, value, said):
    """Wrong shapes, types and values are told with the encoder's name."""
    arrays = {"pooled": ONE(4, np.float32), "tokens": ONE((TOKENS, 4), np.float32), "mask": ONE(TOKENS, np.float32)}
    with pytest.raises(FrameError, match=f"e: .*{said}|e: a text needs {said}"):
        Encoding(encoder="e", **{**arrays, field: value})


def test_cosine():
    """1 to itself whatever its length, 0 to the right angle and to nothing at all."""
    tokens = ONE((1, 2))
    along, far, across, nothing = (Encoding.padded("e", np.array(v), tokens) for v in ([1.0, 0], [9.0, 0], [0, 2.0], [0, 0]))
    assert along.cosine(far) == pytest.approx(1)
    assert along.cosine(across) == pytest.approx(0)
    assert along.cosine(nothing) == 0


def test_encoders_do_not_mix():
    """Encodings of different encoders can be neither compared nor stacked."""
    with pytest.raises(FrameError, match="'e' and 'other' cannot be compared"):
        encoding().cosine(encoding(encoder="other"))
    with pytest.raises(FrameError, match="one encoder, got e, other"):
        stacked([encoding(), encoding(encoder="other")])
    with pytest.raises(FrameError, match="no encodings"):
        stacked([])


def test_stacked_is_writable():
    """A stack has an axis of prompts in front and may be handed to torch without a warning."""
    pooled, tokens, mask = stacked([encoding(2), encoding(5)])
    assert (pooled.shape, tokens.shape, mask.shape) == ((2, 4), (2, TOKENS, 4), (2, TOKENS))
    assert mask.sum(1).tolist() == [2, 5]
    assert all(array.flags.writeable for array in (pooled, tokens, mask))


def test_repr_shows_shapes():
    """A log line holds no numbers of the vectors."""
    assert repr(encoding()) == f"Encoding(encoder='e', pooled=(4,) float32, tokens=({TOKENS}, 4) float32, mask=({TOKENS},) float32)"


def test_the_bank_works_without_torch():
    """Listing and encoding shipped prompts loads neither torch nor a tokenizer."""
    code = """
import sys
from streamfuse.text import bank, encoder
encoding = encoder().encode(["visible/haze-strong"])[0]
assert bank.nearest(encoding)[0][0].id == "visible/haze-strong"
print(sorted({"torch", "tokenizers", "open_clip"} & set(sys.modules)))
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "[]"
