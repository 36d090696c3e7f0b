import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.networks.dials import DIAL_INDEX
from streamfuse.networks.nano import Nano
from streamfuse.train.cases import POLARITY, CaseMaker, Cases
from streamfuse.train.lesson import make_lesson
from streamfuse.train.recipe import StageSettings
from streamfuse.train.refining import camera_errors, counting, masked
from tests.train.schooling import CPU, material, network

STAGE = StageSettings(steps=1, crop_px=64, batch=4)
NEUTRAL = {"dials": torch.zeros(4, len(DIAL_INDEX))}
BEST = pytest.approx(-0.6908, abs=1e-3)
"""A tenth of ln(1e-3): nothing is wrong."""


def test_only_the_front_learns():
    """No parameter behind it gets a gradient."""
    lesson, student = make_lesson({"kind": "refining"}, material()), network("nano")
    torch.autograd.backward(lesson.terms(student, STAGE, torch.Generator().manual_seed(1))["pixels"])
    assert {name.split(".")[0] for name, parameter in student.named_parameters() if parameter.grad is not None} == {"front"}


def test_a_front_that_does_right_loses_nothing():
    """What is asked of each camera, put in for what it sees, is as good as can be under neutral dials, if it makes no stripes up."""
    made = cases(2)
    done = made._replace(infrared_B1HW=made.asked_infrared_B1HW, visible_B3HW=made.asked_luma_B1HW.expand(-1, 3, -1, -1))
    assert errors(done).mean() == BEST
    assert errors(made).max() > -0.6


def test_polarity_and_half_words_do_not_count():
    """Cases in which words act in part, and infrared that is to be turned round, say nothing."""
    made = cases(3)
    assert not counting(made._replace(strength_B=torch.full((4,), 0.5))).any()
    turned = made._replace(
        strength_B=torch.ones(4), words=made.words._replace(dials_BN=made.words.dials_BN.index_fill(1, torch.tensor([POLARITY]), 1.0))
    )
    assert counting(turned).tolist() == [[False, True]] * 4


def test_what_does_not_count_has_no_part_in_the_mean():
    """Nor does it make a mean of nothing."""
    values, none = torch.tensor([[1.0, 5.0], [3.0, 7.0]]), torch.zeros(2, 2, dtype=torch.bool)
    assert float(masked(values, torch.tensor([[True, False], [True, False]]))) == 2.0
    assert float(masked(values, none)) == 0.0


def test_networks_without_dials_have_no_front():
    """The error says why."""
    lesson = make_lesson({"kind": "refining"}, material())
    with pytest.raises(ConfigError, match="'refining' is for networks with dials"):
        lesson.terms(network("textpixels", size="base"), STAGE, torch.Generator())


def test_preview_shows_pictures():
    """Those of the lesson in words."""
    sheet = make_lesson({"kind": "refining"}, material()).preview(network().eval(), torch.Generator().manual_seed(1))
    assert sheet.shape[2] == 3


def cases(seed: int) -> Cases:
    made = material()
    return CaseMaker(made.pool, made.vocabulary, made.cases, CPU).draw(4, 64, torch.Generator().manual_seed(seed))


@torch.no_grad()
def errors(made: Cases) -> torch.Tensor:
    """By a fresh nano that makes no stripes up, under neutral dials."""
    student = network("nano")
    assert isinstance(student, Nano)
    student.front.destripe.leave.weight.zero_()
    return camera_errors(student, made, NEUTRAL)
