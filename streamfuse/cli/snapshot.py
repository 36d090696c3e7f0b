"""One picture of a run: visible, infrared and fused side by side, with the boxes."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.cli.outputs import write_picture
from streamfuse.flow.recipe import Recipe
from streamfuse.frames import Pair, Planes
from streamfuse.results import Detections, Result
from streamfuse.video import to_rgb

BEST_RESULT = 60  # by then there are tracks
BOX_RGB = (255, 210, 60)


class Snapshot:
    """Two stages of a user's own, put between those of a recipe: the pair as it was matched, the result as it leaves."""

    def __init__(self) -> None:
        self._pair: Pair | None = None
        self._shown: tuple[Pair, Result] | None = None

    def attach(self, recipe: Recipe) -> None:
        """Look in after `sync` and after `detect`."""
        recipe.after("sync", self._see_pair).after("detect", self._see_result)

    def save(self, path: Path) -> bool:
        """Write what was seen last, but no later than result number 60 and rather a whole pair than half of one; False if nothing was.

        `OSError` where that fails.
        """
        if self._shown is None:
            return False
        pair, result = self._shown
        pictures = [_rgb(frame.image) for frame in (pair.visible, pair.infrared) if frame is not None]
        pictures.append(with_boxes(to_rgb(result.image), result.detections))
        write_picture(path, side_by_side(pictures))
        return True

    def _see_pair(self, pair: Pair) -> Pair:
        self._pair = pair
        return pair

    def _see_result(self, result: Result) -> Result:
        if self._pair is None or self._pair.seq != result.seq or result.seq > BEST_RESULT:
            return result
        if self._shown is None or _is_whole(self._pair) or not _is_whole(self._shown[0]):
            self._shown = (self._pair, result)
        return result


def with_boxes(rgb: NDArray[np.uint8], detections: Detections) -> NDArray[np.uint8]:
    """(H, W, 3) with a box and the track id of each detection drawn into a copy."""
    drawn = rgb.copy()
    for box, track, index in zip(detections.boxes_N4, detections.tracks_N, detections.classes_N, strict=True):
        x1, y1, x2, y2 = (round(float(value)) for value in box)
        cv2.rectangle(drawn, (x1, y1), (x2, y2), BOX_RGB, 1, cv2.LINE_AA)
        name = detections.names[index] if track < 0 else f"{detections.names[index]} {track}"
        cv2.putText(drawn, name, (x1, max(10, y1 - 3)), cv2.FONT_HERSHEY_SIMPLEX, 0.35, BOX_RGB, 1, cv2.LINE_AA)
    return drawn


def side_by_side(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """All at the height of the last one."""
    height = pictures[-1].shape[0]
    scaled = [cv2.resize(p, (round(p.shape[1] * height / p.shape[0]), height)) if p.shape[0] != height else p for p in pictures]
    return np.concatenate(scaled, 1)


def _is_whole(pair: Pair) -> bool:
    return pair.infrared is not None and pair.visible is not None


def _rgb(image: Any) -> NDArray[np.uint8]:
    if isinstance(image, Planes):
        return to_rgb(image)
    return np.repeat(image[..., None], 3, 2) if image.ndim == 2 else image
