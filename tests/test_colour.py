"""Colour conversion against its definition."""

import numpy as np
import pytest
import torch

from streamfuse.colour import BLUE, GREEN, RED, from_rgb, to_rgb


def planes(red: float, green: float, blue: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Luma and chroma of a colour, by the definition: Y weighted, Cb and Cr the scaled differences, around 128."""
    luma = RED * red + GREEN * green + BLUE * blue
    cb, cr = (blue - luma) / (2 * (1 - BLUE)), (red - luma) / (2 * (1 - RED))
    return torch.full((1, 1, 5, 7), luma), (torch.tensor([cb, cr]) + 128 / 255).view(1, 2, 1, 1).expand(1, 2, 3, 4)


@pytest.mark.parametrize("colour", [(0, 0, 0), (1, 1, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0.2, 0.5, 0.7)])
def test_colours_come_back(colour):
    """What the definition makes of a colour is turned into that colour again, in the order R, G, B, for odd sizes too."""
    rgb = to_rgb(*planes(*colour))
    assert rgb.shape == (1, 3, 5, 7)
    assert torch.allclose(rgb, torch.tensor(colour).float().view(1, 3, 1, 1).expand_as(rgb), atol=1e-5)


def test_agrees_with_jfif():
    """The factors are those of JFIF 1.02, in bytes."""
    luma, cb, cr = 100, 90, 180
    rgb = to_rgb(torch.full((1, 1, 2, 2), luma / 255), torch.tensor([cb, cr]).view(1, 2, 1, 1) / 255)
    want = [luma + 1.402 * (cr - 128), luma - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), luma + 1.772 * (cb - 128)]
    np.testing.assert_allclose(rgb[0, :, 0, 0] * 255, want, atol=1e-3)


def test_neutral_chroma_is_grey():
    """Without colour the three channels are the luma, to the bit that a float holds."""
    luma = torch.arange(256).view(1, 1, 16, 16) / 255
    rgb = to_rgb(luma, torch.full((1, 2, 8, 8), 128 / 255))
    assert torch.allclose(rgb, luma.expand(1, 3, 16, 16), atol=1e-6)


def test_scales_while_converting():
    """Another size may be asked for; colours do not change, and results stay within [0, 1]."""
    luma, chroma = planes(0.9, 0.1, 0.3)
    rgb = to_rgb(luma, chroma, (13, 3))
    assert rgb.shape == (1, 3, 13, 3)
    assert torch.allclose(rgb[0, :, 6, 1], torch.tensor([0.9, 0.1, 0.3]), atol=1e-5)
    wild = to_rgb(torch.rand(1, 1, 8, 8), torch.rand(1, 2, 4, 4))
    assert wild.min() >= 0
    assert wild.max() <= 1


def test_there_and_back():
    """Planes made of a picture give the picture again, where its colours are no finer than chroma."""
    coarse = torch.rand(2, 3, 3, 4)
    rgb = coarse.repeat_interleave(2, 2).repeat_interleave(2, 3)[..., :5, :7]
    luma, chroma = from_rgb(rgb)
    assert luma.shape == (2, 1, 5, 7)
    assert chroma.shape == (2, 2, 3, 4)
    up = chroma.repeat_interleave(2, 2).repeat_interleave(2, 3)[..., :5, :7]
    assert torch.allclose(to_rgb(luma, up), rgb, atol=1e-5)
