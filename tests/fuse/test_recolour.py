"""Chroma of what was restored."""

import pytest
import torch

from streamfuse.colour import NEUTRAL
from streamfuse.fuse.recolour import GAIN_HIGH, GAIN_LOW, Colouring, recoloured


def colouring(restoring: float = 0.0, warmth: float = 0.0, saturation: float = 0.0) -> Colouring:
    return Colouring(torch.tensor([restoring]), torch.tensor([warmth]), torch.tensor([saturation]))


def test_nothing_asked_for_changes_nothing():
    """Without restoring and with all dials at 0, chroma passes to the bit, whatever luma did."""
    chroma = torch.rand(1, 2, 3, 4)
    assert torch.equal(recoloured(chroma, torch.rand(1, 1, 5, 7), torch.rand(1, 1, 5, 7), colouring()), chroma)


@pytest.mark.parametrize(("was", "is_now", "gain"), [(0.2, 0.4, 1.93), (0.05, 0.9, GAIN_HIGH), (0.9, 0.05, GAIN_LOW)])
def test_colour_goes_with_light(was, is_now, gain):
    """A lifted shadow gets its colour back, within limits."""
    chroma = torch.full((1, 2, 2, 2), NEUTRAL + 0.1)
    result = recoloured(chroma, torch.full((1, 1, 4, 4), was), torch.full((1, 1, 4, 4), is_now), colouring(restoring=1.0))
    assert result == pytest.approx(torch.full((1, 2, 2, 2), NEUTRAL + 0.1 * gain), abs=2e-3)


def test_dials_turn_colours():
    """Warmth lowers Cb and raises Cr; saturation at -1 halves the distance from grey."""
    grey, luma = torch.full((1, 2, 2, 2), NEUTRAL), torch.full((1, 1, 4, 4), 0.5)
    warm = recoloured(grey, luma, luma, colouring(warmth=1.0))
    assert float(warm[0, 0].max()) < NEUTRAL < float(warm[0, 1].min())
    pale = recoloured(grey + 0.2, luma, luma, colouring(saturation=-1.0))
    assert pale == pytest.approx(torch.full((1, 2, 2, 2), NEUTRAL + 0.1), abs=1e-5)
