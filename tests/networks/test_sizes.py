"""Pictures of any size, odd ones too: from 64x64 to 1920x1080 for what runs in real time, small ones for the sizes of the papers."""

import importlib

import pytest
import torch

from streamfuse.networks import NETWORKS, create
from streamfuse.networks.network import FusionNetwork
from tests.networks.drawn import TEXT_DIM, embeddings, pictures

EVERY_SIZE = [(64, 64), (65, 67), (1080, 1920), (1079, 1919)]
SMALL_SIZES = [(64, 64), (65, 79), (256, 320)]


def made(name: str, size: str) -> FusionNetwork:
    torch.manual_seed(0)
    return create(name, size, text_dim=TEXT_DIM).eval().requires_grad_(requires_grad=False)  # type: ignore[arg-type]


def colours(network: FusionNetwork) -> int:
    return 3 if network.colour == "rgb" else 1


@pytest.mark.parametrize("name", list(NETWORKS))
@pytest.mark.parametrize("size", ["small", "base"])
def test_what_comes_out_has_the_size_of_what_went_in(name, size):
    """On the meta device, where all shapes are real and nothing is computed."""
    network = made(name, size).to("meta")
    with torch.no_grad():
        state = network.encode_text(*(part.to("meta") for part in embeddings(1)))
        for height, width in EVERY_SIZE if size == "small" or name == "nano" else SMALL_SIZES:
            both = (torch.empty(1, channels, height, width, device="meta") for channels in (1, colours(network)))
            assert network(*both, state).shape == (1, colours(network), height, width)


@pytest.mark.parametrize(
    ("name", "size", "picture"),
    [(name, size, (65, 79)) for name in NETWORKS for size in ("small", "base")]
    + [(name, "small", (64, 64)) for name in NETWORKS]
    + [("nano", "small", (1079, 1919)), ("textpixels", "small", (241, 319))],
)
def test_folded_it_takes_the_same_sizes(name, size, picture):
    """To 1e-4 what the plain network gives."""
    network = made(name, size)
    fold = importlib.import_module(f"streamfuse.networks.fast_{name}").fold
    both = pictures(picture[0], picture[1], colours(network))
    with torch.inference_mode():
        state = network.encode_text(*embeddings(1))
        assert torch.allclose(fold(network, state)(*both), network(*both, state), atol=1e-4)


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ["upfusion", "lure"])
def test_the_sizes_of_the_papers_at_320x256(name):
    """Computed in full once: it takes seconds."""
    network = made(name, "base")
    fold = importlib.import_module(f"streamfuse.networks.fast_{name}").fold
    both = pictures(256, 320, colours(network))
    with torch.inference_mode():
        state = network.encode_text(*embeddings(1))
        fused = fold(network, state)(*both)
        assert torch.allclose(fused, network(*both, state), atol=1e-4)
