import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.train.lesson import Follower, make_lesson
from streamfuse.train.recipe import StageSettings
from tests.train.schooling import material, network

STAGE = StageSettings(steps=1, crop_px=64, batch=3)


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("nano", {"pixels", "gradient", "steady", "dials"}),
        ("upfusion", {"pixels", "gradient", "steady", "dials"}),
        ("lure", {"pixels", "gradient", "steady", "dials"}),
        ("textpixels", {"pixels", "gradient", "steady", "dials", "codes"}),
    ],
)
def test_every_network_learns_from_pictures_and_words(name, terms):
    """All losses are finite, and the parameters that read the text get a gradient."""
    lesson, student = make_lesson({"kind": "words", "by_hand": 0.0}, material(neutral=0.0)), network(name)
    found = lesson.terms(student, STAGE, torch.Generator().manual_seed(1))
    assert found.keys() == terms
    torch.autograd.backward(torch.stack(list(found.values())).sum())
    assert all(torch.isfinite(value) for value in found.values())
    assert sum(bool(p.grad is not None and p.grad.any()) for p in student.parameters()) > 0.9 * len(list(student.parameters()))


def test_codes_move_after_a_step_of_textpixels():
    """They learn without a gradient."""
    lesson, student = make_lesson({"kind": "words"}, material()), network("textpixels")
    before = student.state_dict()["prior.codebook.codes_KD"].clone()
    lesson.terms(student, STAGE, torch.Generator().manual_seed(1))
    assert isinstance(lesson, Follower)
    lesson.after(student)
    assert not torch.equal(before, student.state_dict()["prior.codebook.codes_KD"])


def test_preview_is_a_sheet_of_pictures():
    """Five columns: both cameras, without words, with words, wanted."""
    lesson = make_lesson({"kind": "words"}, material())
    sheet = lesson.preview(network().eval(), torch.Generator().manual_seed(1))
    assert sheet.dtype.name == "uint8"
    assert sheet.shape == (8 * 80, 5 * 80, 3)


def test_unknown_lessons_and_settings_are_named():
    """With the nearest right one."""
    with pytest.raises(ConfigError, match="words"):
        make_lesson({"kind": "wrods"}, material())
    with pytest.raises(ConfigError, match="gradient"):
        make_lesson({"kind": "words", "gradeint": 1.0}, material())
