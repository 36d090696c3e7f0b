import pytest
import torch

from streamfuse.networks import create
from streamfuse.networks.network import FusionNetwork, State, gathered
from tests.networks.drawn import TEXT_DIM, embeddings, exported, gmac, one, parameters, pictures, run_onnx, without_gradient


@pytest.fixture
def network() -> FusionNetwork:
    torch.manual_seed(0)
    return create("upfusion", size="small", text_dim=TEXT_DIM).eval()


@pytest.fixture
def state(network: FusionNetwork) -> State:
    with torch.no_grad():
        return network.encode_text(*embeddings(3))


def test_size_is_two_million_parameters_and_fourteen_gmac():
    """At 640x480, for the 384-wide text of minilm."""
    with torch.device("meta"):
        network = create("upfusion", size="small")
    assert parameters(network) == 2_115_935
    assert gmac(network, 1) == pytest.approx(14.04, abs=0.01)


def test_every_parameter_gets_gradient(network):
    """From one backward over two prompts."""
    assert without_gradient(network, 1) == []


@torch.no_grad()
def test_fresh_network_is_near_the_classical_fusion(network, state):
    """Training starts from the blend of what comes out of the front, not from noise."""
    said = one(state, 0)
    both = pictures(96, 96, 1)
    torch.testing.assert_close(network(*both, said), network.blend.of_pictures(*network.front(*both, said)), rtol=0, atol=0.1)


@torch.no_grad()
def test_prompt_moves_the_output_and_the_same_one_gives_the_same_bytes(network, state):
    """With random weights."""
    both = pictures(64, 64, 1)
    first, again, other = (network(*both, one(state, index)) for index in (0, 0, 1))
    assert torch.equal(first, again)
    assert (first - other).abs().max() > 1e-3


@torch.no_grad()
def test_one_grey_level_of_noise_cannot_make_it_jump(network, state):
    """The output moves by little more than the noise, also on black pictures."""
    for infrared, visible in (pictures(64, 64, 1), (torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64))):
        noise = torch.randint(0, 2, infrared.shape) / 255
        moved = network(infrared + noise, visible + noise, one(state, 0)) - network(infrared, visible, one(state, 0))
        assert 0 < moved.abs().max() < 3 / 255


@torch.no_grad()
def test_strength_runs_from_no_text_to_all_of_it(network, state):
    """Strength 0 is the same for every prompt, and the distance from it grows."""
    both = pictures(64, 64, 1)
    neutral, other = (network(*both, network.temper(one(state, index), torch.zeros(1))) for index in (0, 1))
    assert torch.equal(neutral, other)
    fused = [network(*both, network.temper(one(state, 0), torch.tensor([s]))) for s in (0.0, 0.3, 0.6, 1.0)]
    distances = [float((image - neutral).square().mean()) for image in fused]
    assert distances == sorted(distances)
    assert distances[-1] > 0


@torch.no_grad()
def test_batch_may_mix_prompts(network, state):
    """Each item comes out as it does alone."""
    infrared, visible = pictures(64, 72, 1, batch=2)
    mixed = network(infrared, visible, gathered(state, torch.tensor([2, 0])))
    for i, prompt in enumerate((2, 0)):
        torch.testing.assert_close(
            mixed[i : i + 1], network(infrared[i : i + 1], visible[i : i + 1], one(state, prompt)), rtol=0, atol=1e-4
        )


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 101), (1080, 1920)])
def test_any_size_goes_in_and_comes_out(height, width):
    """From 64x64 to 1920x1080, odd ones too; on the meta device, so nothing is computed."""
    with torch.device("meta"), torch.no_grad():
        network = create("upfusion", size="small", text_dim=TEXT_DIM)
        state = network.encode_text(*(part.to("meta") for part in embeddings(1)))
        fused = network(torch.zeros(1, 1, height, width), torch.zeros(1, 1, height, width), state)
    assert fused.shape == (1, 1, height, width)


@torch.no_grad()
def test_detail_of_an_odd_picture_stays_where_it_is(network, state):
    """A single bright pixel in the last row and column is still there."""
    infrared, visible = torch.zeros(1, 1, 65, 67), torch.zeros(1, 1, 65, 67)
    visible[..., -1, -1] = 1.0
    fused = network(infrared, visible, one(state, 0))
    assert fused[0, 0].argmax() == 65 * 67 - 1


@torch.no_grad()
def test_exports_to_onnx_with_the_state_as_input(network, state, tmp_path):
    """Any prompt and batch after one export of a size, to 1e-3."""
    for height, width, prompt in ((64, 64, one(state, 1)), (71, 90, state)):
        session = exported(network, 1, state, tmp_path, (height, width))
        both = pictures(height, width, 1, len(prompt["gate_1"]))
        torch.testing.assert_close(run_onnx(session, *both, prompt), network(*both, prompt), rtol=0, atol=1e-3)
