import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.train.lesson import make_lesson
from streamfuse.train.reading_loss import reading_loss
from streamfuse.train.recipe import StageSettings
from tests.train.schooling import CPU, material, network, vocabulary

STAGE = StageSettings(steps=1, crop_px=64, batch=1)


def test_only_the_text_head_learns():
    """No parameter of the pixels gets a gradient."""
    lesson, student = make_lesson({"kind": "reading"}, material()), network("nano")
    terms = lesson.terms(student, STAGE, torch.Generator().manual_seed(1))
    torch.autograd.backward(terms["dials"])
    moved = {".".join(name.split(".")[:2]) for name, parameter in student.named_parameters() if parameter.grad is not None}
    assert moved == {"front.dial_head"}


def test_sentences_are_learned():
    """Within some steps the loss falls to a fraction."""
    student, words = network("nano"), vocabulary()
    optimiser = torch.optim.Adam(student.parameters(), 0.01)
    losses = []
    for step in range(60):
        loss = reading_loss(student, words, 0.0, torch.Generator().manual_seed(step), CPU)  # type: ignore[arg-type]
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]


def test_networks_without_dials_cannot_be_taught_to_read_so():
    """The error says why."""
    lesson = make_lesson({"kind": "reading"}, material())
    with pytest.raises(ConfigError, match="dials"):
        lesson.terms(network("textpixels", size="base"), STAGE, torch.Generator())


def test_preview_shows_pictures():
    """Those of the lesson in words."""
    sheet = make_lesson({"kind": "reading"}, material()).preview(network().eval(), torch.Generator().manual_seed(1))
    assert sheet.shape[2] == 3
