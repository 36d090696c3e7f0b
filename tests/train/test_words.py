from dataclasses import replace

import numpy as np
import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.networks.nano import Nano
from streamfuse.networks.network import State
from streamfuse.train.lesson import Follower, Terms, make_lesson
from streamfuse.train.pool import Pool
from streamfuse.train.recipe import StageSettings
from tests.train.schooling import DIM, material, network, picture

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


class Flickering(Nano):
    """Brighter each time that it is asked."""

    asked = 0

    def forward(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor, state: State) -> torch.Tensor:
        self.asked += 1
        fused: torch.Tensor = super().forward(infrared_B1HW, visible_B1HW, state)
        return fused + 0.1 * self.asked


def of_video(student: Nano, brighter: int = 0, **settings: float) -> Terms:
    """The terms over a frame and the next, which is brighter by so many grey levels in infrared."""
    frame = picture(1)
    after = replace(frame, infrared_HW=np.clip(frame.infrared_HW.astype(int) + brighter, 0, 255).astype(np.uint8))
    pool = Pool([replace(frame, after=after)])
    lesson = make_lesson({"kind": "words", "video": 1.0, "steady": 0.0} | settings, replace(material(), pool=pool))
    return lesson.terms(student, STAGE, torch.Generator().manual_seed(1))


def test_real_frames_in_a_row_come_out_alike():
    """A network costs nothing where both frames are equal, unless it flickers; what a camera saw change may change."""
    torch.manual_seed(1)
    steady, flickering = Nano("small", DIM), Flickering("small", DIM)
    assert float(of_video(steady)["video"].detach()) == pytest.approx(0, abs=1e-6)
    assert float(of_video(flickering)["video"].detach()) == pytest.approx(0.1, abs=0.01)
    assert float(of_video(flickering, brighter=40)["video"].detach()) == pytest.approx(0, abs=1e-6)


def test_flicker_teaches():
    """Frames that differ by a camera's noise give a gradient."""
    student = network()
    found = of_video(student, brighter=3)["video"]  # type: ignore[arg-type]
    torch.autograd.backward(found)
    assert float(found.detach()) > 0
    assert any(p.grad is not None and bool(p.grad.any()) for p in student.parameters())


def test_without_videos_there_are_no_frames_to_compare():
    """The error says what to set."""
    with pytest.raises(ConfigError, match=r"data\.next_frames"):
        make_lesson({"kind": "words", "video": 1.0}, material())
