"""`streamfuse.train.captions`."""

from pathlib import Path

import numpy as np
import pytest

from streamfuse.results import Detections
from streamfuse.text.bank import FAULTS
from streamfuse.train.boxes import CLASSES
from streamfuse.train.captions import caption, fault_sentences, named_faults
from streamfuse.train.data import PairRecord, find_pairs, load
from streamfuse.train.measured import Measured
from streamfuse.train.split import Light

CLEAR = {
    "visible_mean": 110.0,
    "visible_clipped": 0.0,
    "visible_veil": 0.0,
    "visible_noise": 0.5,
    "infrared_spread": 120.0,
    "infrared_noise": 0.4,
    "infrared_stripes": 0.4,
}


def boxes(*found: tuple[str, tuple[int, int, int, int]]) -> Detections:
    count = len(found)
    return Detections(
        boxes_N4=np.array([box for _, box in found], np.float32).reshape(-1, 4),
        scores_N=np.ones(count, np.float32),
        classes_N=np.array([CLASSES.index(name) for name, _ in found], np.int32),
        tracks_N=np.full(count, -1, np.int32),
        names=CLASSES,
    )


def record(light: Light = "day") -> PairRecord:
    return PairRecord(name="yard/1", group="yard", part="train", infrared=Path("ir/1.png"), visible=Path("vi/1.png"), light=light)


@pytest.fixture
def pair():
    """Waves of grey in both pictures; a warm patch at the left of infrared."""
    waves = 10 * np.sin(np.arange(90)[:, None] / 3) * np.sin(np.arange(300) / 3)
    ramp = (np.linspace(60, 200, 300) + waves).astype(np.uint8)
    infrared = ramp.copy()
    infrared[20:70, 20:40] = 250
    return infrared, np.repeat(ramp[..., None], 3, axis=2)


def test_a_clear_pair_is_called_clear(pair):
    """Nothing is invented: scene, and two clear cameras; without boxes nobody is mentioned."""
    infrared, visible = pair
    assert caption(record(), infrared, visible, None) == [
        "A scene by day.",
        "The visible picture is clear.",
        "The infrared picture is clear.",
    ]
    assert caption(record("unknown"), infrared, visible, boxes())[0] == "A scene."


def test_objects_are_counted_and_placed(pair):
    """Counts in words, and the third of the picture where all of a kind are in one."""
    infrared, visible = pair
    found = boxes(("person", (20, 20, 40, 70)), ("car", (130, 20, 160, 60)), ("car", (240, 20, 280, 60)))
    assert caption(record("night"), infrared, visible, found)[0] == "One person on the left and two vehicles at night."
    many = boxes(*[("person", (20 * n, 20, 20 * n + 10, 60)) for n in range(12)])
    assert caption(record(), infrared, visible, many)[0] == "Many people by day."


def test_which_camera_shows_the_people_is_told(pair):
    """Warm in infrared and lost in the dark are said where they are so, and only there."""
    infrared, visible = pair
    person = boxes(("person", (20, 20, 40, 70)))
    assert "The person stands out warm in the infrared picture." in caption(record(), infrared, visible, person)
    assert "The person can hardly be seen in the visible picture." in caption(record(), infrared, visible // 20, person)
    cold = boxes(("person", (120, 20, 140, 70)))
    told = " ".join(caption(record(), infrared, visible, cold))
    assert "warm" not in told
    assert "hardly" not in told


@pytest.mark.parametrize(
    ("changed", "light", "fault", "words"),
    [
        ({"visible_mean": 12.0}, "night", "visible.darkness", "The visible picture is almost black."),
        ({"visible_mean": 50.0}, "night", "visible.darkness", "The visible picture is rather dark."),
        ({"visible_clipped": 0.01}, "night", "visible.glare", "Bright lights in the visible picture are overexposed."),
        ({"visible_clipped": 0.1}, "day", "visible.glare", "Bright parts in the visible picture are overexposed."),
        ({"visible_veil": 0.7}, "day", "visible.haze", "Haze or smoke hides part of the visible picture."),
        ({"visible_noise": 9.0}, "day", "visible.noise", "The visible picture is noisy."),
        ({"infrared_spread": 20.0}, "day", "infrared.low_contrast", "The infrared picture has very low contrast."),
        ({"infrared_spread": 45.0}, "day", "infrared.low_contrast", "The infrared picture has low contrast."),
        ({"infrared_stripes": 3.0}, "day", "infrared.stripes", "Stripes cover the infrared picture."),
        ({"infrared_noise": 5.0}, "day", "infrared.noise", "The infrared picture is noisy."),
    ],
)
def test_each_measured_fault_has_its_words(changed, light, fault, words):
    """A number beyond its limit names that fault and no other, as the shipped prompts call it."""
    faults = named_faults(Measured(**{**CLEAR, **changed}), light)
    assert list(faults) == [fault]
    assert fault in FAULTS
    assert 0 < faults[fault] <= 1
    assert words in fault_sentences(faults, light)


def test_a_little_glare_is_normal_by_day():
    """A bright sky is no fault, the same share of lamps at night is."""
    measured = Measured(**{**CLEAR, "visible_clipped": 0.01})
    assert not named_faults(measured, "day")
    assert "visible.glare" in named_faults(measured, "night")


def test_several_faults_share_a_sentence():
    """One sentence for each camera, however much ails it."""
    dark = {"visible.darkness": 0.8, "visible.noise": 0.4}
    assert fault_sentences(dark, "night")[0] == "The visible picture is very dark and the visible picture is noisy."


@pytest.mark.needs_data
def test_smoke_and_night_are_told_from_clear_days(data):
    """Of the recordings, only the one with smoke is called hazy; the night street of MSRS is called dark, the day street is not."""

    def said(folder: str, number: int) -> str:
        found = find_pairs(data / folder, every=150)[number]
        return " ".join(caption(found, *load(found), None))

    assert "Haze or smoke" in said("replay/m3svd_0117_1605", 1)
    for clear in ("replay/m3svd_0111_1716", "replay/m3svd_1230_1202"):
        assert "Haze or smoke" not in said(clear, 1)
    assert "dark" in said("msrs_dev", 0)
    assert "dark" not in said("msrs_dev", 60)
