"""Entropy and mutual information, against counting by hand."""

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

from streamfuse.evaluate.information import entropy, mutual_information
from tests.evaluate.conftest import picture, tensors


def bits(values: Any) -> float:
    counts = Counter(values)
    total = sum(counts.values())
    return -sum(n / total * math.log2(n / total) for n in counts.values())


def test_entropy_of_known_pictures():
    """A flat picture tells nothing; four equally frequent levels tell two bits; all 256 tell eight."""
    flat = np.full((16, 16), 9, np.uint8)
    four = np.tile(np.array([0, 1, 254, 255], np.uint8), (16, 4))
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert [float(entropy(x)[0]) for x in tensors(flat, four, every)] == pytest.approx([0, 2, 8])


def test_entropy_counts(trio):
    """It is the entropy of the grey levels, counted."""
    assert float(entropy(*tensors(trio[2]))) == pytest.approx(bits(trio[2].ravel().tolist()))


def test_mutual_information_counts(trio):
    """It is H(X) + H(F) - H(X, F) of both cameras, counted."""
    a, b, fused = (x.ravel().tolist() for x in trio)
    want = sum(bits(x) + bits(fused) - bits(zip(x, fused, strict=True)) for x in (a, b))
    assert float(mutual_information(*tensors(*trio))) == pytest.approx(want)


def test_a_picture_knows_all_of_itself():
    """With twice the same camera and that as the result, MI is twice the entropy."""
    one = tensors(picture(3))[0]
    assert float(mutual_information(one, one, one)) == pytest.approx(2 * float(entropy(one)))


def test_nats_are_bits_times_ln_2(trio):
    """The unit is the only difference."""
    x = tensors(*trio)
    assert float(mutual_information(*x, unit="nats")) == pytest.approx(math.log(2) * float(mutual_information(*x)))
