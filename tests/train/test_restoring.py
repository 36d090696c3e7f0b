"""`streamfuse.train.restoring`."""

import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.networks.lure import Latents
from streamfuse.networks.lure_parts import CAMERAS, Camera
from streamfuse.networks.lure_small import LureSmall
from streamfuse.networks.network import State
from streamfuse.train.lesson import make_lesson
from streamfuse.train.recipe import StageSettings
from streamfuse.train.restoring import RestoringLesson, absent
from tests.train.schooling import DIM, material, network

STAGE = StageSettings(steps=1, crop_px=64, batch=2)
TERMS = {"restored", "identity", "unified", "words", "other", "statistics"}


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def lesson_of(**settings: object) -> RestoringLesson:
    lesson = make_lesson({"kind": "lure_restore"} | settings, material())
    assert isinstance(lesson, RestoringLesson)
    return lesson


class Idle(LureSmall):
    """Gives back every picture as it came, whatever the words."""

    def decode(self, latents: Latents, state: State) -> torch.Tensor:
        return latents.picture_B3HW


class Deaf(LureSmall):
    """Encodes without looking at the words."""

    def encode(self, image_B3HW: torch.Tensor, spectrum: Camera, state: State) -> Latents:
        return super().encode(image_B3HW, spectrum, self.temper(state, torch.zeros(len(image_B3HW))))


class Remembering(LureSmall):
    """Keeps all latents by camera, in the order in which they were asked for."""

    def __init__(self, text_dim: int) -> None:
        super().__init__(text_dim)
        self.latents: dict[Camera, list[Latents]] = {"infrared": [], "visible": []}

    def encode(self, image_B3HW: torch.Tensor, spectrum: Camera, state: State) -> Latents:
        self.latents[spectrum].append(super().encode(image_B3HW, spectrum, state))
        return self.latents[spectrum][-1]


def test_encoder_decoder_and_words_learn_and_what_fuses_does_not():
    """All losses are finite; a gradient reaches all that works on one camera, and nothing where the two meet or before they are encoded."""
    student = network("lure")
    terms = lesson_of().terms(student, STAGE, seeded())
    assert terms.keys() == TERMS
    torch.autograd.backward(list(terms.values()))
    assert all(torch.isfinite(term) for term in terms.values())
    reached = {name: p.grad is not None and bool(p.grad.any()) for name, p in student.named_parameters()}
    of_both = ("meetings", "blend", "front.destripe", "front.film", "front.exposure", "front.fineness")
    assert not any(got for name, got in reached.items() if name.startswith(of_both))
    assert all(got for name, got in reached.items() if not name.startswith(of_both))


def test_a_network_that_does_nothing_fails_at_what_the_words_name_alone():
    """Nothing is wrong with what it makes of clean pictures, and of degraded ones under neutral and wrong words."""
    torch.manual_seed(1)
    terms = lesson_of().terms(Idle(DIM), STAGE, seeded())
    assert float(terms["restored"].detach()) > 0.02
    assert float(terms["identity"]) == pytest.approx(0, abs=1e-6)
    assert float(terms["words"]) == pytest.approx(0, abs=1e-6)


def test_words_about_the_other_camera_may_not_move_the_latents():
    """An encoder that hears no words costs nothing there; one that does, does."""
    torch.manual_seed(1)
    terms = lesson_of().terms(Deaf(DIM), STAGE, seeded())
    assert float(terms["other"].detach()) == pytest.approx(0, abs=1e-6)
    assert float(terms["unified"].detach()) > 0.01
    assert float(lesson_of().terms(network("lure"), STAGE, seeded())["other"].detach()) > 1e-4


def test_pictures_without_a_fault_have_the_latents_of_their_targets():
    """As the visible ones at night, for which the right words are those that ask for nothing; infrared has faults."""
    torch.manual_seed(1)
    student = Remembering(DIM)
    make_lesson({"kind": "lure_restore"}, material("night")).terms(student, STAGE, seeded())
    right, clean = student.latents["visible"][:2]
    assert all(torch.equal(a, b) for a, b in zip(right.levels, clean.levels, strict=True))
    right, clean = student.latents["infrared"][:2]
    assert not any(torch.equal(a, b) for a, b in zip(right.levels, clean.levels, strict=True))


def test_a_night_is_not_taught_to_be_no_night():
    """Of a visible picture without a known fault nobody can say that it is not dark; of one by day, and of infrared, one can."""
    assert "visible.darkness" not in absent("visible", {})
    assert "visible.haze" in absent("visible", {})
    assert "visible.darkness" in absent("visible", {"visible.haze": 0.5})
    assert "visible.haze" not in absent("visible", {"visible.haze": 0.5})
    assert "visible.darkness" in absent("infrared", {"infrared.noise": 0.5})


def test_weights_scale_their_terms():
    """Each loss is as large as its weight says."""
    plain, changed = (
        lesson_of(**weights).terms(network("lure"), STAGE, seeded())
        for weights in ({}, {"unified": 1.0, "identity": 2.0, "words": 0.5, "other": 0.0, "statistics": 0.1})
    )
    factors = {"restored": 1, "unified": 2, "identity": 2, "words": 0.5, "other": 0, "statistics": 2}
    for name, factor in factors.items():
        torch.testing.assert_close(changed[name], factor * plain[name])


def test_learning_lowers_the_loss():
    """Within a few steps on the same pictures and words."""
    lesson, student = lesson_of(), network("lure")
    optimiser = torch.optim.Adam(student.parameters(), 1e-3)
    history = []
    for _ in range(6):
        loss = torch.stack(list(lesson.terms(student, StageSettings(steps=1, crop_px=64, batch=1), seeded()).values())).sum()
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        history.append(float(loss.detach()))
    assert history[-1] < 0.9 * history[0], history


def test_other_networks_are_refused():
    """They have no latent space of one camera alone."""
    with pytest.raises(ConfigError, match="works in the latent space of lure, nano has none"):
        lesson_of().terms(network("nano"), STAGE, seeded())


def test_preview_is_a_sheet_of_pictures():
    """Four columns for each camera."""
    sheet = lesson_of().preview(network("lure").eval(), seeded())
    assert sheet.shape == (6 * 80, 4 * len(CAMERAS) * 80, 3)
