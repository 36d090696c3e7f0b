from dataclasses import replace

import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.networks.exposure import SEEN
from streamfuse.networks.nano import Nano
from streamfuse.train.cases import CaseMaker
from streamfuse.train.exposing import Bank
from streamfuse.train.lesson import Material, make_lesson
from streamfuse.train.recipe import StageSettings
from tests.train.schooling import CPU, DIM, material, network

KIND = {"kind": "exposing", "cases": 20}
STAGE = StageSettings(steps=1, crop_px=64, batch=4)


def bank(made: Material, count: int = 20) -> Bank:
    student = network("nano")
    assert isinstance(student, Nano)
    return Bank.filled(student.front, CaseMaker(made.pool, made.vocabulary, made.cases, CPU), 64, count, made)


def test_only_exposure_learns():
    """And what reads words, unless the recipe says no: what makes the kept cases gets no gradient."""
    student = network("nano")
    torch.autograd.backward(make_lesson(KIND, material()).terms(student, STAGE, draw(1))["exposure"])
    learnt = {".".join(name.split(".")[:2]) for name, part in student.named_parameters() if part.grad is not None}
    assert learnt == {"front.exposure", "front.dial_head"}


def test_it_learns():
    """A hundred steps on forty pictures that lack light leave at least a decibel less of an error than there was."""
    dark = material(right=1.0, partial=0.0, neutral=0.0, wrong=0.0, denied=0.0, look=0.0, two_faults=0.0, of_visible=1.0, tempered=0.0)
    dark = replace(dark, cases=dark.cases.model_copy(update={"often": {"visible.darkness": 1e4}}))
    lesson, student = make_lesson({**KIND, "cases": 40, "by_hand": 1.0}, dark), network("nano")
    optimiser = torch.optim.AdamW([part for name, part in student.named_parameters() if name.startswith("front.exposure")], 2e-3)
    lost = []
    for step in range(100):
        loss = lesson.terms(student, StageSettings(steps=1, crop_px=64, batch=16), draw(step))["exposure"]
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        lost.append(float(loss.detach()))
    a_decibel = 0.1 * 0.1 * 2.3 / 2  # of one camera of two
    assert sum(lost[-10:]) / 10 < sum(lost[:10]) / 10 - a_decibel


def test_cases_are_kept_as_means_of_8x8_pixels():
    """As many as asked, to whole draws, in half precision, under autocast too; what exposure sees, and what is asked of both cameras."""
    with torch.autocast("cpu", torch.bfloat16):
        kept = bank(material())
    assert kept.coarse_KCyx.dtype == torch.float16
    assert kept.coarse_KCyx.shape == (24, SEEN, 8, 8)
    assert kept.asked_K2yx.shape == (24, 2, 8, 8)
    assert kept.pooled_KD.shape == (24, DIM)
    assert kept.counts_K2.shape == (24, 2)


def test_the_same_cases_each_time():
    """So that a run that was stopped goes on as if it had not been."""
    first, again = bank(material(), 8), bank(material(), 8)
    assert torch.equal(first.coarse_KCyx, again.coarse_KCyx)
    assert torch.equal(first.asked_K2yx, again.asked_K2yx)
    one, other = first.some(4, draw(3)), again.some(4, draw(3))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_drawing_cases_shows_how_far_it_has_come():
    """It takes minutes: a bar is told of every draw."""
    seen: list[tuple[int, str]] = []

    def tracked(items, text):
        seen.append((len(items), text))
        return items

    bank(replace(material(), tracked=tracked))
    assert seen == [(3, "drawing cases")]


def test_networks_without_dials_have_no_front():
    """The error says why."""
    lesson = make_lesson(KIND, material())
    with pytest.raises(ConfigError, match="'exposing' is for networks with dials"):
        lesson.terms(network("textpixels", size="base"), STAGE, torch.Generator())


def test_preview_shows_pictures():
    """Those of the lesson in words."""
    assert make_lesson(KIND, material()).preview(network().eval(), draw(1)).shape[2] == 3


def draw(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
