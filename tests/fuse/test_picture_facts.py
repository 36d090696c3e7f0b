"""The numbers of a picture are those that somebody wrote into it."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamfuse.frames import Frame, Planes, Spectrum
from streamfuse.fuse.picture_facts import Facts, facts

SIZE = (240, 320)


def frame(image: Any, spectrum: Spectrum = Spectrum.VISIBLE, **fields: Any) -> Frame:
    if spectrum is Spectrum.VISIBLE and image.ndim == 2:
        chroma = np.full(((image.shape[0] + 1) // 2, (image.shape[1] + 1) // 2), 128, np.uint8)
        image = Planes(y=image, u=chroma, v=chroma.copy())
    return Frame(image=image, spectrum=spectrum, t_cap_ns=0, clock="media", seq=0, source="made", **fields)


def steps(seed: int = 0) -> np.ndarray:
    """Grey rectangles with sharp edges, levels 40 to 200."""
    coarse = np.random.default_rng(seed).integers(40, 201, (SIZE[0] // 40, SIZE[1] // 40), dtype=np.uint8)
    return np.kron(coarse, np.ones((40, 40), np.uint8))


def noisy(picture: np.ndarray, deviation: float) -> np.ndarray:
    grains = np.random.default_rng(1).normal(0, deviation * 255, picture.shape)
    return np.clip(picture + grains, 0, 255).round().astype(np.uint8)


def test_levels_are_shares_of_white():
    """A quarter white, the rest at 51 of 255: mean 0.4, median and floor 0.2, and a quarter clipped."""
    picture = np.full(SIZE, 51, np.uint8)
    picture[: SIZE[0] // 4] = 255
    found = facts(frame(picture))
    assert (found.mean, found.middle, found.floor, found.top) == pytest.approx((0.4, 0.2, 0.2, 1.0), abs=0.01)
    assert found.clipped == pytest.approx(0.25)
    assert found.spread == pytest.approx(0.8)


@given(st.sampled_from([0.01, 0.02, 0.04, 0.08]))
@settings(max_examples=4, deadline=None)
def test_grain_is_the_deviation_of_the_noise(deviation):
    """White noise is measured to within a third, from below: the calmest cells count, so that texture does not."""
    found = facts(frame(noisy(steps(), deviation))).grain
    assert 0.67 * deviation < found < 1.1 * deviation


def test_edges_alone_are_no_grain():
    """A picture of rectangles has none."""
    assert facts(frame(steps())).grain < 0.001


def test_smoothing_takes_sharpness_away():
    """Out of focus, edges at full resolution have little more than half the strength that they have at half resolution."""
    sharp, soft = facts(frame(steps())), facts(frame(cv2.GaussianBlur(steps(), (0, 0), 2.5)))
    assert sharp.fine_edges > 0.7  # a step is as high at half resolution, but fills one pixel of half as many
    assert soft.fine_edges < 0.56
    assert soft.coarse_edges < sharp.coarse_edges


def test_stripes_run_from_top_to_bottom():
    """An offset for each column is found in infrared with its size; edges and noise are none."""
    offsets = np.random.default_rng(3).normal(0, 0.05 * 255, SIZE[1])
    striped = np.clip(steps() + offsets, 0, 255).astype(np.uint8)
    found = facts(frame(striped, Spectrum.INFRARED))
    assert found.stripes == pytest.approx(0.05 * np.sqrt(2 / 3), rel=0.3)  # the mean of three neighbours is taken off
    assert found.stripes_alike > 3
    for other in (steps(), noisy(steps(), 0.08)):
        assert facts(frame(other, Spectrum.INFRARED)).stripes_alike < 0.9


def test_limited_range_is_full_range():
    """16 is black and 235 white where the camera says so."""
    picture = np.full(SIZE, 16, np.uint8)
    picture[:, : SIZE[1] // 2] = 235
    found = facts(frame(picture, range="limited"))
    assert (found.floor, found.top, found.clipped) == pytest.approx((0.0, 1.0, 0.5))


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (480, 640), (1081, 1919)], ids=str)
@pytest.mark.parametrize("spectrum", list(Spectrum))
def test_any_size_has_facts(size, spectrum):
    """Small, odd and large pictures, in planes, RGB or one channel: every figure is finite, and the mean is right."""
    picture = np.full(size, 102, np.uint8)
    pictures = [picture] if spectrum is Spectrum.INFRARED else [picture, np.dstack([picture] * 3)]
    for image in pictures:
        found = facts(frame(image, spectrum))
        assert found.mean == pytest.approx(0.4)
        assert all(np.isfinite(getattr(found, name)) for name in Facts.__dataclass_fields__)


def test_towards_goes_part_of_the_way():
    """A quarter of the way from one to another, in every figure."""
    one, other = facts(frame(steps())), facts(frame(steps() // 2))
    between = one.towards(other, 0.25)
    assert between.mean == pytest.approx(0.75 * one.mean + 0.25 * other.mean)
    assert between.edges == pytest.approx(0.75 * one.edges + 0.25 * other.edges)
