import pytest
import torch

from streamfuse.errors import ConfigError, FrameError
from streamfuse.networks import create, fast_blocks
from streamfuse.networks.fast_upfusion import fold, shifted_means
from streamfuse.networks.network import FusionNetwork, State, gathered
from streamfuse.networks.semantic import SemanticPrior
from streamfuse.networks.upfusion import Plan, UpFusion
from tests.networks.drawn import TEXT_DIM, embeddings, one, pictures
from tests.networks.live import LiveBytes

THIN = Plan(channels=8, heads=(1, 2, 2, 4), encoder_blocks=(1, 1, 1, 1), decoder_blocks=(1, 1, 1), refinement_blocks=1)


def scrambled(network: FusionNetwork) -> FusionNetwork:
    """No scale of 1 and no shift of 0, so that a fold that forgets one is seen."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network.eval()


def thin(text="guided", **options) -> FusionNetwork:
    torch.manual_seed(0)
    return scrambled(UpFusion(text, TEXT_DIM, plan=THIN, **options))


def small(**options) -> FusionNetwork:
    torch.manual_seed(0)
    return scrambled(create("upfusion", size="small", text_dim=TEXT_DIM, **options))


def encoded(network: FusionNetwork, prompts: int = 3) -> State:
    with torch.no_grad():
        pooled, tokens, mask = embeddings(prompts)
        return network.encode_text(pooled.to(next(network.parameters())), tokens, mask)


@torch.no_grad()
def test_base_folds_to_the_same_picture():
    """At the size of the paper, to 1e-4 in float32, at an odd size; fresh weights give a picture of sane range."""
    torch.manual_seed(0)
    network = create("upfusion", text_dim=TEXT_DIM).eval()
    state, both = one(encoded(network), 0), pictures(67, 81, 1)
    plain = network(*both, state)
    assert plain.shape == (1, 1, 67, 81)
    assert 0.01 < plain.std() < plain.abs().max() < 2
    torch.testing.assert_close(fold(network, state)(*both), plain, rtol=0, atol=1e-4)


@pytest.mark.parametrize("strip_bytes", [1, 2 << 20])
@pytest.mark.parametrize("make", [thin, small])
@torch.no_grad()
def test_folds_under_every_prompt_agree_with_one_mixed_batch(monkeypatch, strip_bytes, make):
    """Each item of a mixed batch is what the fold of its prompt makes of it, before a swap and after it."""
    monkeypatch.setattr(fast_blocks, "STRIP_BYTES", strip_bytes)
    network = make()
    state, (infrared, visible) = encoded(network), pictures(70, 65, 1, batch=3)
    index = torch.tensor([1, 2, 1])
    mixed = network(infrared, visible, gathered(state, index))
    for i, prompt in enumerate(index.tolist()):
        alone = fold(network, one(state, prompt))(infrared[i : i + 1], visible[i : i + 1])
        torch.testing.assert_close(alone, mixed[i : i + 1], rtol=0, atol=1e-4)


@pytest.mark.parametrize("strength", [1.0, 0.4, 0.0])
@torch.no_grad()
def test_published_form_folds_exactly(strength):
    """In float64, where no ranking tips over; its permutation may be blended in."""
    network = thin("published").double()
    state = network.temper(one(encoded(network), 0), torch.tensor([strength]))
    both = [picture.double() for picture in pictures(64, 72, 1)]
    torch.testing.assert_close(fold(network, state)(*both), network(*both, state), rtol=0, atol=1e-9)


@pytest.mark.parametrize("make", [thin, small])
@torch.no_grad()
def test_batch_under_one_prompt_is_its_pictures_one_by_one(make):
    """A fold takes any batch."""
    network = make()
    state, both = one(encoded(network), 0), pictures(64, 64, 1, batch=2)
    torch.testing.assert_close(fold(network, state)(*both), network(*both, state), rtol=0, atol=1e-4)


@torch.no_grad()
def test_whole_batch_at_once_is_the_same():
    """As on an accelerator, where nothing is cut into strips."""
    network = small()
    state, both = one(encoded(network), 0), pictures(64, 64, 1, batch=2)
    torch.testing.assert_close(fold(network, state).fused(*both, None), network(*both, state), rtol=0, atol=1e-4)


@torch.no_grad()
def test_strength_is_folded_too():
    """A tempered state folds to the tempered picture."""
    network = small()
    state, both = network.temper(one(encoded(network), 0), torch.tensor([0.3])), pictures(64, 64, 1)
    torch.testing.assert_close(fold(network, state)(*both), network(*both, state), rtol=0, atol=1e-4)


@torch.no_grad()
def test_given_features_are_folded_or_given_anew():
    """Those of the state by default, others per call."""
    network = thin(semantic="features:8")
    state, both = one(encoded(network), 0), pictures(64, 64, 1, batch=2)
    folded, given = {"features": torch.randn(1, 8)}, torch.randn(2, 8)
    fast = fold(network, state | folded)
    torch.testing.assert_close(fast(*both), network(*both, state | folded), rtol=0, atol=1e-4)
    torch.testing.assert_close(fast(*both, given), network(*both, state | {"features": given}), rtol=0, atol=1e-4)


@pytest.mark.parametrize("text", ["guided", "published"])
@torch.no_grad()
def test_prior_sees_what_it_saw_unfolded(text):
    """Its picture is made without the features that published pictures are mixtures of."""
    body = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, stride=2), torch.nn.ReLU())
    network = thin(text, semantic=SemanticPrior(body, 8)).double()
    state = one(encoded(network), 0)
    both = [picture.double() for picture in pictures(64, 64, 1)]
    torch.testing.assert_close(fold(network, state)(*both), network(*both, state), rtol=0, atol=1e-9)


@torch.no_grad()
def test_fold_takes_less_memory_than_the_plain_network(monkeypatch):
    """At most a third of the tensors alive at once, where strips are short beside the picture."""
    monkeypatch.setattr(fast_blocks, "STRIP_BYTES", 1 << 18)
    network = small()
    state, both = one(encoded(network), 0), pictures(240, 320, 1)
    fast = fold(network, state)
    with LiveBytes(network) as plain:
        network(*both, state)
    with LiveBytes(fast) as folded:
        fast(*both)
    assert folded.peak < plain.peak / 3


@torch.no_grad()
def test_fold_in_bfloat16_is_near_and_leaves_the_network_alone():
    """Fold in float32, then cast: the network's own weights keep their type."""
    network = small()
    state, both = one(encoded(network), 0), pictures(64, 64, 1)
    fast = fold(network, state).to(torch.bfloat16)
    half = fast(*(picture.bfloat16() for picture in both))
    torch.testing.assert_close(half.float(), network(*both, state), rtol=0, atol=0.03)


@torch.no_grad()
def test_shifted_means_are_the_means_of_a_padded_convolution():
    """They give the mean of any 3x3 convolution without running it."""
    picture, kernel = torch.rand(2, 4, 9, 7), torch.randn(5, 4, 3, 3)
    expected = torch.nn.functional.conv2d(picture, kernel, padding=1).mean((2, 3))
    torch.testing.assert_close(torch.einsum("ckyx,bkyx->bc", kernel, shifted_means(picture)), expected)


def test_fold_wants_one_prompt_and_its_own_network():
    """Two prompts, or another network, are errors that say what to do."""
    network = small()
    with pytest.raises(FrameError, match="one prompt"):
        fold(network, encoded(network))
    with pytest.raises(ConfigError, match=r"wanted upfusion, got Linear.*fast_NAME"):
        fold(torch.nn.Linear(1, 1), one(encoded(network), 0))
