import pytest
import torch

from streamfuse.errors import FrameError
from streamfuse.networks.dials import dials_tensor
from streamfuse.networks.fast_nano import fold
from streamfuse.networks.nano import Nano, make
from streamfuse.networks.network import TOKENS, gathered


@pytest.fixture(scope="module")
def network() -> Nano:
    """With everything larger than it comes: a fold that is right only for small numbers would show."""
    torch.manual_seed(0)
    network = make(text_dim=48).eval().requires_grad_(requires_grad=False)
    front = network.front
    for weight in (network.film.weight, front.film.weight, network.context.leave.weight, network.maps.weight, front.destripe.leave.weight):
        weight.mul_(3)
    return network


def pictures(count: int = 1, height: int = 64, width: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    return torch.rand(count, 1, height, width, generator=draw), torch.rand(count, 1, height, width, generator=draw)


def words(network: Nano, count: int) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(2)
    return network.encode_text(torch.randn(count, 48, generator=draw), torch.zeros(count, TOKENS, 48), torch.ones(count, TOKENS))


@pytest.mark.parametrize("size", [(64, 64), (67, 97), (240, 320)])
def test_folded_it_gives_the_same_picture(network, size):
    """To 1e-4, at the edges too, where zeros stand around the picture."""
    infrared, visible = pictures(2, *size)
    state = words(network, 1)
    with torch.inference_mode():
        plain, folded = network(infrared, visible, state), fold(network, state)(infrared, visible)
    assert folded.shape == plain.shape
    assert torch.allclose(folded, plain, atol=1e-4)


def test_each_item_of_a_mixed_batch_equals_its_fold(network):
    """Mixed prompts go through the plain network, one prompt through the fold, and nobody can tell."""
    infrared, visible = pictures(3)
    states = words(network, 2)
    index = torch.tensor([1, 0, 1])
    with torch.inference_mode():
        mixed = network(infrared, visible, gathered(states, index))
        for item, prompt in enumerate(index.tolist()):
            folded = fold(network, gathered(states, torch.tensor([prompt])))
            assert torch.allclose(mixed[item : item + 1], folded(infrared[item : item + 1], visible[item : item + 1]), atol=1e-4)


def test_dials_by_hand_fold_as_well(network):
    """Words are not the only way to a state."""
    infrared, visible = pictures()
    state = network.with_dials(dials_tensor({"infrared_polarity": 1.0, "texture": -1.0}))
    with torch.inference_mode():
        assert torch.allclose(fold(network, state)(infrared, visible), network(infrared, visible, state), atol=1e-4)


def test_a_fold_changes_neither_network_nor_pictures(network):
    """It shares nothing: after folding and running, all is as before, and the fold does not follow the network."""
    infrared, visible = pictures()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    copies = infrared.clone(), visible.clone()
    folded = fold(network, words(network, 1))
    pointers = {tensor.data_ptr() for tensor in network.state_dict().values()}
    with torch.inference_mode():
        folded(infrared, visible)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert torch.equal(infrared, copies[0])
    assert torch.equal(visible, copies[1])
    assert not pointers & {tensor.data_ptr() for tensor in folded.state_dict().values()}


def test_same_pictures_same_bytes(network):
    """Buffers are reused, and nothing is left in them."""
    infrared, visible = pictures()
    folded = fold(network, words(network, 1))
    with torch.inference_mode():
        first = folded(infrared, visible)
        folded(visible, infrared)
        assert torch.equal(folded(infrared, visible), first)


def test_a_fold_in_bf16_is_near(network):
    """Weights rounded, pictures whole."""
    infrared, visible = pictures(1, 128, 128)
    state = network.with_dials(dials_tensor({"visible_haze": 0.3}))
    with torch.inference_mode():
        fused = fold(network, state).bfloat16()(infrared, visible)
        assert fused.dtype == torch.float32
        assert float((fused - network(infrared, visible, state)).abs().mean()) < 2 / 255


def test_a_fold_holds_one_prompt(network):
    """Two at once cannot be folded; the error says how to take one."""
    with pytest.raises(FrameError, match="a fold holds one prompt"):
        fold(network, words(network, 2))
