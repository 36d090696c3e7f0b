"""What is kept of each camera, and that a picture is put together as it was taken apart."""

import pytest
import torch
from pydantic import ValidationError

from streamfuse.fuse.laplacian import Laplacian, LaplacianSettings


def rule(infrared: torch.Tensor, luma: torch.Tensor, levels: int = 4) -> torch.Tensor:
    return Laplacian(LaplacianSettings(levels=levels)).rule(infrared, luma)


def stripes(height: int, width: int, period: int, contrast: float, *, across: bool) -> torch.Tensor:
    """(1, 1, height, width) round 0.5, nowhere flat."""
    axis = torch.arange(height)[:, None].expand(height, width) if across else torch.arange(width).expand(height, width)
    return (0.5 + contrast * torch.sin(2 * torch.pi * (axis + 0.5) / period))[None, None]


@pytest.mark.parametrize("levels", range(1, 9))
@pytest.mark.parametrize("size", [(64, 64), (67, 45), (5, 4), (1, 9), (200, 3)])
def test_picture_is_put_together_again(levels, size):
    """Taken apart and put together, a picture is the same to a millionth, at any depth and size."""
    picture = torch.rand(2, 1, *size, generator=torch.Generator().manual_seed(levels))
    assert float((rule(picture, picture, levels) - picture).abs().max()) <= 1e-6


def test_one_level_is_maximum():
    """Without details there is only the base, and that is the brighter camera."""
    a, b = torch.rand(1, 1, 9, 9), torch.rand(1, 1, 9, 9)
    assert torch.equal(rule(a, b, 1), torch.maximum(a, b))


@pytest.mark.parametrize(("a", "b"), [(0.2, 0.7), (0.7, 0.2), (0.4, 0.4)])
def test_base_is_the_brighter_one(a, b):
    """Two flat pictures give the brighter one, at every depth."""
    for levels in range(1, 9):
        fused = rule(torch.full((1, 1, 40, 40), a), torch.full((1, 1, 40, 40), b), levels)
        assert fused == pytest.approx(torch.full((1, 1, 40, 40), max(a, b)), abs=1e-6)


def test_detail_of_both_cameras_is_kept():
    """Fine stripes of one camera and fine stripes of the other, each in its own half, are both there at full contrast."""
    infrared, visible = torch.full((1, 1, 64, 64), 0.5), torch.full((1, 1, 64, 64), 0.5)
    infrared[..., :32] = stripes(64, 32, 4, 0.3, across=True)
    visible[..., 32:] = stripes(64, 32, 4, 0.3, across=True)
    fused = rule(infrared, visible)
    rows, left, right = slice(12, 52), slice(8, 24), slice(40, 56)
    assert torch.allclose(fused[..., rows, left], infrared[..., rows, left], atol=0.02)
    assert torch.allclose(fused[..., rows, right], visible[..., rows, right], atol=0.02)
    average = (infrared + visible) / 2
    assert float(fused[..., rows, left].std()) > 1.9 * float(average[..., rows, left].std())


def test_sharper_of_two_details_wins():
    """Where both cameras have stripes, those of the stronger contrast are seen, though it is the darker picture."""
    strong, weak = stripes(64, 64, 4, 0.3, across=True) - 0.1, stripes(64, 64, 4, 0.05, across=False) + 0.1
    fused = rule(strong, weak)
    inside = fused[..., 8:56, 8:56]
    assert float(inside.mean(-1).std()) == pytest.approx(float(strong[..., 8:56, 8:56].mean(-1).std()), rel=0.05)
    assert float(inside.mean(-2).std()) < 0.01
    assert float(inside.mean()) == pytest.approx(0.6, abs=0.02)


def test_dark_detail_survives_on_a_bright_base():
    """A dark line of one camera is seen in front of the bright, even area of the other."""
    line, bright = torch.full((1, 1, 64, 64), 0.5), torch.full((1, 1, 64, 64), 0.8)
    line[..., 32] = 0.1
    fused = rule(line, bright)
    maximum = torch.maximum(line, bright)
    assert float(maximum[..., 32].max()) == pytest.approx(0.8)
    assert float(fused[0, 0, 32, 32]) < 0.5
    assert float(fused[0, 0, 32, 10]) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("values", [{"levels": 0}, {"levels": 9}, {"levles": 3}])
def test_settings_have_limits(values):
    """Between one and eight levels, and no other keys."""
    with pytest.raises(ValidationError):
        LaplacianSettings.model_validate(values)
