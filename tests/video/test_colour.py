"""Planes and RGB: exact colours, by the formulas of ITU-R BT.601 and BT.709."""

import itertools
from typing import Any

import cv2
import numpy as np
import pytest

from streamfuse.errors import FrameError
from streamfuse.frames import Planes, chroma_size
from streamfuse.video import from_rgb, to_rgb

WEIGHTS = {"bt601": (0.299, 0.587, 0.114), "bt709": (0.2126, 0.7152, 0.0722)}
COLOURS = list(itertools.product((0, 60, 128, 200, 255), repeat=3))
SIZES = [(4, 6), (5, 7), (33, 46), (34, 45)]


def yuv_of(rgb: tuple[int, ...], matrix: str, range_: str) -> Any:
    """Y'CbCr of one colour, by the definition, as 8-bit numbers."""
    (kr, kg, kb), (r, g, b) = WEIGHTS[matrix], np.array(rgb) / 255
    y = kr * r + kg * g + kb * b
    cb, cr = (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))
    values = (255 * y, 128 + 255 * cb, 128 + 255 * cr) if range_ == "full" else (16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr)
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def flat(size: tuple[int, int], yuv: Any) -> Planes:
    half = (chroma_size(size[0]), chroma_size(size[1]))
    return Planes(y=np.full(size, yuv[0], np.uint8), u=np.full(half, yuv[1], np.uint8), v=np.full(half, yuv[2], np.uint8))


@pytest.mark.parametrize("size", SIZES)
def test_from_rgb_is_bt601_full(size):
    """A flat colour becomes the planes that BT.601 full range defines, in odd sizes too."""
    for rgb in COLOURS:
        planes, want = from_rgb(np.full((*size, 3), rgb, np.uint8)), yuv_of(rgb, "bt601", "full")
        assert planes.size == size
        for plane, value in zip((planes.y, planes.u, planes.v), want, strict=True):
            assert np.abs(plane.astype(int) - value).max() <= 1, rgb


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("matrix", ["bt601", "bt709"])
@pytest.mark.parametrize("range_", ["full", "limited"])
def test_to_rgb_knows_matrix_and_range(size, matrix, range_):
    """Planes of either matrix and either range give the colour back, within two levels."""
    for rgb in COLOURS:
        out = to_rgb(flat(size, yuv_of(rgb, matrix, range_)), matrix, range_)
        assert out.shape == (*size, 3)
        assert np.abs(out.astype(int) - rgb).max() <= 2, rgb


def test_the_wrong_matrix_shows():
    """What BT.709 coded and BT.601 reads is visibly another colour: the tags matter."""
    planes = flat((4, 4), yuv_of((200, 60, 40), "bt709", "limited"))
    assert np.abs(to_rgb(planes, "bt601", "limited")[0, 0].astype(int) - (186, 46, 41)).max() <= 1


@pytest.mark.parametrize("size", [(64, 96), (63, 95)])
def test_a_picture_survives_there_and_back(size):
    """A soft picture comes back nearly as it was; only chroma is coarser."""
    rgb = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8), (0, 0), 6)
    assert np.abs(to_rgb(from_rgb(rgb)).astype(int) - rgb).mean() < 1


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_not_rgb_is_refused(wrong):
    """Rank, channels, depth and emptiness are checked."""
    with pytest.raises(FrameError, match=r"must be \(H, W, 3\) uint8"):
        from_rgb(wrong)
