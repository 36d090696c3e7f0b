"""Fields of edge orientation, and the best shift between two of them."""

import cv2
import numpy as np
import pytest

from streamfuse.align.orientation import Spectra, best_shift, fast_length, orientation_field, shrunk

DRAWS = np.random.default_rng(1)
BLOBS = cv2.GaussianBlur(DRAWS.normal(0, 1, (90, 120)).astype(np.float32), (0, 0), 3) * 400 + 120


def test_a_flat_picture_has_no_edges():
    """Nothing comes of nothing, and no warning either."""
    assert not orientation_field(np.full((20, 30), 7, np.uint8)).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_negative_looks_the_same(dtype):
    """Warm on cold and cold on warm give one field: that is what makes two spectra comparable."""
    picture = np.clip(BLOBS, 0, 255).astype(dtype)
    assert np.allclose(orientation_field(picture), orientation_field(255 - picture), atol=1e-5)


def test_across_and_along_are_opposite():
    """Edges at right angles to each other contradict, not merely differ."""
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, 32:] = 200
    upright, lying = orientation_field(stripes), orientation_field(stripes.T)
    assert upright[20, 32].real * lying[32, 20].real < 0


def test_contrast_hardly_counts():
    """A picture at a tenth of its contrast has nearly the same field."""
    strong, weak = orientation_field(BLOBS), orientation_field(BLOBS / 10)
    assert np.allclose(strong, weak, atol=1e-3)


@pytest.mark.parametrize(("dx", "dy"), [(0, 0), (17, 9), (-13, 4), (6, -21)])
def test_finds_the_shift(dx, dy):
    """The second picture is a window of the first, and is found where it was cut out."""
    whole = orientation_field(np.pad(BLOBS, 30, mode="reflect"))
    part = whole[30 + dy : 90 + dy, 30 + dx : 110 + dx]
    peak = best_shift(Spectra([whole]), Spectra([part]), 0.25)
    assert (peak.dx, peak.dy) == (30 + dx, 30 + dy)
    assert peak.correlation == pytest.approx(1, abs=0.01)


def test_overlap_has_a_least():
    """A corner that fits by chance is no answer: the shift leaves the overlap that was asked for."""
    one, other = (orientation_field(DRAWS.uniform(0, 255, (40, 50))) for _ in range(2))
    peak = best_shift(Spectra([one]), Spectra([other]), 0.9)
    assert (50 - abs(peak.dx)) * (40 - abs(peak.dy)) >= 0.9 * 40 * 50


def test_frames_add_up():
    """Two frames of which each is half noise find together what one alone need not."""
    halves = []
    for half in (slice(0, 45), slice(45, 90)):
        noisy = DRAWS.uniform(0, 255, BLOBS.shape).astype(np.float32)
        noisy[half] = BLOBS[half]
        halves.append(orientation_field(noisy))
    whole = orientation_field(BLOBS)
    peak = best_shift(Spectra([whole, whole]), Spectra(halves), 0.5)
    assert (peak.dx, peak.dy) == (0, 0)


def test_shrinking_keeps_the_edges():
    """A ramp stays a ramp from edge to edge, also where the size does not divide."""
    ramp = np.tile(np.arange(100, dtype=np.float32), (10, 1))
    small = shrunk(ramp, 0.3)
    assert small.shape == (3, 30)
    assert small[0, 0] + small[0, -1] == pytest.approx(99, abs=0.1)
    assert shrunk(ramp, 1.0) is ramp


def test_fast_lengths_are_long_enough():
    """A transform is padded, never cut."""
    assert all(fast_length(length) >= length for length in range(1, 400))
