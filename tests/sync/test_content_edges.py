"""What a picture is reduced to before it is compared over time."""

import numpy as np
import pytest

from streamfuse.frames import Frame, Planes, Spectrum
from streamfuse.sync.content_edges import COLUMNS, ROWS, across_pictures, block_edges


def infrared(image: np.ndarray) -> Frame:
    return Frame(image=image, spectrum=Spectrum.INFRARED, t_cap_ns=0, clock="host", seq=0, source="drawn")


def visible(image: object) -> Frame:
    return Frame(image=image, spectrum=Spectrum.VISIBLE, t_cap_ns=0, clock="host", seq=0, source="drawn")  # type: ignore[arg-type]


def square(level: int, ground: int, size: tuple[int, int] = (240, 320)) -> np.ndarray:
    """A square in the middle of the picture."""
    picture = np.full(size, ground, np.uint8)
    picture[size[0] * 3 // 8 : size[0] * 5 // 8, size[1] * 3 // 8 : size[1] * 5 // 8] = level
    return picture


def test_edges_lie_in_the_blocks_where_they_are():
    """A square gives edges in the middle, and none at the border of the picture."""
    blocks_RC = block_edges(infrared(square(200, 80))).reshape(ROWS, COLUMNS)
    assert blocks_RC[ROWS * 3 // 8, COLUMNS // 2] > 0.1
    assert blocks_RC[0].max() < 0.01
    assert (blocks_RC >= 0).all()
    assert (blocks_RC <= 1).all()


def test_a_bright_and_a_dark_thing_look_alike():
    """The same outline, warm in one and dark in the other spectrum."""
    warm, dark = block_edges(infrared(square(200, 80))), block_edges(infrared(square(40, 110)))
    assert np.corrcoef(warm, dark)[0, 1] > 0.98


def test_twice_the_light_changes_little():
    """Edges are relative to the brightness around them."""
    ground = square(60, 40)
    dim, bright = block_edges(infrared(ground)), block_edges(infrared(2 * ground))
    assert np.abs(dim - bright).max() < 0.35 * dim.max()
    assert np.corrcoef(dim, bright)[0, 1] > 0.98


def test_all_kinds_of_pictures_are_taken():
    """Planes, RGB, 8 bits and 16 bits of the same scene give the same blocks, whatever their size."""
    small = square(200, 80)
    half = np.full((120, 160), 128, np.uint8)
    reference = block_edges(infrared(small.copy()))
    planes = block_edges(visible(Planes(y=small.copy(), u=half, v=half.copy())))
    rgb = block_edges(visible(np.stack([small] * 3, -1)))
    large = block_edges(infrared(square(200, 80, (480, 640))))
    deep = block_edges(infrared(small.astype(np.uint16) * 4 + 20000))
    np.testing.assert_allclose(planes, reference, atol=1e-6)
    np.testing.assert_allclose(rgb, reference, atol=1e-6)
    assert np.corrcoef(large, reference)[0, 1] > 0.95
    assert np.corrcoef(deep, reference)[0, 1] > 0.95


def test_a_homography_moves_infrared_into_the_visible_view():
    """Infrared that sees the middle half of the view is brought there: its square is where and as large as the visible one."""
    view = square(200, 80)
    matrix_33 = np.array([[0.5, 0, 80.0], [0, 0.5, 60.0], [0, 0, 1]])
    zoomed = np.full((240, 320), 80, np.uint8)
    zoomed[60:180, 80:240] = 200
    across_33 = across_pictures(matrix_33, (240, 320), (240, 320))
    assert np.corrcoef(block_edges(infrared(zoomed), across_33), block_edges(visible(np.stack([view] * 3, -1))))[0, 1] > 0.95


@pytest.mark.parametrize("size", [(240, 320), (480, 640)])
def test_a_homography_does_not_depend_on_how_pixels_are_counted(size):
    """Between pictures from 0 to 1, a matrix between equal views is the identity for any two sizes."""
    scale = size[0] / 240
    np.testing.assert_allclose(across_pictures(np.diag([scale, scale, 1.0]), (240, 320), size), np.eye(3), atol=1e-12)
