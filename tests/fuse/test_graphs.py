"""CUDA graphs: the pictures of the network they were taken from, nothing captured twice."""

import pytest
import torch

from streamfuse.batch.collector import padded_size
from streamfuse.fuse.graphs import SIZES_KEPT, Graphs
from streamfuse.networks import create
from streamfuse.networks.export import example_state
from streamfuse.networks.network import FusionNetwork

pytestmark = pytest.mark.needs_cuda


@pytest.fixture(scope="module", params=["nano", "textpixels", "upfusion", "lure"])
def network(request: pytest.FixtureRequest) -> FusionNetwork:
    torch.manual_seed(0)
    return create(request.param, "small", text_dim=48).eval().requires_grad_(requires_grad=False).to("cuda")


def pictures(network: FusionNetwork, count: int, height: int = 64, width: int = 96, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator("cuda").manual_seed(seed)
    colours = 3 if network.colour == "rgb" else 1
    infrared, visible = (torch.rand(count, channels, height, width, generator=draw, device="cuda") for channels in (1, colours))
    return infrared, visible


@torch.inference_mode()
def test_a_graph_gives_the_same_pictures(network):
    """To 1e-4 in fp32 for each of the engine's batch sizes, for pictures and prompts that came after the capture."""
    graphs = Graphs(network, torch.float32)
    for count in sorted({padded_size(count) for count in (1, 2, 3, 8, 16)}):
        graphs(*pictures(network, count), example_state(network, count))
        both, state = pictures(network, count, seed=1), example_state(network, count)
        assert torch.allclose(graphs(*both, state), network(*both, state), atol=1e-4)


@torch.inference_mode()
def test_a_prompt_captures_nothing(network):
    """One graph for a size, whatever the words."""
    graphs = Graphs(network, torch.float32)
    outs = [graphs(*pictures(network, 1), example_state(network, 1)) for _ in range(3)]
    assert len(graphs._graphs) == 1
    assert not torch.equal(outs[0], outs[1])


@torch.inference_mode()
def test_a_result_stays_what_it_was(network):
    """Later frames, of this size or of another in the same pool, do not paint over it."""
    graphs, state = Graphs(network, torch.float32), example_state(network, 1)
    first = graphs(*pictures(network, 1), state)
    kept = first.clone()
    graphs(*pictures(network, 1, seed=1), state)
    graphs(*pictures(network, 1, 128, 128), state)
    assert torch.equal(first, kept)
    assert torch.equal(graphs(*pictures(network, 1), state), kept)


@torch.inference_mode()
def test_bf16_is_near(network):
    """Weights stay in float32; the arithmetic is halved."""
    state, both = example_state(network, 2), pictures(network, 2)
    full, half = (Graphs(network, dtype)(*both, state).float() for dtype in (torch.float32, torch.bfloat16))
    assert float((full - half).abs().mean()) < 4 / 255


@torch.inference_mode()
def test_only_so_many_sizes_are_kept():
    """The size used longest ago goes first."""
    graphs = Graphs(Sum(), torch.float32)
    for step in range(SIZES_KEPT + 2):
        picture = torch.ones(1, 1, 64, 64 + step, device="cuda")
        assert torch.equal(graphs(picture, picture, {}), picture * 2)
    assert len(graphs._graphs) == SIZES_KEPT


class Sum(torch.nn.Module):
    def forward(self, infrared: torch.Tensor, visible: torch.Tensor, state: dict[str, torch.Tensor]) -> torch.Tensor:
        return infrared + visible
