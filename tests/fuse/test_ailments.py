"""What is found on drawn streets: nothing on clear ones by day, and the right dial once a fault comes upon them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from streamfuse.frames import Frame, Spectrum
from streamfuse.fuse.ailments import AILMENTS
from streamfuse.fuse.picture_facts import facts
from streamfuse.networks.dials import DIAL_INDEX
from streamfuse.source.scene import SceneSettings, SceneSource
from streamfuse.train.degradations import DIAL_OF, apply
from streamfuse.train.drawn import DrawnPair, scene_pairs

FOUND_AT_WORST = [fault for fault in DIAL_OF if fault not in ("visible.rain", "visible.glare")]
"""Rain is not looked for; how glare comes out depends on the lamps that chance draws."""


def turned(picture: np.ndarray, spectrum: Spectrum) -> dict[str, float]:
    seen = facts(Frame(image=np.ascontiguousarray(picture), spectrum=spectrum, t_cap_ns=0, clock="media", seq=0, source="drawn"))
    return {a.dial: a.amount(seen) for a in AILMENTS if a.camera == spectrum.value and a.excess(seen) >= 1}


def picture(street: DrawnPair, spectrum: Spectrum) -> np.ndarray:
    return street.infrared_HW if spectrum is Spectrum.INFRARED else street.visible_HW3


def spoilt(clean: np.ndarray, fault: str, strength: float, seed: int = 0) -> np.ndarray:
    deep = clean if clean.ndim == 3 else clean[..., None]
    whole = torch.from_numpy(deep.copy()).permute(2, 0, 1)[None].float() / 255
    worse = apply(fault, whole, torch.tensor([strength]), torch.Generator().manual_seed(seed))[0].permute(1, 2, 0)
    levels = worse.mul(255).round().byte().numpy()
    return levels if clean.ndim == 3 else levels[..., 0]


@pytest.fixture(scope="module")
def street() -> DrawnPair:
    return next(scene_pairs(1, 5))


def test_every_dial_exists():
    """Each ailment turns a repair of its own camera, and no dial is turned for two of them."""
    assert len({ailment.dial for ailment in AILMENTS}) == len(AILMENTS)
    for ailment in AILMENTS:
        assert ailment.dial in DIAL_INDEX
        assert ailment.dial.startswith(ailment.camera)


@given(st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_clear_streets_by_day_raise_nothing(seed):
    """Neither camera of a drawn street by day ails from anything."""
    for spectrum in Spectrum:
        source = SceneSource(SceneSettings(spectrum=spectrum, seed=seed, frames=1))
        source.open()
        frame = source.read()
        assert frame is not None
        assert [a.dial for a in AILMENTS if a.camera == spectrum.value and a.excess(facts(frame)) >= 1] == []


@pytest.mark.parametrize("fault", FOUND_AT_WORST)
def test_a_spoilt_street_raises_the_right_dial(street, fault):
    """The fault at its worst turns its dial; the clean picture of the same camera does not."""
    spectrum = Spectrum(fault.split(".")[0])
    clean = picture(street, spectrum)
    assert DIAL_OF[fault] not in turned(clean, spectrum)
    assert turned(spoilt(clean, fault, 1.0), spectrum).get(DIAL_OF[fault], 0) >= 0.4


STEPS = {"visible.darkness": (0.3, 0.4, 0.5), "visible.noise": (0.15, 0.3, 0.45), "infrared.stripes": (0.1, 0.15, 0.3)}


@pytest.mark.parametrize("fault", STEPS)
def test_the_worse_the_fault_the_higher_the_dial(street, fault):
    """A dial follows the strength of what it is for, until that is bad."""
    spectrum = Spectrum(fault.split(".")[0])
    amounts = [turned(spoilt(picture(street, spectrum), fault, strength), spectrum).get(DIAL_OF[fault], 0) for strength in STEPS[fault]]
    assert amounts[0] < amounts[1] < amounts[2]


def test_an_overexposed_picture_is_glare_and_no_haze(street):
    """A third of all pixels clipped is too much light, however flat the rest has become."""
    bright = np.clip(picture(street, Spectrum.VISIBLE).astype(int) * 3, 0, 255).astype(np.uint8)
    assert set(turned(bright, Spectrum.VISIBLE)) == {"visible_glare"}


def test_a_dark_picture_is_no_haze(street):
    """Darkness takes contrast as well, but leaves no veil."""
    assert set(turned(picture(street, Spectrum.VISIBLE) // 8, Spectrum.VISIBLE)) == {"visible_light"}


def test_reasons_name_camera_fault_and_figure(street):
    """What is told is read by people."""
    seen = facts(Frame(image=np.full((64, 64), 18, np.uint8), spectrum=Spectrum.INFRARED, t_cap_ns=0, clock="media", seq=0, source="flat"))
    dark = next(ailment for ailment in AILMENTS if ailment.dial == "visible_light")
    assert dark.reason(seen) == "visible dark: mean 0.07"
