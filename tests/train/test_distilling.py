"""`streamfuse.train.distilling`."""

import pytest
import torch

from streamfuse.errors import ConfigError, WeightsError
from streamfuse.fuse.salience import salience
from streamfuse.fuse.weights_file import save_weights
from streamfuse.networks import create
from streamfuse.networks.network import State
from streamfuse.networks.textpixels import TextPixels
from streamfuse.train.cases import CaseMaker, Cases
from streamfuse.train.distilling import TaughtCases, best_answer
from streamfuse.train.lesson import make_lesson
from streamfuse.train.recipe import StageSettings
from tests.train.schooling import CPU, DIM, material, network


class Brightening(TextPixels):
    """Knows how to take away darkness, and nothing else."""

    def forward(self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, state: State) -> torch.Tensor:
        return salience(infrared_B1HW, visible_BCHW * (0.9 / visible_BCHW.amax((2, 3), keepdim=True)))


def drawn(**settings: float) -> Cases:
    """Cases whose words name what is there, so that R of the pictures as they are is not what was wanted."""
    asked = {"right": 1.0, "partial": 0.0, "neutral": 0.0, "wrong": 0.0, "denied": 0.0, "look": 0.0, "tempered": 0.0}
    school = material("day", **(asked | settings))
    return CaseMaker(school.pool, school.vocabulary, school.cases, CPU).draw(4, 64, torch.Generator().manual_seed(1))


def test_the_nearest_teacher_is_the_target():
    """One is a little off everywhere, the other only in the first case: each case has the better one."""
    cases = drawn()
    far = cases.wanted_B1HW + 0.002
    near = cases.wanted_B1HW + torch.tensor([0.01, 0.001, 0.001, 0.001]).view(-1, 1, 1, 1)
    taught = best_answer(torch.stack([far, near]), cases)
    assert torch.equal(taught, torch.cat([far[:1], near[1:]]))


def test_a_teacher_no_better_than_the_formula_is_not_listened_to():
    """The target is then what was wanted; so it is where the formula is what was wanted."""
    cases = drawn()
    as_is = salience(cases.infrared_B1HW, cases.luma_B1HW)
    assert torch.equal(best_answer(as_is[None], cases), cases.wanted_B1HW)
    neutral = drawn(right=0.0, neutral=1.0, misregistered=0.0, tone_curves=0.0)  # neither is in the formula of what is seen
    almost = neutral.wanted_B1HW + 1e-4
    assert torch.equal(best_answer(almost[None], neutral), neutral.wanted_B1HW)


def test_taught_cases_differ_in_the_target_only():
    """In luma and colours by the same step; pictures, words and chance are those of the untaught cases."""
    school = material(right=1.0, partial=0.0, neutral=0.0, wrong=0.0, denied=0.0, look=0.0)
    plain = CaseMaker(school.pool, school.vocabulary, school.cases, CPU).draw(16, 64, torch.Generator().manual_seed(2))
    taught = TaughtCases([Brightening(DIM).eval()], school).draw(16, 64, torch.Generator().manual_seed(2))
    assert torch.equal(plain.infrared_B1HW, taught.infrared_B1HW)
    assert torch.equal(plain.visible_B3HW, taught.visible_B3HW)
    assert torch.equal(plain.words.pooled_BD, taught.words.pooled_BD)
    step = taught.wanted_B1HW - plain.wanted_B1HW
    learned_B = step.flatten(1).any(1)
    assert learned_B.any()
    assert not learned_B.all()
    torch.testing.assert_close(taught.wanted_B3HW - plain.wanted_B3HW, step.expand(-1, 3, -1, -1), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", ["upfusion", "lure"])
def test_teachers_come_from_weights_files(tmp_path, name):
    """Of luma or of colours; they are no part of what learns."""
    path = tmp_path / "teacher.safetensors"
    save_weights(network(name), path, "minilm")
    lesson, student = make_lesson({"kind": "distil", "teachers": [str(path)]}, material()), network()
    terms = lesson.terms(student, StageSettings(steps=1, crop_px=64, batch=2), torch.Generator().manual_seed(1))
    assert terms.keys() == {"pixels", "gradient", "steady", "dials"}
    torch.autograd.backward(list(terms.values()))
    assert all(torch.isfinite(p.grad).all() for p in student.parameters() if p.grad is not None)


def test_teachers_that_cannot_teach_are_named(tmp_path):
    """No file, none at all, or one that reads other embeddings."""
    with pytest.raises(WeightsError, match="no weights at"):
        make_lesson({"kind": "distil", "teachers": [str(tmp_path / "none.safetensors")]}, material())
    with pytest.raises(ConfigError, match=r"lesson\.teachers"):
        make_lesson({"kind": "distil", "teachers": []}, material())
    path = tmp_path / "wide.safetensors"
    save_weights(create("nano", size="small", text_dim=16), path, "other")
    with pytest.raises(ConfigError, match=r"reads embeddings of 16 numbers \(other\), this recipe's encoder gives 8"):
        make_lesson({"kind": "distil", "teachers": [str(path)]}, material())
