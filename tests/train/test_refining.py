import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.networks.dials import DIAL_INDEX
from streamfuse.networks.nano import Nano
from streamfuse.train.cases import POLARITY, CaseMaker, Cases
from streamfuse.train.exposing import misexposure
from streamfuse.train.lesson import make_lesson
from streamfuse.train.recipe import StageSettings
from tests.train.schooling import CPU, material, network

STAGE = StageSettings(steps=1, crop_px=64, batch=4)
NEUTRAL = {"dials": torch.zeros(4, len(DIAL_INDEX))}


def test_only_the_front_learns():
    """No parameter behind it gets a gradient."""
    lesson, student = make_lesson({"kind": "exposing"}, material()), network("nano")
    terms = lesson.terms(student, STAGE, torch.Generator().manual_seed(1))
    torch.autograd.backward(terms["exposure"] + terms["pixels"])
    assert {name.split(".")[0] for name, parameter in student.named_parameters() if parameter.grad is not None} == {"front"}


def test_a_front_that_does_right_loses_nothing():
    """What is asked of each camera, put in for what it sees, has no loss under neutral dials, if it makes no stripes up."""
    made = cases(2)
    done = made._replace(infrared_B1HW=made.asked_infrared_B1HW, visible_B3HW=made.asked_luma_B1HW.expand(-1, 3, -1, -1))
    assert lost(done) == pytest.approx(0, abs=1e-5)
    assert lost(made) > 1e-3


def test_polarity_and_half_words_do_not_count():
    """Cases in which words act in part, and infrared that is to be turned round, say nothing."""
    made = cases(3)
    assert lost(made._replace(strength_B=torch.full((4,), 0.5))) == 0
    turned = made.words._replace(dials_BN=made.words.dials_BN.index_fill(1, torch.tensor([POLARITY]), 1.0))
    seen = made._replace(visible_B3HW=made.asked_luma_B1HW.expand(-1, 3, -1, -1), words=turned)
    assert lost(seen) == pytest.approx(0, abs=1e-5)


def test_networks_without_dials_have_no_front():
    """The error says why."""
    lesson = make_lesson({"kind": "exposing"}, material())
    with pytest.raises(ConfigError, match="dials"):
        lesson.terms(network("textpixels", size="base"), STAGE, torch.Generator())


def test_preview_shows_pictures():
    """Those of the lesson in words."""
    sheet = make_lesson({"kind": "exposing"}, material()).preview(network().eval(), torch.Generator().manual_seed(1))
    assert sheet.shape[2] == 3


def cases(seed: int) -> Cases:
    made = material()
    return CaseMaker(made.pool, made.vocabulary, made.cases, CPU).draw(4, 64, torch.Generator().manual_seed(seed))


@torch.no_grad()
def lost(made: Cases) -> float:
    """By a fresh nano that makes no stripes up, under neutral dials."""
    student = network("nano")
    assert isinstance(student, Nano)
    student.front.destripe.leave.weight.zero_()
    coarse, fine = misexposure(student, made, NEUTRAL)
    return float(coarse + fine)
