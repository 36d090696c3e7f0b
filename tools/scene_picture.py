"""Draw the picture of the README from the drawn scene: visible and infrared side by side, one row per weather.

python tools/scene_picture.py docs/scene.png [--at 6.5] [--weather day night smoke] [--boxes]
"""

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.frames import Frame, Planes
from streamfuse.source.scene.settings import SceneSettings
from streamfuse.source.scene.stream import SceneSource

WEATHERS = {
    "day": {},
    "night": {"night": 1.0},
    "dusk": {"night": 0.6},
    "fog": {"fog": 0.7},
    "smoke": {"smoke": 1.0},
    "dark": {"night": 1.0, "smoke": 0.8},
}
COLOURS = {"person": (80, 220, 80), "car": (60, 190, 255)}  # BGR
GAP_PX = 4


def bgr(frame: Frame) -> NDArray[np.uint8]:
    """A frame as OpenCV writes it: (H, W, 3), BT.601 full range undone."""
    if not isinstance(frame.image, Planes):
        grey: NDArray[np.uint8] = cv2.cvtColor(np.asarray(frame.image), cv2.COLOR_GRAY2BGR)
        return grey
    height, width = frame.image.size
    y, u, v = (np.float32(cv2.resize(plane, (width, height))) for plane in (frame.image.y, frame.image.u, frame.image.v))
    blue, green, red = y + 1.772 * (u - 128), y - 0.344136 * (u - 128) - 0.714136 * (v - 128), y + 1.402 * (v - 128)
    return np.rint(np.stack([blue, green, red], axis=-1)).clip(0, 255).astype(np.uint8)


def row(at_s: float, seed: int, weather: dict[str, float], boxes: bool) -> NDArray[np.uint8]:
    """Visible and infrared at one instant."""
    pictures: list[NDArray[Any]] = []
    for spectrum in ("visible", "infrared"):
        source = SceneSource(SceneSettings.model_validate({"spectrum": spectrum, "start_s": at_s, "seed": seed, **weather}))
        source.open()
        frame = source.read()
        assert frame is not None
        picture = bgr(frame)
        found = source.boxes(at_s)
        for (x1, y1, x2, y2), kind in zip(found.boxes_N4.round().astype(int).tolist() if boxes else [], found.classes_N, strict=False):
            cv2.rectangle(picture, (x1, y1), (x2, y2), COLOURS[found.names[kind]], 1, cv2.LINE_AA)
        pictures += [picture, np.full((picture.shape[0], GAP_PX, 3), 255, np.uint8)]
    return np.hstack(pictures[:-1])


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, help="PNG or JPEG to write")
    parser.add_argument("--at", type=float, default=6.5, help="seconds in the life of the street")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--weather", nargs="+", choices=list(WEATHERS), default=["day", "night", "smoke"])
    parser.add_argument("--boxes", action="store_true", help="draw the exact boxes")
    arguments = parser.parse_args()
    rows = [row(arguments.at, arguments.seed, WEATHERS[weather], arguments.boxes) for weather in arguments.weather]
    gap = np.full((GAP_PX, rows[0].shape[1], 3), 255, np.uint8)
    stacked = [part for picture in rows for part in (picture, gap)][:-1]
    if not cv2.imwrite(str(arguments.path), np.vstack(stacked)):
        parser.error(f"{arguments.path}: cannot write; the folder must exist and the name end in .png or .jpg")


if __name__ == "__main__":
    main()
