import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.networks import create
from streamfuse.networks.network import State, gathered
from streamfuse.networks.textpixels import TextPixels
from streamfuse.networks.textpixels_parts import TextGuidedFusion
from streamfuse.networks.textpixels_small import TextPixelsSmall
from tests.networks.drawn import TEXT_DIM, embeddings, exported, gmac, one, parameters, pictures, run_onnx, without_gradient


@pytest.fixture
def small() -> TextPixelsSmall:
    torch.manual_seed(0)
    return TextPixelsSmall(TEXT_DIM).eval()


@pytest.fixture
def state(small: TextPixels) -> State:
    with torch.no_grad():
        return small.encode_text(*embeddings())


@pytest.mark.parametrize(("size", "count", "cost"), [("base", 1_823_649, 61.9), ("small", 510_483, 10.67)])
def test_sizes_are_what_they_are_said_to_be(size, count, cost):
    """1.8 million parameters and 62 GMAC at 640x480, or 0.4 million and 10.7."""
    with torch.device("meta"):
        network = create("textpixels", size=size)
        assert parameters(network) == count
        assert gmac(network, 1) == pytest.approx(cost, abs=0.1)


@pytest.mark.parametrize("size", ["base", "small"])
def test_every_parameter_gets_gradient(size):
    """One backward over two prompts reaches all there is to train, in front of the codebook too."""
    torch.manual_seed(0)
    assert without_gradient(create("textpixels", size=size, text_dim=TEXT_DIM), 1) == []


@torch.no_grad()
@pytest.mark.parametrize(("size", "height", "width"), [("base", 64, 64), ("base", 71, 65), ("small", 65, 97), ("small", 131, 66)])
def test_any_size_goes_through(size, height, width):
    """Odd or even, the picture comes out as large as it went in, near the range."""
    torch.manual_seed(0)
    network = create("textpixels", size=size, text_dim=TEXT_DIM)
    fused = network(*pictures(height, width, 1), network.encode_text(*embeddings(1)))
    assert fused.shape == (1, 1, height, width)
    assert -0.5 < fused.min() < fused.max() < 1.5


@pytest.mark.parametrize(("height", "width"), [(1080, 1920), (1079, 1919)])
def test_full_hd_goes_through(height, width):
    """The shapes fit at the largest size too."""
    with torch.device("meta"):
        assert gmac(create("textpixels", size="small"), 1, height, width) > 60


@torch.no_grad()
def test_prompts_of_one_batch_do_not_mix(small, state):
    """Each item is fused under its own prompt, as if it were alone; another prompt gives another picture, the same one the same."""
    infrared, visible = (picture.repeat(3, 1, 1, 1) for picture in pictures(64, 64, 1))
    fused = small(infrared, visible, gathered(state, torch.tensor([0, 1, 0])))
    alone = small(infrared[:1], visible[:1], one(state, 1))
    assert (fused[1:2] - alone).abs().max() < 1e-5
    assert (fused[0] - fused[1]).abs().max() > 1e-3
    assert torch.equal(alone, small(infrared[:1], visible[:1], one(state, 1)))


@torch.no_grad()
def test_strength_fades_the_words_in(small, state):
    """At 0 all prompts give the network without words; from there to 1 the picture moves away steadily."""
    both = pictures(64, 64, 1)
    without = small(*both, small.temper(one(state, 0), torch.zeros(1)))
    assert torch.equal(small(*both, small.temper(one(state, 1), torch.zeros(1))), without)
    moved = [float((small(*both, small.temper(one(state, 0), torch.tensor([s]))) - without).abs().mean()) for s in (0.25, 0.5, 0.75, 1.0)]
    assert 0 < moved[0] < moved[1] < moved[2] < moved[3]


@torch.no_grad()
def test_a_grey_level_of_noise_moves_little(small, state):
    """The output is continuous in the input, codebook and all."""
    for both in (pictures(64, 64, 1), (torch.zeros(1, 1, 64, 64), torch.zeros(1, 1, 64, 64))):
        noisy = [picture + torch.randint(-1, 2, picture.shape) / 255 for picture in both]
        assert (small(*noisy, one(state, 0)) - small(*both, one(state, 0))).abs().max() < 0.03


@torch.no_grad()
def test_half_precision_is_near(small, state):
    """bfloat16 gives the same picture to its precision."""
    both = pictures(64, 64, 1)
    exact = small(*both, one(state, 0))
    coarse = small.bfloat16()(*(p.bfloat16() for p in both), {k: v.bfloat16() for k, v in one(state, 0).items()})
    assert (coarse.float() - exact).abs().max() < 0.05


@torch.no_grad()
def test_tiles_fit_together():
    """Far enough from a cut, a piece is fused as within the whole: nothing looks at the whole picture. The small form's front does."""
    base = create("textpixels", size="base", text_dim=TEXT_DIM).eval()
    infrared, visible = pictures(192, 64, 1)
    state = one(base.encode_text(*embeddings()), 0)
    whole = base(infrared, visible, state)
    piece = base(infrared[:, :, :128], visible[:, :, :128], state)
    assert (piece[:, :, :64] - whole[:, :, :64]).abs().max() < 1e-5


@torch.no_grad()
def test_padding_says_nothing(small):
    """What stands behind the mask does not matter, and neither does the scale of the embeddings."""
    pooled, tokens, mask = embeddings(1)
    both = pictures(64, 64, 1)
    plain = small(*both, small.encode_text(pooled, tokens, mask))
    other = small(*both, small.encode_text(10 * pooled, torch.where(mask[..., None] > 0, 10 * tokens, 99.0), mask))
    assert torch.allclose(plain, other, atol=1e-4)


@torch.no_grad()
def test_the_mask_chooses_between_the_cameras():
    """Leant fully to one side, the fusion of a level takes that camera's features only, beside what they have in common."""
    torch.manual_seed(0)
    fusion, a, b = TextGuidedFusion(1, 4, 6), torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    silent = {name: torch.zeros_like(tensor) for name, tensor in fusion.encode_text(torch.randn(1, 6)).items()}
    joint = fusion.joint(torch.cat((a, b), 1))
    for lean, expected in ((50.0, fusion.take_infrared(a)), (-50.0, fusion.take_visible(b))):
        fused = fusion(a, b, {**silent, "lean_1": torch.full((1, 4), lean)})
        assert torch.allclose(fused, joint + expected, atol=1e-5)


def test_the_trace_feeds_the_codebook(small, state):
    """A training step teaches the codebook from the same pass, and the next pass differs."""
    small.train()
    both = pictures(64, 64, 1)
    trace = small.trace(*both, one(state, 0))
    assert torch.equal(trace.fused_B1HW, small(*both, one(state, 0)))
    assert trace.vectors_BDhw.shape == (1, 64, 8, 8)
    assert [tuple(level.shape[1:]) for level in trace.infrared] == [(16, 64, 64), (32, 32, 32), (64, 16, 16)]
    small.prior.codebook.learn(trace.vectors_BDhw.flatten(2), decay=0.5)
    assert not torch.equal(trace.fused_B1HW, small(*both, one(state, 0)))


def test_there_is_no_published_form():
    """Nobody outside has seen the authors' code, and the error says so."""
    with pytest.raises(ConfigError, match="textpixels has no published form"):
        create("textpixels", text="published")


@torch.no_grad()
def test_onnx_gives_the_same_picture(small, state, tmp_path):
    """Exported with the prompt's state as inputs: batches of mixed prompts, one prompt for all."""
    session = exported(small, 1, state, tmp_path, (67, 90))
    for batch, words in ((2, state), (2, one(state, 1)), (1, one(state, 0))):
        both = pictures(67, 90, 1, batch)
        assert (run_onnx(session, *both, words) - small(*both, words)).abs().max() < 1e-3
