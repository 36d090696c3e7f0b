import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.networks import create
from streamfuse.networks.lure import Latents, Lure, Plan
from streamfuse.networks.lure_parts import InnerGDFN, InnerMDTA, TextGuidedAttention
from streamfuse.networks.network import State, gathered
from tests.networks.drawn import TEXT_DIM, embeddings, gmac, one, parameters, pictures, without_gradient

TINY = Plan(
    widths=(8, 16, 32, 64),
    heads=(1, 2, 2, 4),
    encoder_blocks=(1, 1, 1, 1),
    meeting_blocks=(1, 1, 1, 1),
    decoder_blocks=(1, 1, 1),
    top_width=16,
    refinement_blocks=1,
    expansion=2.0,
    rise_kernel_px=3,
    text_width=16,
    multiple_px=8,
)


@pytest.fixture
def lure() -> Lure:
    """The network as it is, thinner."""
    torch.manual_seed(0)
    return Lure(TEXT_DIM, TINY).eval()


@pytest.fixture
def state(lure: Lure) -> State:
    with torch.no_grad():
        return lure.encode_text(*embeddings())


def test_base_has_the_size_it_is_said_to_have():
    """19 million parameters at the widths and depths of Restormer's family, and 630 GMAC at 640x480 for both cameras."""
    with torch.device("meta"):
        network = create("lure")
        assert parameters(network) == 19_165_102
        assert gmac(network, 3) == pytest.approx(630.4, abs=0.1)


@torch.no_grad()
def test_base_takes_an_odd_size():
    """The picture comes out as large as it went in, finite and not far outside the range, fresh weights or not."""
    torch.manual_seed(0)
    network = create("lure", text_dim=TEXT_DIM)
    fused = network(*pictures(65, 71, 3), network.encode_text(*embeddings(1)))
    assert fused.shape == (1, 3, 65, 71)
    assert -0.5 < fused.min() < fused.max() < 1.5


def test_every_parameter_gets_gradient(lure):
    """One backward over two prompts reaches all there is to train."""
    assert without_gradient(lure.train(), 3) == []


@torch.no_grad()
def test_latents_kept_give_the_same_picture(lure, state):
    """Encoding the cameras apart, at different times, and fusing their latents is the whole network."""
    infrared, visible = pictures(64, 72, 3, batch=2)
    slow = lure.encode(infrared.expand(-1, 3, -1, -1), "infrared", state)
    assert torch.equal(lure.fuse_latents(slow, lure.encode(visible, "visible", state), state), lure(infrared, visible, state))


@torch.no_grad()
def test_one_camera_alone_is_restored_from_its_latents(lure, state):
    """Latents of one camera decode to a picture of that size without the other camera."""
    _, visible = pictures(66, 70, 3)
    restored = lure.decode(lure.encode(visible, "visible", one(state, 0)), one(state, 0))
    assert restored.shape == visible.shape
    assert restored.isfinite().all()


@torch.no_grad()
def test_a_prompt_can_leave_one_camera_alone(lure, state):
    """Where the gates of infrared are shut, no word changes the infrared latents, while the visible ones follow the prompt."""
    shut: State = {}
    for name, tensor in state.items():
        shut[name] = tensor.clone()
        if name.startswith("encoder") and name.endswith("_values"):
            shut[name][:, 0] = 0.0
    picture = pictures(64, 64, 3)[1]
    silent = lure.temper(one(state, 0), torch.zeros(1))

    def moved(camera: str) -> bool:
        said, unsaid = (lure.encode(picture, camera, words) for words in (one(shut, 0), silent))
        return not all(torch.equal(a, b) for a, b in zip(said.levels, unsaid.levels, strict=True))

    assert not moved("infrared")
    assert moved("visible")


@torch.no_grad()
def test_the_same_picture_is_not_the_same_latent_from_another_camera(lure, state):
    """The encoder knows which camera it looks through."""
    picture = pictures(64, 64, 3)[1]
    infrared, visible = (lure.encode(picture, camera, one(state, 0)).levels[-1] for camera in ("infrared", "visible"))
    assert (infrared - visible).abs().max() > 1e-3


@torch.no_grad()
def test_prompts_of_one_batch_do_not_mix(lure, state):
    """Each item is fused under its own prompt, as if it were alone; another prompt gives another picture, the same one the same."""
    infrared, visible = (picture.repeat(3, 1, 1, 1) for picture in pictures(64, 64, 3))
    fused = lure(infrared, visible, gathered(state, torch.tensor([0, 1, 0])))
    alone = lure(infrared[:1], visible[:1], one(state, 1))
    assert (fused[1:2] - alone).abs().max() < 1e-5
    assert (fused[0] - fused[1]).abs().max() > 1e-3
    assert torch.equal(alone, lure(infrared[:1], visible[:1], one(state, 1)))


@torch.no_grad()
def test_strength_fades_the_words_in(lure, state):
    """At 0 all prompts give the network without words; from there to 1 the picture moves away steadily."""
    both = pictures(64, 64, 3)
    without = lure(*both, lure.temper(one(state, 0), torch.zeros(1)))
    assert torch.allclose(lure(*both, lure.temper(one(state, 1), torch.zeros(1))), without, atol=1e-6)
    moved = [float((lure(*both, lure.temper(one(state, 0), torch.tensor([s]))) - without).abs().mean()) for s in (0.25, 0.5, 0.75, 1.0)]
    assert 0 < moved[0] < moved[1] < moved[2] < moved[3]


@torch.no_grad()
def test_a_grey_level_of_noise_moves_little(lure, state):
    """The output is continuous in the input, in the dark too, where a normalisation could blow noise up."""
    for both in (pictures(64, 64, 3), tuple(torch.zeros_like(picture) for picture in pictures(64, 64, 3))):
        noisy = [picture + torch.randint(-1, 2, picture.shape) / 255 for picture in both]
        assert (lure(*noisy, one(state, 0)) - lure(*both, one(state, 0))).abs().max() < 0.05


@torch.no_grad()
def test_half_precision_is_near(lure, state):
    """bfloat16 gives the same picture to its precision."""
    both = pictures(64, 64, 3)
    exact = lure(*both, one(state, 0))
    coarse = lure.bfloat16()(*(p.bfloat16() for p in both), {k: v.bfloat16() for k, v in one(state, 0).items()})
    assert (coarse.float() - exact).abs().max() < 0.05


@torch.no_grad()
def test_attention_folded_is_attention_as_written():
    """softmax(Q^T K / sqrt d) V with queries from pixels and keys and values from the words, "nothing" among them, gated per channel."""
    torch.manual_seed(0)
    tga = TextGuidedAttention("here", 6, 8, sources=2)
    words, sentence, mask, x = torch.randn(1, 5, 8), torch.randn(1, 8), torch.tensor([[1.0, 1, 1, 0, 0]]), torch.randn(1, 6, 4, 4)
    fused = tga(x, tga.encode_text(words, sentence, mask), source=1)

    pixels = torch.nn.functional.layer_norm(x[0].flatten(1).T, (6,))
    query = tga.query(pixels) + tga.stance[1]
    keys = torch.cat((tga.key(words[0, :3]), tga.nothing[None]))
    said = torch.cat((tga.value(words[0, :3]), torch.zeros(1, 8)))
    attended = ((query @ keys.T) / 8**0.5).softmax(1) @ said
    expected = x[0].flatten(1).T + tga.gate(sentence).sigmoid()[0, 6:] * tga.out(attended)
    assert torch.allclose(fused[0].flatten(1).T, expected, atol=1e-6)


@torch.no_grad()
def test_padding_says_nothing(lure):
    """What stands behind the mask does not matter, and neither does the scale of the embeddings."""
    pooled, tokens, mask = embeddings(1)
    both = pictures(64, 64, 3)
    plain = lure(*both, lure.encode_text(pooled, tokens, mask))
    other = lure(*both, lure.encode_text(10 * pooled, torch.where(mask[..., None] > 0, 10 * tokens, 99.0), mask))
    assert torch.allclose(plain, other, atol=1e-4)


@torch.no_grad()
def test_inner_residuals_pass_what_the_parts_inside_lose():
    """With its depthwise kernels at zero, attention still carries its values; with its gate at zero, the feed still carries its input."""
    attention, feed, x = InnerMDTA(8, 2), InnerGDFN(8, 2.0), torch.randn(1, 8, 6, 6)
    attention.local.weight.zero_()
    feed.project.weight.zero_()
    assert attention(x).abs().max() > 1e-3
    assert torch.equal(feed(x), feed.bypass(x))


def test_there_is_no_published_form():
    """Nobody outside has seen the authors' code, and the error says so."""
    with pytest.raises(ConfigError, match="lure has no published form"):
        create("lure", text="published")


def test_latents_tell_their_picture(lure, state):
    """Latents keep the picture as it came, unpadded, and one map per level at 1, 1/2, 1/4 and 1/8."""
    picture = pictures(66, 70, 3)[1]
    latents = lure.encode(picture, "visible", one(state, 0))
    assert isinstance(latents, Latents)
    assert latents.picture_B3HW is picture
    assert [tuple(level.shape[1:]) for level in latents.levels] == [(8, 72, 72), (16, 36, 36), (32, 18, 18), (64, 9, 9)]
