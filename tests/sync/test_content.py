"""The content check on small drawn worlds, where the true offset is known."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from streamfuse.clock import NS_PER_S
from streamfuse.frames import Frame, Spectrum
from streamfuse.sync.content import ContentCheck, ContentSettings
from streamfuse.sync.content_lag import NOT_ALIKE, NOT_SEEN, Lag

Draw = Callable[[float, Spectrum, NDArray[Any]], None]
INFRARED, VISIBLE = Spectrum.INFRARED, Spectrum.VISIBLE
HEIGHT, WIDTH, SECONDS = 120, 160, 12.0
BACKDROP = {
    spectrum: cv2.GaussianBlur(np.random.default_rng(number).integers(60, 180, (HEIGHT, WIDTH)).astype(np.float32), (0, 0), 1.5)
    for number, spectrum in enumerate(Spectrum)
}
INFRARED_GREY = 90.0


class Walkers:
    """People who turn up at any edge of the picture at any time, warm in infrared and of any grey in the visible picture."""

    def __init__(self, seed: int, count: int = 14) -> None:
        chance = np.random.default_rng(seed)
        self._from = chance.uniform(0.1, 0.9, (count, 2)) * (WIDTH, HEIGHT)
        self._speed = chance.normal(0, 25, (count, 2))
        self._at = chance.uniform(-3, SECONDS, count)
        self._grey = chance.choice([15, 30, 225, 240], count)

    def __call__(self, t_s: float, spectrum: Spectrum, picture: NDArray[Any]) -> None:
        for start, speed, at, grey in zip(self._from, self._speed, self._at, self._grey, strict=True):
            if at <= t_s <= at + 4:
                x, y = start + speed * (t_s - at)
                corner, opposite = ((round(16 * (x + dx)), round(16 * (y + dy))) for dx, dy in ((-3, -7), (3, 7)))
                cv2.rectangle(picture, corner, opposite, 220.0 if spectrum is INFRARED else float(grey), -1, cv2.LINE_AA, 4)


def pendulum(t_s: float, spectrum: Spectrum, picture: NDArray[Any]) -> None:
    """The same thing, once a second, for ever."""
    x = round(WIDTH / 2 + 40 * np.sin(2 * np.pi * t_s))
    cv2.circle(picture, (x, 60), 10, 220.0 if spectrum is INFRARED else 20.0, -1, cv2.LINE_AA)


def nothing(t_s: float, spectrum: Spectrum, picture: NDArray[Any]) -> None:
    """A street at four in the morning."""


def frame(spectrum: Spectrum, t_s: float, picture: NDArray[Any], **fields: Any) -> Frame:
    pixels = np.clip(picture, 0, 255).astype(np.uint8)
    given: dict[str, Any] = {"clock": "host", "seq": 0, "source": "drawn", **fields}
    image = pixels if spectrum is INFRARED else np.stack([pixels] * 3, axis=-1)
    return Frame(spectrum=spectrum, t_cap_ns=round(t_s * NS_PER_S), image=image, **given)


def picture_of(draw: Draw, t_s: float, spectrum: Spectrum, chance: np.random.Generator, gain: Callable[[float], float]) -> NDArray[Any]:
    picture = BACKDROP[spectrum].copy() if spectrum is VISIBLE else np.full((HEIGHT, WIDTH), INFRARED_GREY, np.float32)
    draw(t_s, spectrum, picture)
    return picture * gain(t_s) + chance.normal(0, 1.5, picture.shape).astype(np.float32)


def watched(
    check: ContentCheck,
    draw: Draw,
    *,
    late_s: float = 0.0,
    rates: tuple[float, float] = (25, 25),
    others: Draw | None = None,
    gain: Callable[[float], float] = lambda t_s: 1.0,
    seconds: float = SECONDS,
) -> Lag:
    """What the check says after both cameras saw `draw`, the visible one with stamps that are late; or `others`, each its own."""
    chance = np.random.default_rng(0)
    for spectrum, fps in zip((INFRARED, VISIBLE), rates, strict=True):
        for number in range(int(seconds * fps)):
            t_s = number / fps
            drawn = others if others is not None and spectrum is VISIBLE else draw
            own_gain = gain if spectrum is VISIBLE else lambda t_s: 1.0
            picture = picture_of(drawn, t_s - (late_s if spectrum is VISIBLE else 0.0), spectrum, chance, own_gain)
            check.see(frame(spectrum, t_s, picture))
    return check.look()


@pytest.mark.parametrize(
    ("late_s", "rates", "within_s"),
    [
        (0.0, (25, 25), 0.02),
        (0.3, (25, 25), 0.02),
        (-1.4, (25, 25), 0.02),
        (2.0, (25, 25), 0.02),
        (0.5, (9, 25), 0.055),
        (-0.8, (25, 9), 0.055),
    ],
)
def test_a_constant_offset_is_found_to_within_half_a_period(late_s, rates, within_s):
    """Visible minus infrared, surely, at equal and at unequal rates (there half a period of the slower camera)."""
    lag = watched(ContentCheck(ContentSettings()), Walkers(1), late_s=late_s, rates=rates)
    assert lag.sure, lag.reason
    assert lag.offset_s == pytest.approx(late_s, abs=within_s)
    assert lag.confidence >= 0.5
    assert lag.sigma_s < within_s


@pytest.mark.parametrize(
    "watch",
    [
        pytest.param({"draw": nothing}, id="nothing moves"),
        pytest.param({"draw": pendulum, "late_s": 0.3}, id="periodic"),
        pytest.param({"draw": nothing, "gain": lambda t_s: 1 + 0.3 * np.sin(3 * t_s) ** 3}, id="light alone"),
        pytest.param({"draw": Walkers(2), "others": Walkers(3)}, id="other people"),
        pytest.param({"draw": Walkers(2), "others": nothing}, id="blind camera"),
        pytest.param({"draw": Walkers(4), "late_s": 6.0}, id="beyond the search"),
    ],
)
def test_what_cannot_be_told_is_not_told(watch):
    """No confident wrong answer: a quiet, periodic, flickering or unrelated view is unsure, with a reason."""
    lag = watched(ContentCheck(ContentSettings()), **watch)
    assert not lag.sure
    assert lag.confidence < 0.5
    assert lag.reason


def test_a_change_of_light_does_not_hide_the_offset():
    """Exposure that swings in one camera changes all of its picture, and is not motion."""
    lag = watched(ContentCheck(ContentSettings()), Walkers(1), late_s=0.4, gain=lambda t_s: 1 + 0.3 * np.sin(5 * t_s))
    assert lag.sure, lag.reason
    assert lag.offset_s == pytest.approx(0.4, abs=0.02)


def test_it_says_nothing_before_there_is_enough():
    """One second of two cameras is too little, none of one camera as well."""
    assert ContentCheck(ContentSettings()).look().reason == NOT_SEEN
    assert watched(ContentCheck(ContentSettings()), Walkers(1), seconds=1.0).reason == NOT_SEEN


def test_a_break_in_time_forgets_that_camera():
    """Stamps of a new epoch, or stamps that step back, do not go together with those before."""
    check = ContentCheck(ContentSettings())
    assert watched(check, Walkers(1)).sure
    check.see(frame(INFRARED, SECONDS + 1, np.full((HEIGHT, WIDTH), 90), epoch=1))
    assert check.look().reason == NOT_SEEN


def test_only_the_window_is_kept():
    """An offset that the stamps had before the window does not count any more, and memory stays bounded."""
    check = ContentCheck(ContentSettings(window_s=5.0))
    walkers, chance = Walkers(1), np.random.default_rng(0)
    for spectrum in (INFRARED, VISIBLE):
        for number in range(300):
            t_s = number / 25
            late_s = 0.6 if spectrum is VISIBLE and t_s < 6 else 0.0
            check.see(frame(spectrum, t_s, picture_of(walkers, t_s - late_s, spectrum, chance, lambda t_s: 1.0)))
    assert check.look().seconds <= 5.1
    assert abs(check.look().offset_s) < 0.02
    assert all(len(kept) <= 5 * 25 + 1 for kept in check._kept.values())


def test_fast_cameras_are_thinned_out():
    """Of 200 frames a second about 60 are looked at."""
    check = ContentCheck(ContentSettings())
    for number in range(200):
        check.see(frame(INFRARED, number / 200, np.full((HEIGHT, WIDTH), number % 3)))
    assert 45 <= len(check._kept[INFRARED]) <= 67


def test_a_rig_brings_the_views_together():
    """With the homography, infrared that sees the middle of the view at twice the size says the same; without, it is not sure."""
    to_visible_33 = np.array([[0.5, 0, 0.25], [0, 0.5, 0.25], [0, 0, 1]])

    def see(check: ContentCheck) -> Lag:
        walkers, chance = Walkers(5, count=30), np.random.default_rng(0)
        for number in range(300):
            t_s = number / 25
            warm = picture_of(walkers, t_s, INFRARED, chance, lambda t_s: 1.0)[30:90, 40:120]
            check.see(frame(INFRARED, t_s, cv2.resize(warm, (WIDTH, HEIGHT))))
            check.see(frame(VISIBLE, t_s, picture_of(walkers, t_s - 0.2, VISIBLE, chance, lambda t_s: 1.0)))
        return check.look()

    lag = see(ContentCheck(ContentSettings(), to_visible_33))
    assert lag.sure, lag.reason
    assert lag.offset_s == pytest.approx(0.2, abs=0.02)
    assert not see(ContentCheck(ContentSettings())).sure


def test_raw_thermal_counts_do_as_well():
    """16-bit infrared needs no toning first."""
    check, walkers, chance = ContentCheck(ContentSettings()), Walkers(1), np.random.default_rng(0)
    for number in range(300):
        t_s = number / 25
        counts = (29000 + 8 * picture_of(walkers, t_s, INFRARED, chance, lambda t_s: 1.0)).astype(np.uint16)
        check.see(
            Frame(spectrum=INFRARED, t_cap_ns=round(t_s * NS_PER_S), image=counts, clock="host", seq=number, source="drawn"),
        )
        check.see(frame(VISIBLE, t_s, picture_of(walkers, t_s - 0.2, VISIBLE, chance, lambda t_s: 1.0)))
    lag = check.look()
    assert lag.sure, lag.reason
    assert lag.offset_s == pytest.approx(0.2, abs=0.02)


def test_reasons_are_told_apart():
    """Where nothing moves, it says so."""
    assert watched(ContentCheck(ContentSettings()), nothing).reason == NOT_ALIKE
