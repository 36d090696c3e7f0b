"""Cases for the examination in words."""

from dataclasses import replace

import numpy as np
import pytest

from streamfuse.evaluate.contender import Sight
from streamfuse.evaluate.word_cases import EDGE_PX, TWO, spoilt, word_cases
from streamfuse.train.data import PairRecord, find_pairs
from streamfuse.train.degradations import FAULTS
from streamfuse.train.wordings import corpus
from tests.evaluate.conftest import picture, save_pairs

SIGHT = Sight(picture(1), np.stack([picture(2)] * 3, 2))


@pytest.fixture
def records(tmp_path) -> list[PairRecord]:
    return [replace(record, light="day") for record in find_pairs(save_pairs(tmp_path, 2))]


def test_every_fault_and_two_at_once(records):
    """As many cases for each fault as were asked for, and for two at once."""
    cases = list(word_cases(records, 2))
    faults = [fault for fault, _ in cases]
    assert {fault: faults.count(fault) for fault in faults} == dict.fromkeys([*(fault.name for fault in FAULTS), TWO], 2)
    for fault, case in cases:
        assert case.faults == (fault,) or (fault == TWO and len(case.faults) == 2)
        assert len(case.right) >= 2
        assert len(case.parts) == (2 if fault == TWO else 0)


def test_the_fault_is_there_and_only_there(records):
    """The seen pair differs from the clean one, in the camera of the fault alone."""
    for fault, case in word_cases(records, 1):
        if fault != TWO:
            changed = [not np.array_equal(seen, clean) for seen, clean in zip(case.seen, case.clean, strict=True)]
            assert changed == [fault.startswith("infrared"), fault.startswith("visible")]


def test_training_never_heard_the_words(records):
    """No wording of a case, right, wrong or partial, is in the training corpus; the trained ones are from its grammar."""
    trained = {wording.text.lower() for wording in corpus(held_out=False)}
    for _, case in word_cases(records, 1):
        assert not {text.lower() for text in (*case.right, *case.parts, case.wrong)} & trained
        assert not set(case.trained) & set(case.right)


def test_the_same_seed_the_same_cases(records):
    """To the pixel and the letter; another seed gives others."""
    first, again, other = ([case for _, case in word_cases(records, 1, seed)] for seed in (1, 1, 2))
    assert [case.right for case in first] == [case.right for case in again] != [case.right for case in other]
    assert all((a.seen.visible_HW3 == b.seen.visible_HW3).all() for a, b in zip(first, again, strict=True))


def test_nights_are_not_asked_for_daylight(records):
    """Where the light is not known to be day there are no cases for faults of the visible camera, nor is darkness a wrong word."""
    night = [replace(record, light="night") for record in records]
    assert {fault.split(".")[0] for fault, _ in word_cases(night, 1)} == {"infrared"}


def test_large_pictures_are_cut(tmp_path):
    """Cases are at most so large."""
    records = find_pairs(save_pairs(tmp_path, 1, (300, 280)))
    _, case = next(iter(word_cases(records, 1)))
    assert case.seen.infrared_HW.shape == (EDGE_PX, EDGE_PX)


def test_spoiling_is_repeatable():
    """A seed decides; strength 0 is no fault."""
    faults = {"visible.noise": 0.8}
    assert (spoilt(SIGHT, faults, 5).visible_HW3 == spoilt(SIGHT, faults, 5).visible_HW3).all()
    assert (spoilt(SIGHT, faults, 5).visible_HW3 != spoilt(SIGHT, faults, 6).visible_HW3).any()
    assert (spoilt(SIGHT, {"visible.noise": 0.0}, 5).visible_HW3 == SIGHT.visible_HW3).all()
