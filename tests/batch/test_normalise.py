"""Bytes of a camera -> BT.601 full range, against the formulas of the standards."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamfuse.batch.normalise import normalise, to_bytes
from streamfuse.batch.raw import layout_of, nbytes, stage
from streamfuse.colour import NEUTRAL
from streamfuse.frames import Frame, Pair, Planes, Spectrum

# Kr, Kb: ITU-R BT.601-7 table 2, BT.709-6 table 3
COEFFICIENTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}
KINDS = list(itertools.product(("bt601", "bt709"), ("limited", "full")))
COLOURS = [(200, 60, 40), (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (12, 240, 131), (255, 255, 0), (90, 90, 90)]


def encoded(rgb: tuple[int, ...], matrix: str, value_range: str) -> tuple[float, float, float]:
    """R'G'B' in 0..255 -> codes of Y', Cb, Cr, not rounded."""
    red, green, blue = (c / 255 for c in rgb)
    kr, kb = COEFFICIENTS[matrix]
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    cb, cr = (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))
    if value_range == "full":
        return 255 * luma, 128 + 255 * cb, 128 + 255 * cr
    return 16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr


def decoded(luma: float, cb: float, cr: float) -> list[float]:
    """BT.601 full range in [0, 1] -> R'G'B' in 0..255, by the inverse that JFIF 1.02 prints."""
    y, cb, cr = 255 * luma, 255 * cb - 128, 255 * cr - 128
    return [y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb]


def normalised(image: object, matrix: str = "bt601", value_range: str = "full") -> tuple[torch.Tensor, torch.Tensor]:
    """Luma (1, 1, H, W) and chroma of one visible picture, by way of the stage's own staging."""
    frame = Frame(
        image=image,  # type: ignore[arg-type]
        spectrum=Spectrum.VISIBLE,
        t_cap_ns=0,
        clock="media",
        seq=0,
        source="drawn",
        matrix=matrix,  # type: ignore[arg-type]
        range=value_range,  # type: ignore[arg-type]
    )
    pair = Pair(infrared=None, visible=frame, infrared_state="absent", visible_state="fresh", stream="drawn", seq=0)
    layout = layout_of(pair)
    infrared, luma, chroma = normalise(stage((pair,), layout, torch.empty(nbytes(layout, 1), dtype=torch.uint8)))
    assert infrared is None
    assert luma is not None
    assert chroma is not None
    return luma, chroma


def flat(codes: tuple[float, ...], height: int = 4, width: int = 4) -> Planes:
    y, u, v = (np.uint8(np.clip(round(code), 0, 255)) for code in codes)
    small = (-(-height // 2), -(-width // 2))
    return Planes(y=np.full((height, width), y), u=np.full(small, u), v=np.full(small, v))


def test_by_hand():
    """(200, 60, 40) as BT.709 limited is (92, 105, 190); as BT.601 full it is (99.6, 94.4, 199.6)."""
    codes = encoded((200, 60, 40), "bt709", "limited")
    assert [round(code) for code in codes] == [92, 105, 190]
    luma, chroma = normalised(flat(codes), "bt709", "limited")
    assert 255 * luma[0, 0, 0, 0].item() == pytest.approx(99.58, abs=1)
    assert 255 * chroma[0, :, 0, 0].numpy() == pytest.approx(np.array([94.38, 199.63]), abs=1)


@pytest.mark.parametrize(("matrix", "value_range"), KINDS)
@pytest.mark.parametrize("rgb", COLOURS)
def test_every_colour_comes_back(matrix, value_range, rgb):
    """Whatever matrix and range a colour came in, it leaves as BT.601 full range and shows the same colour, to rounding of the codes."""
    luma, chroma = normalised(flat(encoded(rgb, matrix, value_range)), matrix, value_range)
    shown = decoded(luma[0, 0, 1, 1].item(), *chroma[0, :, 0, 0].tolist())
    assert shown == pytest.approx(rgb, abs=2)


@pytest.mark.parametrize(("matrix", "value_range"), KINDS)
def test_grey_stays_grey(matrix, value_range):
    """Neutral chroma stays neutral to the bit, and luma only changes its range."""
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    neutral = np.full((8, 8), 128, np.uint8)
    luma, chroma = normalised(Planes(y=ramp, u=neutral, v=neutral.copy()), matrix, value_range)
    assert bool((to_bytes(chroma) == 128).all())
    assert chroma.numpy() == pytest.approx(np.full((1, 2, 8, 8), NEUTRAL), abs=1e-6)
    want = ramp / 255 if value_range == "full" else np.clip((ramp.astype(float) - 16) / 219, 0, 1)
    assert luma[0, 0].numpy() == pytest.approx(want, abs=1e-6)


def test_full_range_bytes_survive():
    """All 256 codes of luma and chroma come back bit-exactly where the camera is BT.601 full range already."""
    every = np.arange(256, dtype=np.uint8)
    planes = Planes(y=np.tile(every, (2, 2)), u=every[None], v=every[None, ::-1].copy())
    luma, chroma = normalised(planes)
    assert np.array_equal(to_bytes(luma)[0, 0], planes.y)
    assert np.array_equal(to_bytes(chroma)[0, 0], planes.u)
    assert np.array_equal(to_bytes(chroma)[0, 1], planes.v)


@pytest.mark.parametrize(
    ("value_range", "codes"),
    [("full", [0, 1, 16, 235, 255]), ("limited", [0, 0, 0, 255, 255])],
)
def test_infrared_has_a_range_too(pair, frame, value_range, codes):
    """Limited infrared is stretched to full range, and what lies outside of it is clipped."""
    image = np.array([[0, 1, 16, 235, 255]], np.uint8)
    made = Pair(
        infrared=frame(Spectrum.INFRARED, image=image, range=value_range),
        visible=None,
        infrared_state="fresh",
        visible_state="absent",
        stream="a",
        seq=0,
    )
    layout = layout_of(made)
    infrared, luma, chroma = normalise(stage((made,), layout, torch.empty(nbytes(layout, 1), dtype=torch.uint8)))
    assert infrared is not None
    assert (luma, chroma) == (None, None)
    assert to_bytes(infrared).flatten().tolist() == codes


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (1, 1), (1, 4), (3, 2)])
def test_rgb(size):
    """RGB becomes luma per pixel and chroma of the mean of the up to four pixels below a sample, odd sizes included."""
    rgb = np.random.default_rng(3).integers(0, 256, (*size, 3), np.uint8)
    luma, chroma = normalised(rgb)
    want = np.array([[encoded(tuple(int(c) for c in pixel), "bt601", "full") for pixel in row] for row in rgb]) / 255
    assert luma[0, 0].numpy() == pytest.approx(want[..., 0], abs=1e-6)
    for y, x in itertools.product(range(chroma.shape[2]), range(chroma.shape[3])):
        block = want[2 * y : 2 * y + 2, 2 * x : 2 * x + 2, 1:]
        assert chroma[0, :, y, x].numpy() == pytest.approx(np.clip(block.mean((0, 1)), 0, 1), abs=1e-6)


def between(plane: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Bilinear, chroma sample (y, x) lying in the middle of pixels 2y, 2y+1 and 2x, 2x+1; the border goes on outside."""

    def along(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
        at = np.clip((np.arange(count) + 0.5) / 2 - 0.5, 0, len(values) - 1)
        low = np.minimum(at.astype(int), max(0, len(values) - 2))
        high = np.minimum(low + 1, len(values) - 1)
        part = (at - low)[:, None]
        between: NDArray[np.float64] = values[low] * (1 - part) + values[high] * part
        return between

    return along(along(plane, height).T, width).T


@pytest.mark.parametrize("size", [(8, 8), (9, 7), (5, 5), (2, 3), (1, 1), (11, 64)])
def test_chroma_stays_in_its_place(size):
    """Luma of a BT.709 picture is corrected by the chroma of its own place, also where a size is odd."""
    rng = np.random.default_rng(5)
    small = (-(-size[0] // 2), -(-size[1] // 2))
    planes = Planes(
        y=rng.integers(90, 160, size, np.uint8), u=rng.integers(100, 156, small, np.uint8), v=rng.integers(100, 156, small, np.uint8)
    )
    luma, _ = normalised(planes, "bt709", "full")
    cb, cr = (between((plane.astype(float) - 128) / 255, *size) for plane in (planes.u, planes.v))
    kr, kb = COEFFICIENTS["bt709"]
    y = planes.y / 255
    red, blue = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    assert luma[0, 0].numpy() == pytest.approx(0.299 * red + 0.587 * green + 0.114 * blue, abs=1e-5)


@settings(deadline=None, max_examples=60)
@given(codes=st.tuples(*[st.integers(0, 255)] * 3), kind=st.sampled_from(KINDS))
def test_nothing_leaves_the_range(codes, kind):
    """No byte of a camera, legal or not, leads out of [0, 1]."""
    for tensor in normalised(flat(codes, 3, 3), *kind):
        assert float(tensor.min()) >= 0
        assert float(tensor.max()) <= 1


def test_white_of_rgb_is_one():
    """The brightest RGB is luma 1 and not more."""
    luma, chroma = normalised(np.full((2, 2, 3), 255, np.uint8))
    assert float(luma.max()) <= 1
    assert to_bytes(luma).tolist() == [[[[255, 255], [255, 255]]]]
    assert to_bytes(chroma).flatten().tolist() == [128, 128]


def test_items_do_not_see_each_other(pair):
    """An item of a batch is the same to the bit as the item alone."""
    rng = np.random.default_rng(11)
    pairs = []
    for i in range(3):
        planes = Planes(
            y=rng.integers(0, 256, (9, 7), np.uint8), u=rng.integers(0, 256, (5, 4), np.uint8), v=np.full((5, 4), 90 + i, np.uint8)
        )
        pairs.append(pair(f"cam{i}", infrared=rng.integers(0, 256, (9, 7), np.uint8), visible=planes))
    layout = layout_of(pairs[0])
    together = normalise(stage(tuple(pairs), layout, torch.empty(nbytes(layout, 3), dtype=torch.uint8)))
    for i, item in enumerate(pairs):
        alone = normalise(stage((item,), layout, torch.empty(nbytes(layout, 1), dtype=torch.uint8)))
        for a, b in zip(together, alone, strict=True):
            assert a is not None
            assert b is not None
            assert torch.equal(a[i : i + 1], b)


@pytest.mark.parametrize(("value", "code"), [(0.0, 0), (1.0, 255), (-0.2, 0), (1.2, 255), (127.4 / 255, 127), (127.6 / 255, 128)])
def test_to_bytes_rounds_and_clips(value, code):
    """Floats become the nearest byte; what is out of range is clipped, never wrapped."""
    assert to_bytes(torch.tensor([value])).tolist() == [code]
