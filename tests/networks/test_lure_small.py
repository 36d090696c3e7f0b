import pytest
import torch

from streamfuse.networks import create
from streamfuse.networks.lure_small import LureSmall
from streamfuse.networks.network import State
from tests.networks.drawn import TEXT_DIM, embeddings, exported, gmac, one, parameters, pictures, run_onnx, without_gradient


@pytest.fixture
def small() -> LureSmall:
    torch.manual_seed(0)
    return LureSmall(TEXT_DIM).eval()


@pytest.fixture
def state(small: LureSmall) -> State:
    with torch.no_grad():
        return small.encode_text(*embeddings())


def luma(picture_B3HW: torch.Tensor) -> torch.Tensor:
    return (picture_B3HW * torch.tensor((0.299, 0.587, 0.114))[:, None, None]).sum(1, keepdim=True)


def test_small_is_small():
    """Two million parameters, and 14 GMAC at 640x480 with both cameras."""
    with torch.device("meta"):
        network = create("lure", size="small")
        assert parameters(network) == 2_109_540
        assert gmac(network, 3) <= 14.1


def test_every_parameter_gets_gradient(small):
    """One backward over two prompts reaches all there is to train."""
    assert without_gradient(small.train(), 3) == []


@torch.no_grad()
@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 97), (131, 66)])
def test_any_size_goes_through(small, state, height, width):
    """Odd or even, the picture comes out as large as it went in, near the range."""
    fused = small(*pictures(height, width, 3), one(state, 0))
    assert fused.shape == (1, 3, height, width)
    assert -1.0 < fused.min() < fused.max() < 2.0


@pytest.mark.parametrize(("height", "width"), [(1080, 1920), (1079, 1919)])
def test_full_hd_goes_through(height, width):
    """The shapes fit at the largest size too."""
    with torch.device("meta"):
        assert gmac(create("lure", size="small"), 3, height, width) > 80


@torch.no_grad()
def test_a_fresh_network_is_near_the_classical_fusion(small, state):
    """What is not learned yet is the blend of the two, at full resolution."""
    infrared, visible = pictures(96, 80, 3)
    said = one(state, 0)
    prepared, lit = small.prepared(infrared, visible, said)
    assert (small(infrared, visible, said) - small.ground(prepared.expand(-1, 3, -1, -1), lit)).abs().mean() < 0.1


@torch.no_grad()
def test_the_classical_fusion_keeps_the_colours(small):
    """Luma is the blend of both, chroma that of the visible camera."""
    infrared, visible = pictures(64, 64, 3)
    fused = small.ground(infrared.expand(-1, 3, -1, -1), visible)
    assert torch.allclose(luma(fused), small.blend.of_pictures(infrared, luma(visible)), atol=1e-6)
    assert torch.allclose(fused - luma(fused), visible - luma(visible), atol=1e-6)


@torch.no_grad()
def test_latents_kept_give_the_same_picture(small, state):
    """A slow camera's latents, with the picture in them, are as good as encoding it again."""
    infrared, visible = pictures(70, 66, 3, batch=2)
    prepared, lit = small.prepared(infrared, visible, state)
    slow = small.encode(prepared.expand(-1, 3, -1, -1), "infrared", state)
    assert torch.equal(small.fuse_latents(slow, small.encode(lit, "visible", state), state), small(infrared, visible, state))


@torch.no_grad()
def test_a_grey_level_of_noise_moves_little(small, state):
    """The output is continuous in the input, in the dark too."""
    for both in (pictures(64, 64, 3), tuple(torch.zeros_like(picture) for picture in pictures(64, 64, 3))):
        noisy = [picture + torch.randint(-1, 2, picture.shape) / 255 for picture in both]
        assert (small(*noisy, one(state, 0)) - small(*both, one(state, 0))).abs().max() < 0.06


@torch.no_grad()
def test_onnx_gives_the_same_picture(small, state, tmp_path):
    """Exported with the prompt's state as inputs: batches of mixed prompts, one prompt for all."""
    session = exported(small, 3, state, tmp_path, (67, 90))
    for batch, words in ((2, state), (2, one(state, 1)), (1, one(state, 0))):
        both = pictures(67, 90, 3, batch)
        assert (run_onnx(session, *both, words) - small(*both, words)).abs().max() < 1e-3
