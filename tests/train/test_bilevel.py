"""`streamfuse.train.bilevel`."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import nn

from streamfuse.colour import luma_of
from streamfuse.networks.network import FusionNetwork
from streamfuse.networks.textpixels_small import TextPixelsSmall
from streamfuse.train.bilevel import BilevelLesson, coloured
from streamfuse.train.lesson import Learner, Material, make_lesson
from streamfuse.train.recipe import StageSettings
from streamfuse.train.trainer import Trainer
from tests.train.labelled_pairs import labelled_folder
from tests.train.schooling import CPU, DIM, material, network, recipe

pytestmark = pytest.mark.skipif(find_spec("ultralytics") is None, reason="ultralytics is not installed")
STAGE = StageSettings(steps=1, crop_px=64, batch=2)


@pytest.fixture
def school(tmp_path: Path) -> Material:
    labelled_folder(tmp_path / "street")
    return replace(material(), root=tmp_path)


def lesson_of(school: Material, **settings: object) -> BilevelLesson:
    torch.manual_seed(1)
    values: dict[str, object] = {"kind": "textpixels_bilevel", "sets": ["street"], "detector": "yolov8n", "warm_up_steps": 0}
    lesson = make_lesson(values | settings, school)
    assert isinstance(lesson, BilevelLesson)
    return lesson


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gradients(network: nn.Module) -> list[bool]:
    return [p.grad is not None and bool(p.grad.any()) for p in network.parameters()]


def snapshot(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in network.named_parameters()}


def moved(network: nn.Module, before: dict[str, torch.Tensor]) -> list[bool]:
    return [not torch.equal(p, before[name]) for name, p in network.named_parameters()]


@pytest.mark.parametrize("name", ["textpixels", "lure", "nano"])
def test_the_gradient_of_detection_reaches_the_fusion_network(school, name):
    """Of the detection loss alone: it gets to nearly every parameter that a picture depends on, and to none of the detector."""
    lesson, student = lesson_of(school), network(name)
    torch.autograd.backward(lesson.terms(student, STAGE, seeded())["detection"])
    reached = gradients(student)
    assert sum(reached) > 0.85 * len(reached)
    assert not any(gradients(lesson.detection))


def test_the_detectors_step_does_not_reach_the_fusion_network(school):
    """The detector moves, the fusion network neither moves nor gets a gradient."""
    lesson, student = lesson_of(school), network("nano")
    lesson.terms(student, STAGE, seeded())
    before, taught = snapshot(student), snapshot(lesson.detection)
    lesson.after(student)
    moves = moved(lesson.detection, taught)
    assert sum(moves) > 0.9 * len(moves)
    assert not any(moved(student, before))
    assert not any(gradients(student))


def test_while_warming_up_only_the_detector_learns_from_boxes(school):
    """The fusion step has no detection term until so many steps are over."""
    lesson, student = lesson_of(school, warm_up_steps=2), network("textpixels")
    found = []
    for step in range(3):
        found.append(lesson.terms(student, STAGE, seeded(step)).keys())
        lesson.after(student)
    assert ["detection" in terms for terms in found] == [False, False, True]
    assert found[0] == {"consistency", "intensity", "edges", "structure"}


def test_words_are_kept_up_beside(school):
    """With the terms of the lesson `words`, under names of their own."""
    lesson, student = lesson_of(school, words={"steady": 0}), network("textpixels")
    terms = lesson.terms(student, STAGE, seeded())
    assert {"words_pixels", "words_gradient", "words_codes", "detection", "structure"} <= terms.keys()
    before = student.state_dict()["prior.codebook.codes_KD"].clone()
    lesson.after(student)
    assert not torch.equal(before, student.state_dict()["prior.codebook.codes_KD"])


def test_the_detector_sees_the_visible_cameras_colours(school):
    """Luma as fused, Cb and Cr as they were; a picture that is in colour already stays as it is."""
    crops = school.pool.crops(2, 64, seeded(), CPU)
    fused_B1HW = crops.luma_B1HW.clamp(0.4, 0.6)
    rgb = coloured(fused_B1HW, crops)
    inside = ((rgb > 0) & (rgb < 1)).all(1, keepdim=True)
    assert inside.any()
    torch.testing.assert_close(luma_of(rgb)[inside], fused_B1HW[inside])
    difference = (rgb - luma_of(rgb)) - (crops.visible_B3HW - crops.luma_B1HW)
    assert float((difference * inside).abs().max()) < 1e-6
    assert torch.equal(coloured(crops.visible_B3HW, crops), crops.visible_B3HW)


def test_captions_are_the_prompts_of_their_pairs(school):
    """Where a pair has one; two pairs with different ones are told different things."""
    (school.root / "street/text").mkdir()
    for seed, text in ((1, "a person beside a car"), (2, "nothing to see")):
        (school.root / f"street/text/{seed}.txt").write_text(text)
    lesson, student = lesson_of(school), TextPixelsSmall(DIM)
    told: list[torch.Tensor] = []
    student.text_vector.register_forward_pre_hook(lambda _, inputs: told.append(inputs[0]))
    lesson.terms(student, StageSettings(steps=1, crop_px=64, batch=8), seeded())
    captions = school.vocabulary.words_of(["a person beside a car", "nothing to see"], CPU).pooled_BD
    assert {tuple(row) for row in told[0].tolist()} == {tuple(row) for row in captions.tolist()}


def test_stopped_and_resumed_is_the_same_as_straight_through(school, tmp_path):
    """To the bit, with the detector, its optimiser and the end of the warm-up."""

    def trainer(folder: Path) -> tuple[Trainer, FusionNetwork, BilevelLesson]:
        student, lesson = network("textpixels"), lesson_of(school, warm_up_steps=2)
        folder.mkdir(exist_ok=True)
        return Trainer(recipe(steps=3, network={"name": "textpixels"}), student, lesson, folder, CPU), student, lesson

    run, student, lesson = trainer(tmp_path / "straight")
    assert run.run()
    for stop_at in (1, 3):
        part, again, resumed = trainer(tmp_path / "parts")
        torch.manual_seed(stop_at)  # no chance that is not kept
        part.run(stop=lambda stop_at=stop_at, part=part: part.step >= stop_at)  # type: ignore[misc]
    assert isinstance(lesson, Learner)
    for one, other in ((student, again), (lesson.detection, resumed.detection)):
        for name, tensor in one.state_dict().items():
            assert torch.equal(tensor, other.state_dict()[name]), name


def test_preview_shows_the_boxes(school):
    """Three columns: infrared, visible, fused in colour with boxes."""
    sheet = lesson_of(school).preview(network("textpixels").eval(), seeded())
    assert sheet.shape == (4 * 80, 3 * 80, 3)
    assert (sheet[:, 160:] == (255, 255, 0)).all(2).any()
