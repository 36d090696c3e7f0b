import pytest
import torch

from streamfuse.networks.textpixels_loss import consistency, correlation, decomposition
from streamfuse.networks.textpixels_small import TextPixelsSmall
from tests.networks.drawn import TEXT_DIM, embeddings, pictures


def test_correlation_is_pearsons():
    """1 for the same up to scale and shift, -1 for the negative, 0 for a flat channel, and what numpy says between."""
    a, b = torch.randn(1, 1, 9, 7), torch.randn(1, 1, 9, 7)
    assert correlation(a, 3 * a + 2).item() == pytest.approx(1.0, abs=1e-5)
    assert correlation(a, -a).item() == pytest.approx(-1.0, abs=1e-5)
    assert correlation(a, torch.ones_like(a)).item() == 0.0
    assert correlation(a, b).item() == pytest.approx(torch.corrcoef(torch.stack((a.flatten(), b.flatten())))[0, 1].item(), abs=1e-5)


def test_coarse_agreement_and_fine_difference_are_rewarded():
    """The loss is lowest where coarse features agree and fine ones say different things."""
    a, b = torch.randn(1, 4, 16, 16), torch.randn(1, 4, 16, 16)
    best, middle, worst = decomposition([a, a], [b, a]), decomposition([a, a], [a, a]), decomposition([a, a], [a, -a])
    assert best < middle < worst
    assert middle.item() == pytest.approx(1 / 2.01, abs=1e-4)


@pytest.mark.parametrize("reading", ["codebook", "correlation"])
def test_either_reading_trains_what_it_speaks_of(reading):
    """Both are scalars whose gradient reaches both extractors."""
    torch.manual_seed(0)
    network = TextPixelsSmall(TEXT_DIM)
    loss = consistency(network, network.trace(*pictures(64, 64, 1, batch=2), network.encode_text(*embeddings())), reading)
    gradients = torch.autograd.grad(loss, [network.get_parameter(f"{camera}.entries.0.weight") for camera in ("infrared", "visible")])
    assert loss.shape == ()
    assert all(gradient.any() for gradient in gradients)
