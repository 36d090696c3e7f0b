import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from streamfuse.networks.layers import EDGE, between_cells, divided, risen, whole_cells
from tests.networks.drawn import pictures


def test_base_and_detail_add_up_to_the_picture():
    """The base is the mean of each cell; what is above it comes back to the bit or nearly."""
    picture = pictures(64, 72, 1)[0]
    layers = divided(picture, between_cells())
    torch.testing.assert_close(layers.base, F.avg_pool2d(picture, EDGE))
    torch.testing.assert_close(F.pixel_shuffle(layers.picture(between_cells()), EDGE), picture)


def test_a_ramp_has_no_detail():
    """Away from the border, where it is cut off."""
    ramp = torch.linspace(0, 1, 64).expand(1, 1, 32, 64)
    assert float(divided(ramp, between_cells()).detail[..., 1:-1].abs().max()) < 1e-6


def test_between_cells_numbers_go_linearly():
    """Numbers that grow by one from cell to cell grow by a quarter from pixel to pixel; their means are what they were."""
    cells = torch.arange(8.0).expand(1, 1, 6, 8)
    pixels = F.pixel_shuffle(risen(cells, between_cells()), EDGE)
    torch.testing.assert_close(pixels[0, 0, 9, 4:-4].diff(), torch.full((23,), 1 / EDGE))
    torch.testing.assert_close(F.avg_pool2d(pixels, EDGE)[..., 1:-1], cells[..., 1:-1])


def test_gains_and_tones():
    """-1 takes all detail away and leaves the base; tones change the base alone."""
    layers = divided(pictures(32, 32, 1)[0], between_cells())
    assert not layers.kept(torch.full((1, 16, 8, 8), -1.0)).detail.any()
    toned = layers.toned(torch.full((1, 1, 1, 1), 1.0), torch.full((1, 1, 1, 1), 0.1))
    torch.testing.assert_close(toned.base, 2 * layers.base + 0.1)
    assert toned.detail is layers.detail


def test_a_picture_is_made_whole():
    """Odd sizes are padded by copies of the edge, whole ones are left as they are."""
    picture = pictures(66, 81, 1)[0]
    whole = whole_cells(picture)
    assert whole.shape[2:] == (68, 84)
    assert torch.equal(whole[..., :66, 83], picture[..., 80])
    assert whole_cells(whole) is whole
