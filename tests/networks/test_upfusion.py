import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.networks import create
from streamfuse.networks.network import FusionNetwork, State, gathered
from streamfuse.networks.upfusion import Plan, UpFusion
from tests.networks.drawn import TEXT_DIM, embeddings, exported, gmac, one, pictures, run_onnx

CLIP_DIM = 512
THIN = Plan(channels=8, heads=(1, 2, 2, 4), encoder_blocks=(1, 1, 1, 1), decoder_blocks=(1, 1, 1), refinement_blocks=1)


def meta(**options) -> FusionNetwork:
    with torch.device("meta"):
        return create("upfusion", text_dim=CLIP_DIM, **options)


def parameters(network: FusionNetwork, *, prior: bool) -> int:
    return sum(p.numel() for name, p in network.named_parameters() if prior or ".prior." not in name)


def thin(text="guided", **options) -> UpFusion:
    torch.manual_seed(0)
    return UpFusion(text, TEXT_DIM, plan=THIN, **options).eval()


def encoded(network: FusionNetwork, prompts: int = 2) -> State:
    with torch.no_grad():
        return network.encode_text(*embeddings(prompts, network.text_dim))


def test_published_form_has_the_published_size():
    """49,309,724 parameters beside the semantic prior, 136,874,140 with it, and 1,035 GMAC at 640x480; nothing that is never called."""
    network = meta(text="published", semantic="convnext_base")
    assert parameters(network, prior=False) == 49_309_724
    assert parameters(network, prior=True) == 136_874_140
    assert gmac(network, 1) == pytest.approx(1_034.96, abs=0.01)
    assert not [name for name, _ in network.named_parameters() if "gt" in name.split(".")]


def test_published_form_counts_the_same_without_a_prior():
    """The parameters that read the prior's features stay, so that weights fit whichever prior is plugged in."""
    assert parameters(meta(text="published"), prior=False) == 49_309_724


def test_published_form_gives_no_gradient_to_what_ranks():
    """47,274,565 parameters get one: not the text, not the semantic scores, not the channel scores."""
    network = meta(text="published", semantic="convnext_base")
    state = network.encode_text(*(part.to("meta") for part in embeddings(2, CLIP_DIM)))
    network(*(picture.to("meta") for picture in pictures(64, 64, 1, batch=2)), state).mean().backward()
    assert sum(p.numel() for p in network.parameters() if p.grad is not None) == 47_274_565
    unreached = {name.split(".")[2] for name, p in network.named_parameters() if name.startswith("tcpms") and p.grad is None}
    assert unreached == {"text", "scores"}


def test_guided_form_has_about_the_published_size():
    """48.7 million parameters for 512-wide text, and 1,014 GMAC at 640x480."""
    network = meta()
    assert parameters(network, prior=True) == 48_867_979
    assert gmac(network, 1) == pytest.approx(1_014.1, abs=0.1)


def test_every_parameter_of_the_guided_form_gets_gradient():
    """At the size of the paper, on the meta device: none is left out of the graph."""
    network = meta(semantic="features:8")
    state = network.encode_text(*(part.to("meta") for part in embeddings(2, CLIP_DIM))) | {"features": torch.zeros(2, 8, device="meta")}
    network(*(picture.to("meta") for picture in pictures(64, 64, 1, batch=2)), state).mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize("semantic", ["none", "features:8"])
def test_no_gradient_of_the_guided_form_is_zero(semantic):
    """From one backward over two prompts."""
    network = thin(semantic=semantic)
    features = {} if semantic == "none" else {"features": torch.randn(2, 8)}
    network(*pictures(64, 64, 1, batch=2), network.encode_text(*embeddings()) | features).square().mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("text", ["guided", "published"])
@torch.no_grad()
def test_prompt_moves_the_output_and_the_same_one_gives_the_same_bytes(text):
    """With random weights, at an odd size."""
    network = thin(text)
    state, both = encoded(network), pictures(67, 81, 1)
    first, again, other = (network(*both, one(state, index)) for index in (0, 0, 1))
    assert first.shape == (1, 1, 67, 81)
    assert torch.equal(first, again)
    assert (first - other).abs().max() > 0.05


@torch.no_grad()
def test_one_grey_level_of_noise_cannot_make_the_guided_form_jump():
    """The output moves little, and a tenth as much for a tenth of the noise."""
    network = thin()
    state, (infrared, visible) = one(encoded(network), 0), pictures(64, 64, 1)
    noise = torch.randint(-1, 2, infrared.shape) / 255
    still = network(infrared, visible, state)
    moved, less = (float((network(infrared + part * noise, visible - part * noise, state) - still).abs().max()) for part in (1.0, 0.1))
    assert 0 < moved < 0.05
    assert less < moved / 5


@torch.no_grad()
def test_length_of_an_embedding_says_nothing_in_the_guided_form():
    """Encoders differ in it; three times the vector is the same prompt."""
    network = thin()
    pooled, tokens, mask = embeddings()
    state, longer = network.encode_text(pooled, tokens, mask), network.encode_text(3 * pooled, tokens, mask)
    for name, gate in state.items():
        torch.testing.assert_close(longer[name], gate, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("text", ["guided", "published"])
@torch.no_grad()
def test_strength_runs_from_no_text_to_all_of_it(text):
    """Strength 0 is the same for every prompt; the distance from it grows; strength 1 changes nothing."""
    network = thin(text)
    state, both = encoded(network), pictures(64, 64, 1)
    neutral, other = (network(*both, network.temper(one(state, index), torch.zeros(1))) for index in (0, 1))
    assert torch.equal(neutral, other)
    fused = [network(*both, network.temper(one(state, 0), torch.tensor([s]))) for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    distances = [float((image - neutral).square().mean()) for image in fused]
    assert distances == sorted(distances)
    assert distances[0] == 0 < distances[1]
    assert torch.equal(fused[-1], network(*both, one(state, 0)))


@torch.no_grad()
def test_published_form_without_text_keeps_the_order_of_channels():
    """A permutation at strength 0 is as good as none."""
    network = thin("published")
    state, both = one(encoded(network), 0), pictures(64, 64, 1)
    order = {name: torch.arange(tensor.shape[1])[None] for name, tensor in state.items() if name.startswith("order")}
    torch.testing.assert_close(network(*both, network.temper(state, torch.zeros(1))), network(*both, state | order))


@torch.no_grad()
def test_published_text_is_a_permutation_of_all_channels():
    """Of the 2C channels of each level, by descending rank."""
    network = thin("published")
    state = encoded(network)
    for level, channels in enumerate((16, 32, 64, 128), 1):
        assert torch.equal(state[f"order_{level}"].sort(dim=1).values, torch.arange(channels).expand(2, -1))


@torch.no_grad()
def test_given_features_stand_in_for_the_prior():
    """They move the output of a network that reads features; a network without a prior takes no notice."""
    for semantic, reads in (("features:8", True), ("none", False)):
        network = thin(semantic=semantic)
        state, both = one(encoded(network), 0), pictures(64, 64, 1)
        blank, given = (network(*both, state | features) for features in ({}, {"features": torch.randn(1, 8)}))
        assert torch.equal(blank, given) is not reads


@pytest.mark.parametrize("text", ["guided", "published"])
@torch.no_grad()
def test_batch_may_mix_prompts(text):
    """Each item comes out as it does alone; a state of one prompt serves all items."""
    network = thin(text).double()  # published rankings may tip over in float32
    state = {name: tensor.double() if tensor.is_floating_point() else tensor for name, tensor in encoded(thin(text), 3).items()}
    infrared, visible = (picture.double() for picture in pictures(64, 72, 1, batch=3))
    index = torch.tensor([2, 0, 2])
    mixed = network(infrared, visible, gathered(state, index))
    for i, prompt in enumerate(index.tolist()):
        torch.testing.assert_close(
            mixed[i : i + 1], network(infrared[i : i + 1], visible[i : i + 1], one(state, prompt)), rtol=0, atol=1e-9
        )
    torch.testing.assert_close(network(infrared, visible, one(state, 2))[2:], mixed[2:], rtol=0, atol=1e-9)


@torch.no_grad()
def test_bfloat16_is_near_float32():
    """Random weights, guided; a twentieth of the pixels' range at most."""
    network = thin()
    state, both = one(encoded(network), 0), pictures(64, 64, 1)
    full = network(*both, state)
    half = network.bfloat16()(*(picture.bfloat16() for picture in both), {name: tensor.bfloat16() for name, tensor in state.items()})
    torch.testing.assert_close(half.float(), full, rtol=0, atol=0.05)


@torch.no_grad()
def test_exports_to_onnx_with_the_state_as_input(tmp_path):
    """Any prompt, batch and size after one export, to 1e-3."""
    network = thin()
    state = encoded(network)
    session = exported(network, 1, state, tmp_path)
    for height, width, batch in ((64, 64, 1), (71, 90, 2)):
        both = pictures(height, width, 1, batch)
        prompt = state if batch == 2 else one(state, 1)
        torch.testing.assert_close(run_onnx(session, *both, prompt), network(*both, prompt), rtol=0, atol=1e-3)


def test_small_has_no_published_form():
    """The message says what to set."""
    with pytest.raises(ConfigError, match=r"small has no published form.*set text: guided, or size: base"):
        create("upfusion", size="small", text="published")
