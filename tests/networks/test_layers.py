import pytest
import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from streamfuse.networks.layers import EDGE, FRESH_MIX, Blend, blur_of_cells, blur_of_pixels, divided, mixed, stronger
from tests.networks.drawn import pictures


@pytest.mark.parametrize("blur", [blur_of_cells(), blur_of_pixels()], ids=["of cells", "of pixels"])
def test_base_and_detail_add_up_to_the_picture(blur):
    """The base is what the binomial blur of pixels gives, also where it runs on cells; the border is repeated."""
    picture = pictures(64, 72, 1)[0]
    a = divided(picture, blur)
    torch.testing.assert_close(F.pixel_shuffle(a.base + a.detail, EDGE), picture)
    line = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    blurred = F.conv2d(picture, torch.outer(line, line)[None, None])
    torch.testing.assert_close(F.pixel_shuffle(a.base, EDGE)[..., 2:-2, 2:-2], blurred)


def test_the_stronger_detail_wins_without_a_step():
    """One tenth against one hundredth is nearly one tenth, of either sign; equals give what both are."""
    a = torch.tensor([0.1, -0.1, 0.05, 0.0])
    b = torch.tensor([0.01, 0.01, 0.05, 0.0])
    torch.testing.assert_close(stronger(a, b), torch.tensor([0.1, -0.1, 0.05, 0.0]), atol=2e-3, rtol=0)


def test_the_blend_mixes_bases_and_keeps_the_stronger_detail():
    """Smooth pictures: 0.75 of the brighter and 0.25 of the darker; any size; a lone bright pixel stays one."""
    infrared, visible = (F.interpolate(x, size=(97, 70), mode="bicubic") for x in pictures(7, 7, 1))
    blend = Blend().requires_grad_(requires_grad=False)
    fused = blend(infrared, visible)
    assert fused.shape == infrared.shape
    wanted = mixed(infrared, visible, torch.tensor(FRESH_MIX))
    assert float((fused - wanted).abs().mean()) < 0.02
    dark = torch.full((1, 1, 64, 64), 0.2)
    lit = dark.clone()
    lit[0, 0, 33, 22] = 0.9
    change = (blend(dark, lit) - blend(dark, dark))[0, 0]
    assert float(change[33, 22]) > 0.5
    change[33, 22] = 0.0
    assert float(change.abs().max()) < 0.1
