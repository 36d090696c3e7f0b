"""`streamfuse.train.fusing`."""

import torch

from streamfuse.train.lesson import make_lesson
from streamfuse.train.recipe import StageSettings
from streamfuse.train.trainer import Trainer
from tests.train.schooling import CPU, material, network, recipe

STAGE = StageSettings(steps=1, crop_px=64, batch=2)


def test_colours_and_structure_are_asked_for():
    """Beside what the lesson `words` asks; a network of luma has no chroma to be judged by."""
    lesson = make_lesson({"kind": "lure_fuse", "chroma": 3.0}, material())
    draw = torch.Generator().manual_seed(1)
    assert lesson.terms(network("lure"), STAGE, draw).keys() == {"pixels", "gradient", "structure", "chroma", "steady", "dials"}
    assert lesson.terms(network("upfusion"), STAGE, draw).keys() == {"pixels", "gradient", "structure", "steady", "dials"}


def test_chroma_pulls_the_colours_and_not_the_luma():
    """Its gradient at the fused picture is the same step up and down: it vanishes in luma."""
    lesson, student = make_lesson({"kind": "lure_fuse"}, material()), network("lure")
    kept: list[torch.Tensor] = []

    def keep(_: object, __: object, fused: torch.Tensor) -> None:
        fused.retain_grad()
        kept.append(fused)

    student.register_forward_hook(keep)
    torch.autograd.backward(lesson.terms(student, STAGE, torch.Generator().manual_seed(1))["chroma"])
    gradient = kept[0].grad
    assert gradient is not None
    assert gradient.any()
    assert float(gradient.sum(1).abs().max()) < 1e-6 < float(gradient.abs().max())


def test_encoder_stays_and_meetings_learn_as_the_recipe_says(tmp_path):
    """What is frozen is the same to the bit after the steps, and what learns slowly moves less than what learns at the whole rate."""
    rates = {"": 0.1, "meetings": 1.0, "encoder": 0.0}
    wanted = recipe(steps=3, network={"name": "lure"}, optimiser={"warm_up_steps": 0, "weight_decay": 0, "rates": rates})
    student = network("lure")
    before = {name: tensor.clone() for name, tensor in student.state_dict().items()}
    Trainer(wanted, student, make_lesson({"kind": "lure_fuse", "steady": 0}, material()), tmp_path, CPU).run()
    moved = {name: float((tensor - before[name]).abs().max()) for name, tensor in student.state_dict().items()}
    assert all(distance == 0 for name, distance in moved.items() if name.startswith("encoder"))
    slow = max(distance for name, distance in moved.items() if name.startswith(("refinement", "exit")))
    assert 0 < slow < 0.2 * max(distance for name, distance in moved.items() if name.startswith("meetings"))
