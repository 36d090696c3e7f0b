"""`streamfuse.train.published`."""

import pytest
import torch

from streamfuse.colour import luma_of
from streamfuse.errors import ConfigError
from streamfuse.train.lesson import make_lesson
from streamfuse.train.recipe import StageSettings
from tests.train.schooling import CPU, material, network

STAGE = StageSettings(steps=1, crop_px=64, batch=2)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_network_sees_luma_and_the_losses_the_mean_of_the_channels():
    """As in the authors' code, where the two differ; each loss has a weight of 10."""
    school, student = material(), network()
    seen: list[torch.Tensor] = []
    student.register_forward_hook(lambda _, inputs, output: seen.extend([*inputs[:2], output]))
    terms = make_lesson({"kind": "upfusion"}, school).terms(student, STAGE, seeded())
    crops = school.pool.crops(2, 64, seeded(), CPU)
    infrared, luma, fused = seen
    assert torch.equal(infrared, crops.infrared_B1HW)
    assert torch.equal(luma, luma_of(crops.visible_B3HW))
    brighter = torch.maximum(crops.infrared_B1HW, crops.visible_B3HW.mean(1, keepdim=True))
    torch.testing.assert_close(terms["intensity"], 10 * (fused - brighter).abs().mean())
    assert terms.keys() == {"intensity", "edges", "structure"}


def test_learning_lowers_the_loss():
    """Within a few steps on the same crops."""
    lesson, student = make_lesson({"kind": "upfusion"}, material()), network()
    optimiser = torch.optim.Adam(student.parameters(), 3e-3)
    history = []
    for _ in range(12):
        loss = torch.stack(list(lesson.terms(student, STAGE, seeded()).values())).sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        history.append(float(loss.detach()))
    assert history[-1] < 0.97 * history[0]


def test_networks_of_colour_are_refused():
    """The lesson is about luma."""
    with pytest.raises(ConfigError, match="lesson upfusion is for networks of luma, lure has colours"):
        make_lesson({"kind": "upfusion"}, material()).terms(network("lure"), STAGE, seeded())


def test_preview_is_a_sheet_of_pictures():
    """Three columns: infrared, visible, fused."""
    sheet = make_lesson({"kind": "upfusion"}, material()).preview(network().eval(), seeded())
    assert sheet.shape == (6 * 80, 3 * 80, 3)
