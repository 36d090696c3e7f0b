"""A picture of a rig, for people: both cameras in a checkerboard, and the edges of both over each other."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.align.grid import infrared_positions
from streamfuse.align.orientation import Picture
from streamfuse.align.rig import Rig
from streamfuse.errors import RigError

TILES = 8  # along the longer side
EDGE_BLUR_PX = 1.2
EDGE_NEIGHBOURHOOD_PX = 20.0
INFRARED_BGR, VISIBLE_BGR = (0.15, 0.35, 1.0), (0.9, 0.9, 0.1)  # where both lie on each other it is nearly white
CAPTION_PX = 26


def proof(rig: Rig, infrared: Picture, visible: Picture) -> NDArray[np.uint8]:
    """(2 H + captions, W, 3) BGR, uint8: checkerboard above, edges below. Grey pictures of any depth in."""
    places = infrared_positions(rig)
    warped = cv2.remap(even(infrared), places[..., 0], places[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    h, w = infrared.shape
    seen = (places[..., 0] >= 0) & (places[..., 1] >= 0) & (places[..., 0] <= w - 1) & (places[..., 1] <= h - 1)
    base = even(visible)
    residual = "" if rig.residual_px is None else f", residual {rig.residual_px:.1f} px"
    parts = (
        _captioned(_checkerboard(base, warped, seen), f"infrared (warm tint) and visible in turn - {rig.method}{residual}"),
        _captioned(_edges(base, warped, seen), "edges: infrared orange, visible cyan, white where they meet"),
    )
    return np.concatenate(parts)


def save_proof(rig: Rig, infrared: Picture, visible: Picture, path: Path) -> None:
    """Write `proof` as a picture. `RigError` where that is not possible."""
    try:
        written = cv2.imwrite(str(path), proof(rig, infrared, visible))
    except cv2.error:
        written = False
    if not written:
        raise RigError(f"cannot write {path}: want a name that ends in .jpg or .png, in a folder that exists")


def even(picture: Picture) -> NDArray[np.uint8]:
    """Any depth -> 8 bits, between its own percentiles."""
    low, high = np.percentile(picture, (1, 99))
    return np.asarray(np.clip((picture.astype(np.float32) - low) * (255 / max(float(high - low), 1.0)), 0, 255), np.uint8)


def _checkerboard(base: NDArray[np.uint8], warped: NDArray[np.uint8], seen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    height, width = base.shape
    tile = max(8, max(height, width) // TILES)
    y, x = np.mgrid[0:height, 0:width] // tile
    chosen = ((x + y) % 2 == 1) & seen
    tinted = np.stack([warped * 0.6, warped * 0.8, warped], -1)
    return np.where(chosen[..., None], tinted, base[..., None]).astype(np.uint8)


def _edges(base: NDArray[np.uint8], warped: NDArray[np.uint8], seen: NDArray[np.bool_]) -> NDArray[np.uint8]:
    inside = cv2.erode(seen.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(np.float32)
    lines = [(_lines(base), VISIBLE_BGR), (_lines(warped) * inside, INFRARED_BGR)]
    drawn = sum(line[..., None] * np.array(colour, np.float32) for line, colour in lines)
    return np.asarray(np.clip(drawn, 0, 255), np.uint8)


def _lines(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), EDGE_BLUR_PX)
    size = cv2.magnitude(cv2.Scharr(smooth, cv2.CV_32F, 1, 0), cv2.Scharr(smooth, cv2.CV_32F, 0, 1))
    usual = cv2.GaussianBlur(size, (0, 0), EDGE_NEIGHBOURHOOD_PX) + 0.5 * float(size.mean()) + 1
    return np.asarray(np.clip(size / usual - 0.5, 0, 3) * 85, np.float32)


def _captioned(picture: NDArray[np.uint8], words: str) -> NDArray[np.uint8]:
    bar = np.zeros((CAPTION_PX, picture.shape[1], 3), np.uint8)
    scale = min(0.5, picture.shape[1] / 1300)
    cv2.putText(bar, words, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, scale, (230, 230, 230), 1, cv2.LINE_AA)
    return np.concatenate([bar, picture])
