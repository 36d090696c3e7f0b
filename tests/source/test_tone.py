"""Tone: 16-bit infrared to 8 bits."""

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from streamfuse.frames import Frame, Planes, Spectrum
from streamfuse.source.tone import Tone, ToneSettings

METHODS = ("percentile", "plateau")


def frame_of(image: NDArray[Any], t_s: float = 0.0, epoch: int = 0) -> Frame:
    return Frame(image=image, spectrum=Spectrum.INFRARED, t_cap_ns=round(t_s * 1e9), clock="media", seq=0, epoch=epoch, source="x")


def scene(offset: int = 0, scale: float = 1.0) -> NDArray[np.uint16]:
    """A warm blob on a cool, slightly noisy ground, in 14 bits."""
    rng = np.random.default_rng(1)
    ground = 7000 + 300 * np.linspace(0, 1, 160)[None, :] + rng.normal(0, 4, (120, 160))
    cv2.circle(blob := np.zeros((120, 160)), (80, 60), 20, 900.0, -1)
    return (offset + scale * (ground + blob)).astype(np.uint16)


def toned(tone: Tone, image: NDArray[Any], t_s: float = 0.0, epoch: int = 0) -> Any:
    return tone.tone(frame_of(image, t_s, epoch)).image


@pytest.mark.parametrize("method", METHODS)
def test_uses_the_whole_range_in_order(method):
    """The coldest is black, the hottest white, and warmer is never darker."""
    image = scene()
    out = toned(Tone(ToneSettings(method=method)), image)
    assert out.dtype == np.uint8
    assert (out.min(), out.max()) == (0, 255)
    order = np.argsort(image.ravel(), kind="stable")
    assert (np.diff(out.ravel()[order].astype(int)) >= 0).all()


def test_percentiles_are_black_and_white():
    """As many pixels are cut off at each end as the settings say."""
    image = np.arange(40_000, dtype=np.uint16).reshape(200, 200)
    out = toned(Tone(ToneSettings(low_percent=10, high_percent=80)), image)
    assert (out == 0).mean() == pytest.approx(0.10, abs=0.01)
    assert (out == 255).mean() == pytest.approx(0.20, abs=0.01)


def test_plateau_gives_detail_to_what_fills_the_picture():
    """Against the straight line, equalisation spreads the ground over more greys and still keeps the blob on top."""
    image = scene()
    linear = toned(Tone(ToneSettings(low_percent=0, high_percent=100)), image)
    equalised = toned(Tone(ToneSettings(method="plateau", low_percent=0, high_percent=100)), image)
    ground = image < 7400
    assert np.ptp(equalised[ground]) > 1.5 * np.ptp(linear[ground])
    assert equalised[60, 80] > equalised[ground].max()


@pytest.mark.parametrize("method", METHODS)
def test_an_even_scene_stays_even(method):
    """Sensor noise on a flat wall is not blown up to black and white."""
    image = np.random.default_rng(0).integers(8000, 8004, (120, 160)).astype(np.uint16)
    out = toned(Tone(ToneSettings(method=method, min_span_levels=64)), image)
    assert np.ptp(out) < 32


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("value", [0, 65535])
def test_one_value_everywhere(method, value):
    """A picture of a single value, even at an end of the range, is a picture of a single grey."""
    out = toned(Tone(ToneSettings(method=method)), np.full((12, 16), value, np.uint16))
    assert np.ptp(out) == 0


@pytest.mark.parametrize("method", METHODS)
def test_does_not_flicker(method):
    """When a hot thing comes into view, the ground darkens slowly instead of at once, and settles."""
    tone = Tone(ToneSettings(method=method, time_constant_s=1.0))
    calm, hot = scene(), scene()
    hot[:, 100:] = 14000
    before = toned(tone, calm)[:, :60].mean()
    ground = [toned(tone, hot, n / 30)[:, :60].mean() for n in range(1, 300)]
    steps = np.abs(np.diff([before, *ground]))
    at_once = toned(Tone(ToneSettings(method=method)), hot)[:, :60].mean()
    assert steps.max() < abs(at_once - before) / 15
    assert ground[-1] == pytest.approx(at_once, abs=1.5)


def test_speed_does_not_depend_on_the_frame_rate():
    """After one second the curve has moved as far at 10 as at 50 frames a second."""
    ends = []
    for rate in (10, 50):
        tone = Tone(ToneSettings(time_constant_s=1.0))
        tone.tone(frame_of(scene()))
        ends.append([toned(tone, scene(offset=500), n / rate) for n in range(1, rate + 1)][-1])
    assert np.abs(ends[0].astype(int) - ends[1]).max() <= 1


def test_a_new_epoch_starts_afresh():
    """After a break in time nothing of the old curve is left."""
    tone = Tone(ToneSettings())
    tone.tone(frame_of(scene()))
    fresh = toned(tone, scene(offset=3000), 0.1, epoch=1)
    assert np.array_equal(fresh, toned(Tone(ToneSettings()), scene(offset=3000)))


def test_no_time_constant_follows_at_once():
    """With a time constant of 0 each frame is toned by itself."""
    tone = Tone(ToneSettings(time_constant_s=0))
    tone.tone(frame_of(scene()))
    second = toned(tone, scene(offset=3000), 0.03)
    assert np.array_equal(second, toned(Tone(ToneSettings()), scene(offset=3000)))


def test_the_same_recording_is_toned_the_same():
    """Two runs give the same bytes."""
    runs = [[toned(tone, scene(scale=1 + n / 90), n / 30) for n in range(20)] for tone in (Tone(ToneSettings()), Tone(ToneSettings()))]
    assert all(np.array_equal(a, b) for a, b in zip(*runs, strict=True))


def test_keeps_all_but_the_pixels():
    """Time, number and name of the frame stay; the range becomes full; the original stays as it is."""
    frame = frame_of(image := scene(), 5.0, epoch=3)
    out = Tone(ToneSettings()).tone(frame)
    assert (out.t_cap_ns, out.epoch, out.source, out.range) == (frame.t_cap_ns, 3, "x", "full")
    assert frame.image is image
    assert np.array_equal(image, scene())


def test_leaves_8_bits_and_visible_alone():
    """What needs no toning is the very same object afterwards."""
    grey = frame_of(np.zeros((4, 4), np.uint8))
    planes = Planes(y=np.zeros((4, 4), np.uint8), u=np.zeros((2, 2), np.uint8), v=np.zeros((2, 2), np.uint8))
    colour = Frame(image=planes, spectrum=Spectrum.VISIBLE, t_cap_ns=0, clock="media", seq=0, source="x")
    tone = Tone(ToneSettings())
    assert tone.tone(grey) is grey
    assert tone.tone(colour) is colour
