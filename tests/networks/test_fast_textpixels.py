from typing import Literal

import pytest
import torch

from streamfuse.errors import FrameError
from streamfuse.networks import create
from streamfuse.networks.fast_textpixels import FoldedPrior, fold
from streamfuse.networks.network import State
from streamfuse.networks.textpixels import TextPixels
from tests.networks.drawn import TEXT_DIM, embeddings, one, pictures


def made(size: Literal["base", "small"]) -> tuple[TextPixels, State]:
    """A network whose zeros are not zero any more, and the state of two prompts."""
    torch.manual_seed(0)
    network = create("textpixels", size=size, text_dim=TEXT_DIM).eval()
    assert isinstance(network, TextPixels)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        return network, network.encode_text(*embeddings())


@torch.inference_mode()
@pytest.mark.parametrize(
    ("size", "height", "width", "batch"), [("base", 64, 69, 1), ("small", 64, 64, 1), ("small", 97, 65, 1), ("small", 66, 130, 3)]
)
def test_folded_is_exact(size, height, width, batch):
    """Any size, any batch: the same picture to 1e-4, for each prompt."""
    network, state = made(size)
    both = pictures(height, width, 1, batch)
    for index in (0, 1):
        words = one(state, index)
        assert (fold(network, words)(*both) - network(*both, words)).abs().max() < 1e-4


@torch.inference_mode()
def test_strength_is_folded_too():
    """A tempered state folds to the tempered picture."""
    network, state = made("small")
    both = pictures(64, 64, 1)
    for strength in (0.0, 0.5):
        words = network.temper(one(state, 1), torch.tensor([strength]))
        assert (fold(network, words)(*both) - network(*both, words)).abs().max() < 1e-4


@torch.inference_mode()
def test_the_codebook_becomes_a_table():
    """One row of the fused width per code; the convolution behind the codebook is gone."""
    network, _ = made("small")
    folded = FoldedPrior(network.prior)
    assert folded.table_KC.shape == (256, 64)
    assert {name for name, _ in folded.named_parameters()} == {"shrink.weight", "shrink.bias"}


def test_the_network_stays_as_it_was():
    """Folding copies: the network can go on training, and later changes do not reach the fold."""
    network, state = made("small")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    both = pictures(64, 64, 1)
    with torch.inference_mode():
        folded = fold(network, one(state, 0))
        fused = folded(*both)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.requires_grad for parameter in network.parameters())
    with torch.no_grad():
        network.decoder.exit.weight.zero_()
        network.prior.codebook.codes_KD.zero_()
    with torch.inference_mode():
        assert torch.equal(folded(*both), fused)


@torch.inference_mode()
def test_half_precision_loses_no_more_than_unfolded():
    """In bfloat16 the fold is about as near to the exact picture as the network is."""
    network, state = made("small")
    words, both = one(state, 0), pictures(64, 64, 1)
    exact, halves = network(*both, words), [picture.bfloat16() for picture in both]
    folded = fold(network, words).bfloat16()(*halves)
    unfolded = network.bfloat16()(*halves, {name: tensor.bfloat16() for name, tensor in words.items()})
    assert (folded - exact).square().mean() < 2 * (unfolded - exact).square().mean()


def test_a_fold_holds_one_prompt():
    """A state of two prompts is refused by a message that says how to take one."""
    network, state = made("small")
    with pytest.raises(FrameError, match="holds one prompt, got a state of 2"):
        fold(network, state)
