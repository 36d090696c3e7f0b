"""Are words obeyed: with fusers that obey, ignore, or do as they like."""

import math

import numpy as np
import pytest
import torch

from streamfuse.evaluate.contender import Sight
from streamfuse.evaluate.words import MOST_DB, NEUTRAL, Obedience, WordCase, examined, obeying, psnr, reference, summary
from streamfuse.fuse import FUSERS
from streamfuse.fuse.salience import salience
from tests.evaluate.conftest import picture

CLEAN = Sight(picture(1), np.stack([picture(2)] * 3, 2))
SEEN = Sight(picture(1) // 3, CLEAN.visible_HW3)
CASE = WordCase(
    name="a", faults=("infrared.low_contrast",), seen=SEEN, clean=CLEAN,
    right=("more contrast", "lift infrared"), trained=("low contrast",), wrong="remove the haze",
)  # fmt: skip


def servant(sight: Sight, text: str) -> torch.Tensor:
    """Does exactly as it is told."""
    return reference(CLEAN if text in (*CASE.right, *CASE.trained) else sight)


def test_psnr_in_db():
    """A tenth off everywhere is 20 dB; equal pictures have the most there is."""
    x = torch.full((1, 1, 4, 4), 0.5)
    assert psnr(x, x + 0.1) == pytest.approx(20, abs=1e-4)
    assert psnr(x, x) == MOST_DB


def test_the_reference_is_salience():
    """R of a pair is the rule `salience` of its luma."""
    infrared, luma = (torch.from_numpy(x)[None, None].float() / 255 for x in (CLEAN.infrared_HW, CLEAN.visible_HW3[..., 0]))
    assert torch.allclose(reference(CLEAN), salience(infrared, luma), atol=1e-6)


def test_a_servant():
    """Right words gain, wrong ones do not, wordings do not matter, and nothing happens unasked."""
    found = examined(servant, CASE)
    assert found.right == MOST_DB
    assert found.gain > 50
    assert found.margin == found.gain
    assert (found.spread, found.unheard) == (0, 0)
    assert found.natural == found.natural_clean == found.wrong_clean == MOST_DB
    assert math.isnan(found.both)


def test_a_rule_that_cannot_hear():
    """`salience` itself gains nothing by words and stays natural."""
    fuser = FUSERS.make("salience")
    found = examined(obeying(fuser, torch.device("cpu")), CASE)
    assert found.gain == found.margin == pytest.approx(0, abs=1e-9)
    assert found.natural == MOST_DB


def test_one_that_always_repairs():
    """Who repairs whatever is said gains nothing by words, and is not natural."""
    found = examined(lambda _sight, _text: reference(CLEAN), CASE)
    assert found.right == MOST_DB
    assert found.gain == found.margin == 0
    assert found.natural < 40


def test_one_that_only_knows_trained_words():
    """What is lost in unheard words shows, and so does a wording that fails."""

    def parrot(sight: Sight, text: str) -> torch.Tensor:
        return reference(CLEAN if text in ("low contrast", "lift infrared") else sight)

    found = examined(parrot, CASE)
    assert found.unheard > 20
    assert found.spread > 20


def test_two_faults_named_are_more_than_one():
    """With two faults, the words for both are held against the better of the words for one."""
    case = WordCase(name="b", faults=("x", "y"), seen=SEEN, clean=CLEAN, right=CASE.right, trained=(), wrong="rain", parts=("x", "y"))
    half = Sight(picture(1) // 2, CLEAN.visible_HW3)
    found = examined(lambda sight, text: reference({"x": half, NEUTRAL: SEEN, "rain": sight, "y": SEEN}.get(text, CLEAN)), case)
    assert found.both == pytest.approx(MOST_DB - psnr(reference(half), reference(CLEAN)))
    assert math.isnan(found.unheard)


def test_summary_over_cases():
    """Means with intervals, and the share of cases in which wrong words were no better."""
    values = dict.fromkeys(Obedience.__dataclass_fields__, 1.0)
    cases = [Obedience(**{**values, "gain": gain, "margin": margin}) for gain, margin in ((4.0, 1.0), (6.0, -1.0))]
    told = summary(cases)
    assert told["gain"].mean == 5
    assert told["wrong_not_better"].mean == 0.5
