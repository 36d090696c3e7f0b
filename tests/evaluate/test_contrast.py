"""SD, SF and AG, against NumPy."""

import numpy as np
import pytest

from streamfuse.evaluate.contrast import average_gradient, spatial_frequency, standard_deviation
from tests.evaluate.conftest import picture, tensors


def test_standard_deviation():
    """Of all pixels, not of a sample."""
    x = picture(1)
    assert float(standard_deviation(*tensors(x))) == pytest.approx(x.std())


def test_spatial_frequency_of_stripes():
    """Columns of 0 and 100 differ by 100 across and by nothing down."""
    stripes = np.tile(np.array([0, 100], np.uint8), (8, 8))
    assert float(spatial_frequency(*tensors(stripes))) == pytest.approx(100)
    assert float(spatial_frequency(*tensors(stripes), white=1)) == pytest.approx(100 / 255)


def test_average_gradient_is_numpys():
    """Central differences inside, one-sided at borders."""
    x = picture(2)
    down, across = np.gradient(x.astype(float))
    want = np.sqrt((down**2 + across**2) / 2)
    assert float(average_gradient(*tensors(x))) == pytest.approx(want.mean())
    assert float(average_gradient(*tensors(x), divisor="inner")) == pytest.approx(want.sum() / (47 * 55))


def test_flat_pictures_have_no_contrast():
    """All three are 0."""
    flat = tensors(np.full((9, 9), 77, np.uint8))[0]
    assert [float(measure(flat)) for measure in (standard_deviation, spatial_frequency, average_gradient)] == [0, 0, 0]
