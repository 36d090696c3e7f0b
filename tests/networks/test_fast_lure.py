import pytest
import torch

from streamfuse.errors import FrameError
from streamfuse.networks import create, fast_blocks
from streamfuse.networks.fast_lure import FoldedTGA, fold
from streamfuse.networks.lure import Lure
from streamfuse.networks.lure_small import LureSmall
from streamfuse.networks.network import State
from tests.networks.drawn import TEXT_DIM, embeddings, one, pictures


def shaken(network: torch.nn.Module) -> None:
    """Norms away from 1 and 0, as after training."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))


@pytest.fixture
def small() -> LureSmall:
    torch.manual_seed(0)
    network = LureSmall(TEXT_DIM).eval()
    shaken(network)
    return network


@pytest.fixture
def state(small: LureSmall) -> State:
    with torch.no_grad():
        return small.encode_text(*embeddings())


@torch.inference_mode()
def test_base_folded_is_exact():
    """Base: the same picture to 1e-4."""
    torch.manual_seed(0)
    network = create("lure", text_dim=TEXT_DIM).eval()
    assert isinstance(network, Lure)
    shaken(network)
    words, both = network.encode_text(*embeddings(1)), pictures(64, 69, 3)
    assert (fold(network, words)(*both) - network(*both, words)).abs().max() < 1e-4


@torch.inference_mode()
@pytest.mark.parametrize(("height", "width", "batch"), [(64, 64, 1), (97, 65, 1), (66, 130, 3)])
def test_small_folded_is_exact(small, state, height, width, batch):
    """Any size, any batch: the same picture to 1e-4, for each prompt."""
    both = pictures(height, width, 3, batch)
    for index in (0, 1):
        words = one(state, index)
        assert (fold(small, words)(*both) - small(*both, words)).abs().max() < 1e-4


@torch.inference_mode()
def test_strips_fit_together(small, state, monkeypatch):
    """A picture worked through in strips of a few rows is the picture worked through at once."""
    monkeypatch.setattr(fast_blocks, "STRIP_BYTES", 1 << 12)
    both, words = pictures(96, 96, 3), one(state, 0)
    assert (fold(small, words)(*both) - small(*both, words)).abs().max() < 1e-4


@torch.inference_mode()
def test_latents_are_reused_and_stay_as_they_were(small, state):
    """Two pictures of the fast camera with one of the slow: its latents are read, never written."""
    folded, words = fold(small, one(state, 0)), one(state, 0)
    infrared, visible = (picture.expand(-1, 3, -1, -1) for picture in pictures(64, 64, 3))
    slow, plain = folded.encode(infrared, "infrared"), small.encode(infrared, "infrared", words)
    before = [level.clone() for level in slow.levels]
    for picture in (visible, visible.flip(-1)):
        fused = folded.fuse_latents(slow, folded.encode(picture, "visible"))
        assert (fused - small.fuse_latents(plain, small.encode(picture, "visible", words), words)).abs().max() < 1e-4
    assert all(torch.equal(a, b) for a, b in zip(before, slow.levels, strict=True))


@torch.inference_mode()
def test_strength_is_folded_too(small, state):
    """A tempered state folds to the tempered picture; at 0 words add nothing."""
    both = pictures(64, 64, 3)
    for strength in (0.0, 0.5):
        words = small.temper(one(state, 1), torch.tensor([strength]))
        assert (fold(small, words)(*both) - small(*both, words)).abs().max() < 1e-4


@torch.inference_mode()
def test_kernels_are_as_wide_as_the_prompt(small, state):
    """Prompts of 5 and of 8 words leave 6 and 9 rows, "nothing" being the last."""
    for index, words in ((0, 5), (1, 8)):
        tga = FoldedTGA("encoder1", {name: tensor[index] for name, tensor in state.items()})
        assert tga.keys_LC.shape == (words + 1, 24)
        assert tga.values_SLC.shape == (2, words + 1, 24)
        assert not tga.values_SLC[:, -1].any()


def test_the_network_stays_as_it_was(small, state):
    """Folding copies: the network can go on training, and later changes do not reach the fold."""
    before = {name: tensor.clone() for name, tensor in small.state_dict().items()}
    with torch.inference_mode():
        folded, both = fold(small, one(state, 0)), pictures(64, 64, 3)
        fused = folded(*both)
    assert all(torch.equal(before[name], tensor) for name, tensor in small.state_dict().items())
    assert all(parameter.requires_grad for parameter in small.parameters())
    shaken(small)
    with torch.inference_mode():
        assert torch.equal(folded(*both), fused)


@torch.inference_mode()
def test_half_precision_is_near(small, state):
    """The fold runs in bfloat16."""
    both = pictures(64, 64, 3)
    exact = small(*both, one(state, 0))
    assert (fold(small, one(state, 0)).bfloat16()(*(p.bfloat16() for p in both)).float() - exact).abs().max() < 0.06


def test_a_fold_holds_one_prompt(small, state):
    """A state of two prompts is refused by a message that says how to take one."""
    with pytest.raises(FrameError, match="holds one prompt, got a state of 2"):
        fold(small, state)
