import pytest
import torch

from streamfuse.networks.fineness import Fineness
from streamfuse.networks.layers import between_cells, divided
from tests.networks.drawn import pictures

OFF, ON = torch.zeros(1), torch.ones(1)


@pytest.fixture(scope="module")
def fineness() -> Fineness:
    torch.manual_seed(0)
    return Fineness().requires_grad_(requires_grad=False)


def test_without_dials_everything_is_kept(fineness):
    """To the bit."""
    layers = divided(pictures(64, 72, 1)[0], between_cells())
    kept = fineness(layers, OFF, OFF)
    assert torch.equal(kept.detail, layers.detail)
    assert torch.equal(kept.base, layers.base)


def test_grain_goes_and_an_edge_stays(fineness):
    """Grain of two grey levels: a fresh filter takes most where nothing else is, and along a step of a half without blunting it."""
    grain = 0.006 * torch.randn(1, 1, 64, 96, generator=torch.Generator().manual_seed(1))
    step = torch.cat([torch.full((1, 1, 64, 46), 0.2), torch.full((1, 1, 64, 50), 0.7)], 3)
    clean, layers = (divided(picture, between_cells()) for picture in (step, step + grain))
    kept = fineness(layers, ON, OFF)
    calm, edge = (..., slice(2, 8)), (..., 11)
    assert float(kept.detail[calm].std()) < 0.4 * float(layers.detail[calm].std())
    error, before = (float((part.detail - clean.detail)[edge].square().mean()) for part in (kept, layers))
    assert error < 0.6 * before


def test_blur_is_sharpened_but_no_grain(fineness):
    """A dial for blur turns detail up by what is read off the picture; where there is only grain, by little."""
    with torch.no_grad():
        fineness.read[2].bias[-1] = 1.0
    grain = 0.002 * torch.randn(1, 1, 64, 96, generator=torch.Generator().manual_seed(1))
    picture = torch.cat([torch.full((1, 1, 64, 46), 0.2), torch.full((1, 1, 64, 50), 0.7)], 3) + grain
    layers = divided(picture, between_cells())
    gained = fineness(layers, OFF, ON).detail / layers.detail
    assert 1.7 < float(gained[..., 11].median()) < 2.5
    assert float(gained[..., 2:8].median()) < 1.2


def test_each_item_is_read_by_itself(fineness):
    """What a batch has in it does not change what each picture loses."""
    layers = divided(torch.cat([pictures(64, 72, 1, seed=s)[0] for s in (1, 2)]), between_cells())
    both = fineness(layers, torch.tensor([1.0, 0.5]), torch.tensor([0.0, 1.0]))
    for i, (grain, blur) in enumerate(((1.0, 0.0), (0.5, 1.0))):
        alone = fineness(type(layers)(*(part[i : i + 1] for part in layers)), torch.tensor([grain]), torch.tensor([blur]))
        torch.testing.assert_close(both.detail[i : i + 1], alone.detail)
