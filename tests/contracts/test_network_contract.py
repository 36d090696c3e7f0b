"""What every network keeps as a module: gradient everywhere, text once per prompt."""

import pytest
import torch

from streamfuse.networks import NETWORKS, create
from streamfuse.networks.network import TOKENS, gathered

DIM = 48


def embeddings(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    mask = (torch.arange(TOKENS) < 9).float().expand(count, TOKENS)
    return torch.randn(count, DIM, generator=draw), torch.randn(count, TOKENS, DIM, generator=draw) * mask[..., None], mask


@pytest.fixture(scope="module", params=list(NETWORKS))
def network(request: pytest.FixtureRequest):
    torch.manual_seed(1)
    return create(request.param, size="small", text_dim=DIM)


def pictures(network, count: int, size: tuple[int, int] = (64, 64)) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(3)
    channels = 3 if network.colour == "rgb" else 1
    return torch.rand(count, 1, *size, generator=draw), torch.rand(count, channels, *size, generator=draw)


def test_every_parameter_gets_gradient(network):
    """Pixels and words reach every parameter: none is decoration."""
    network.zero_grad()
    state = network.encode_text(*embeddings(2))
    out = network(*pictures(network, 2), state)
    (out * torch.rand(out.shape, generator=torch.Generator().manual_seed(4))).sum().backward()
    without = [name for name, p in network.named_parameters() if p.requires_grad and (p.grad is None or not bool(p.grad.abs().max() > 0))]
    assert not without


def test_states_are_gathered(network):
    """A batch whose items name their prompts gives what each prompt gives alone."""
    with torch.inference_mode():
        states = network.eval().encode_text(*embeddings(2))
        infrared, visible = pictures(network, 3)
        mixed = network(infrared, visible, gathered(states, torch.tensor([1, 0, 1])))
        alone = network(infrared[1:2], visible[1:2], gathered(states, torch.tensor([0])))
    assert torch.allclose(mixed[1], alone[0], atol=1e-4)


def test_tempered_to_nothing_words_do_nothing(network):
    """At strength 0 all prompts give the same picture."""
    with torch.inference_mode():
        states = network.eval().temper(network.encode_text(*embeddings(2)), torch.zeros(2))
        infrared, visible = pictures(network, 1)
        first, second = (network(infrared, visible, gathered(states, torch.tensor([i]))) for i in range(2))
    assert torch.allclose(first, second, atol=1e-6)
