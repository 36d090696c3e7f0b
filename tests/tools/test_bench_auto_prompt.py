"""The measurement of `prompt: auto` counts what it says it counts."""

from pathlib import Path

import cv2
import numpy as np

from streamfuse.train.data import find_pairs
from streamfuse.train.drawn import scene_pairs
from tools.bench.auto_prompt import STRENGTHS, measured, row, story


def written(folder: Path, count: int) -> Path:
    """Drawn pairs in the layout of our own."""
    for camera in ("ir", "vi"):
        (folder / camera).mkdir(parents=True)
    for number, pair in enumerate(scene_pairs(count, 3)):
        cv2.imwrite(str(folder / "ir" / f"{number:04d}.png"), pair.infrared_HW)
        cv2.imwrite(str(folder / "vi" / f"{number:04d}.png"), np.ascontiguousarray(pair.visible_HW3[..., ::-1]))
    return folder


def test_a_row_holds_what_was_found(tmp_path):
    """Stripes are found on both drawn pictures in every strength and on no clean one; rain has no dial that is turned."""
    clean, worse = measured(find_pairs(written(tmp_path / "made", 2)))
    stripes = row("infrared.stripes", clean, worse)
    assert [stripes[f"found {strength:g}"] for strength in STRENGTHS] == ["100%"] * 4
    assert all(str(stripes[light]).startswith("0 of") for light in ("clean day", "clean night"))
    assert [row("visible.rain", clean, worse)[f"found {strength:g}"] for strength in STRENGTHS] == ["0%"] * 4


def test_a_story_says_when(tmp_path):
    """A recording of pictures that stays dark is told with the second at which the dial was turned."""
    folder = written(tmp_path / "still", 1)
    for camera, level in (("ir", 1.0), ("vi", 0.1)):
        picture = np.asarray(cv2.imread(str(folder / camera / "0000.png"), cv2.IMREAD_GRAYSCALE), np.float32)
        for number in range(45):
            cv2.imwrite(str(folder / camera / f"{number:04d}.png"), (picture * level).astype(np.uint8))
    told, said = story(folder)
    assert told.startswith("still, 1.5 s: 1.0 s visible_light ")
    assert len(said) == 1
