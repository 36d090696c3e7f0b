"""A folder of two drawn pairs with two boxes each."""

from pathlib import Path

import cv2

from tests.train.schooling import picture


def labelled_folder(folder: Path) -> None:
    """80 x 96 pixels; a person at the left, a car at the right."""
    for seed in (1, 2):
        pair = picture(seed)
        for name, pixels in (("ir", pair.infrared_HW), ("vi", pair.visible_HW3)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(folder / f"{name}/{seed}.png"), pixels)
        (folder / "labels").mkdir(exist_ok=True)
        (folder / f"labels/{seed}.txt").write_text("0 0.3 0.5 0.2 0.6\n2 0.7 0.5 0.3 0.4\n")
