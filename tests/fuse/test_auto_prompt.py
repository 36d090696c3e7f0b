"""What is said over time: once a second, steadily, and with reasons."""

import itertools
from typing import Any

import numpy as np
import pytest

from streamfuse.frames import CameraState, Frame, Pair, Planes, Prompt, Spectrum
from streamfuse.fuse.auto_prompt import LOOK_NS, SAY_NS, AutoPrompt
from streamfuse.results import SelfSet

SIZE, MS = (96, 128), 1_000_000
RATE_MS = 40


def luma(level: float, seed: int = 0) -> np.ndarray:
    """Sharp rectangles of every level about a mean, from 0 to 1."""
    coarse = np.random.default_rng(seed).uniform(0, 2 * level, (SIZE[0] // 8, SIZE[1] // 8))
    return np.kron(np.clip(coarse * 255, 0, 255), np.ones((8, 8))).astype(np.uint8)


def pair(number: int, visible: float = 0.4, *, infrared: np.ndarray | None = None, state: CameraState = "fresh") -> Pair:
    t_ns = number * RATE_MS * MS
    chroma = np.full((SIZE[0] // 2, SIZE[1] // 2), 128, np.uint8)
    pictures: dict[Spectrum, Any] = {Spectrum.VISIBLE: Planes(y=luma(visible), u=chroma, v=chroma.copy())}
    pictures[Spectrum.INFRARED] = luma(0.4, 1) if infrared is None else infrared
    frames = {s: Frame(image=image, spectrum=s, t_cap_ns=t_ns, clock="media", seq=number, source="made") for s, image in pictures.items()}
    return Pair(
        infrared=frames[Spectrum.INFRARED],
        visible=frames[Spectrum.VISIBLE],
        infrared_state=state,
        visible_state=state,
        stream="gate",
        seq=number,
    )


def said(auto: AutoPrompt, pairs: list[Pair]) -> list[tuple[float, dict[str, float]]]:
    """(second, dials) each time that something new is said."""
    return [(shown.t_cap_ns / 1e9, dict(auto.found.dials)) for shown in pairs if auto.due(shown) and auto.look(shown)]


def test_healthy_cameras_are_left_alone():
    """Nothing is said in ten seconds, and the prompt is the words alone."""
    auto = AutoPrompt(Prompt(text="people"))
    assert said(auto, [pair(n) for n in range(250)]) == []
    assert auto.prompt() == Prompt(text="people")
    assert auto.found == SelfSet()


def test_a_dark_camera_is_said_after_a_second_with_its_reason():
    """Dial and reason come together, and the prompt turns the dial."""
    auto = AutoPrompt()
    ((at_s, dials),) = said(auto, [pair(n, 0.1) for n in range(100)])
    assert at_s == pytest.approx(1.0, abs=0.1)
    assert set(dials) == {"visible_light"}
    assert [why[:-1] for why in auto.found.why] == ["visible dark: mean 0.1"]
    assert auto.prompt() == Prompt(dials=dials)


def test_dials_by_hand_stand():
    """What somebody set is not overruled, and words and strength are kept."""
    words = Prompt(text="people", strength=0.5, dials={"visible_light": 0.2, "texture": -0.3})
    auto = AutoPrompt(words)
    assert said(auto, [pair(n, 0.05) for n in range(50)])
    assert auto.found.dials["visible_light"] > 0.5
    assert auto.prompt() == words


def test_pictures_are_looked_at_three_times_a_second():
    """However many come; and at once where time jumps back, as where a recording begins anew."""
    auto = AutoPrompt()
    looked = [shown.t_cap_ns for n in range(250) if auto.due(shown := pair(n))]
    assert min(later - earlier for earlier, later in itertools.pairwise(looked)) >= LOOK_NS
    assert len(looked) == pytest.approx(30, abs=3)
    assert auto.due(pair(0))
    assert not auto.due(pair(1))


def test_what_lies_at_the_limit_does_not_come_and_go():
    """A mean that wavers about the limit by a tenth is said once."""
    shown = [pair(n, 0.19 + 0.02 * np.sin(n / 40)) for n in range(1500)]
    assert len(said(AutoPrompt(), shown)) == 1


def test_a_flash_is_no_glare():
    """A third of a second of white, as from headlights that pass, changes nothing."""
    shown = [pair(n, 5.0 if 100 <= n < 108 else 0.4) for n in range(250)]
    assert said(AutoPrompt(), shown) == []


def test_what_has_passed_is_taken_back():
    """Light again after darkness: the dial goes back to nothing within a few seconds."""
    auto = AutoPrompt()
    news = said(auto, [pair(n, 0.08 if n < 100 else 0.4) for n in range(300)])
    assert set(news[0][1]) == {"visible_light"}
    assert news[-1][1] == {}
    assert news[-1][0] < 9
    assert auto.found == SelfSet()


def test_words_come_at_most_once_a_second():
    """Whatever the pictures do."""
    levels = np.random.default_rng(2).uniform(0.02, 0.5, 20).repeat(60)
    news = said(AutoPrompt(), [pair(n, float(level)) for n, level in enumerate(levels)])
    assert len(news) > 3
    assert min(later - earlier for (earlier, _), (later, _) in itertools.pairwise(news)) >= SAY_NS / 1e9 - 1e-6


def test_frozen_pictures_say_nothing_new():
    """A camera that repeats its last picture is not judged by it."""
    auto = AutoPrompt()
    assert said(auto, [pair(n, 0.05, state="frozen") for n in range(100)]) == []


def test_both_cameras_are_told_apart():
    """A flat infrared picture is infrared's, and the visible dials stay."""
    flat = (luma(0.4, 1) // 8 + 100).astype(np.uint8)
    auto = AutoPrompt()
    said(auto, [pair(n, infrared=flat) for n in range(50)])
    assert set(auto.found.dials) == {"infrared_contrast"}
    assert auto.found.why[0].startswith("infrared flat: levels 0.39 to ")


def test_the_same_pictures_say_the_same():
    """Only capture times count, no clock."""
    shown = [pair(n, 0.05 + 0.001 * n) for n in range(200)]
    assert said(AutoPrompt(), shown) == said(AutoPrompt(), shown)
