from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch.utils.flop_counter import FlopCounterMode

from streamfuse.errors import ConfigError
from streamfuse.networks import create
from streamfuse.networks.dials import DIAL_INDEX, dials_tensor
from streamfuse.networks.nano import Nano, make
from streamfuse.networks.network import TOKENS
from tests.networks import drawn

NEUTRAL: dict[str, float] = {}


@pytest.fixture(scope="module")
def network() -> Nano:
    torch.manual_seed(0)
    return make(text_dim=48).eval().requires_grad_(requires_grad=False)


def pictures(height: int = 64, width: int = 64, count: int = 1, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return torch.rand(count, 1, height, width, generator=draw), torch.rand(count, 1, height, width, generator=draw)


def test_it_is_as_large_as_it_says():
    """225,757 parameters: 123,085 that dials and pixels need, and the head that reads embeddings of 384."""
    network = make()
    assert sum(p.numel() for p in network.parameters()) == 225_757
    assert sum(p.numel() for p in network.front.dial_head.parameters()) == 384 * 256 + 256 + 256 * 16 + 16


def test_it_does_as_much_as_it_says():
    """1.08 GMAC at 640x480."""
    with torch.device("meta"):
        net = make()
        infrared, visible = torch.rand(1, 1, 480, 640), torch.rand(1, 1, 480, 640)
        state = net.with_dials(torch.zeros(1, 16))
        with FlopCounterMode(display=False) as counter:
            net(infrared, visible, state)
    assert counter.get_total_flops() / 2e9 == pytest.approx(1.075, abs=0.005)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 67), (97, 130), (1080, 1920), (66, 1919)])
def test_any_size_goes(network, height, width):
    """What comes out is as large as what went in, and a sane picture."""
    infrared, visible = pictures(height, width)
    fused = network(infrared, visible, network.with_dials(dials_tensor(NEUTRAL)))
    assert fused.shape == infrared.shape
    assert fused.isfinite().all()
    assert -0.3 < float(fused.min()) < float(fused.max()) < 1.5


def test_a_size_that_is_no_whole_number_of_cells_changes_only_its_edge(network):
    """A picture cut by three columns gives the same pixels away from the cut and from what all pixels say together."""
    infrared, visible = pictures(96, 96)
    state = network.with_dials(dials_tensor(NEUTRAL))
    network = make(text_dim=48).eval()
    with torch.no_grad():
        for silent in (network.context.leave.weight, network.front.destripe.leave.weight):
            silent.zero_()
        network.context.leave.bias[-1] = 0.0
        whole = network(infrared, visible, state)
        cut = network(infrared[..., :93], visible[..., :93], state)
    assert torch.allclose(whole[..., :64], cut[..., :64], atol=1e-5)


def test_untrained_it_is_near_its_blend(network):
    """Smooth pictures, to a few grey levels in the mean."""
    infrared, visible = (F.interpolate(x, size=(128, 128), mode="bicubic") for x in pictures(8, 8))
    fused = network(infrared, visible, network.with_dials(dials_tensor(NEUTRAL)))
    assert float((fused - network.blend.of_pictures(infrared, visible)).abs().mean()) < 0.08


def test_full_resolution_detail_comes_through(network):
    """A single bright pixel stays a single bright pixel."""
    infrared = torch.full((1, 1, 64, 64), 0.2)
    visible = infrared.clone()
    state = network.with_dials(dials_tensor(NEUTRAL))
    before = network(infrared, visible, state)
    visible[0, 0, 33, 22] = 0.9
    change = (network(infrared, visible, state) - before)[0, 0]
    assert float(change[33, 22]) > 0.3
    change[33, 22] = 0.0
    assert float(change.abs().max()) < 0.1


def test_one_grey_level_of_noise_moves_little(network):
    """No step anywhere: noise of one level moves no pixel by more than a few."""
    infrared, visible = pictures(96, 96)
    state = network.with_dials(dials_tensor({"visible_noise": 1.0, "infrared_stripes": 1.0}))
    draw = torch.Generator().manual_seed(5)
    noisy = [x + (torch.randint(-1, 2, x.shape, generator=draw) / 255) for x in (infrared, visible)]
    moved = (network(*noisy, state) - network(infrared, visible, state)).abs()
    assert float(moved.max()) < 4 / 255
    assert float(moved.max()) > 0


@pytest.mark.parametrize("name", [name for name in DIAL_INDEX if name not in ("colour_warmth", "saturation")])
def test_each_dial_moves_the_picture(network, name):
    """There is no dial that luma does not listen to, but the two for colour."""
    infrared, visible = pictures()
    neutral, turned = (network(infrared, visible, network.with_dials(dials_tensor(d))) for d in (NEUTRAL, {name: 1.0}))
    assert float((neutral - turned).abs().max()) > 1e-3


@pytest.mark.parametrize("name", ["colour_warmth", "saturation"])
def test_dials_for_colour_leave_luma_alone(network, name):
    """They are in the state, for who makes the colour, and change no pixel here."""
    infrared, visible = pictures()
    state = network.with_dials(dials_tensor({name: 1.0}))
    assert state["dials"][0, DIAL_INDEX[name]] == 1.0
    assert torch.equal(network(infrared, visible, state), network(infrared, visible, network.with_dials(dials_tensor(NEUTRAL))))


def test_dials_act_in_proportion(network):
    """The state of half the dials is the state at half the strength, and the effect on the picture grows with it."""
    dials = dials_tensor({"visible_light": 1.0, "infrared_weight": -0.5})
    half = network.temper(network.with_dials(dials), torch.tensor([0.5]))
    for name, tensor in network.with_dials(dials / 2).items():
        assert torch.allclose(half[name], tensor, atol=1e-6)
    infrared, visible = pictures()
    outs = [network(infrared, visible, network.temper(network.with_dials(dials), torch.tensor([s]))) for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    effects = [float((out - outs[0]).abs().mean()) for out in outs]
    assert effects == sorted(effects)
    assert effects[-1] > effects[1] > 0


def test_words_set_the_dials(network):
    """An embedding ends up in the dials, by which the user sees how it was understood; only the pooled vector counts."""
    draw = torch.Generator().manual_seed(2)
    pooled, tokens = torch.randn(2, 48, generator=draw), torch.randn(2, TOKENS, 48, generator=draw)
    state = network.encode_text(pooled, tokens, torch.ones(2, TOKENS))
    other = network.encode_text(pooled, tokens * 0, torch.zeros(2, TOKENS))
    assert torch.equal(state["dials"], network.front.dial_head(pooled))
    assert all(torch.equal(state[name], other[name]) for name in state)
    assert not torch.allclose(state["dials"][0], state["dials"][1])


def test_it_learns_a_rule_in_a_few_steps():
    """A tone of its own for each camera: the error falls to a tenth within sixty steps."""
    torch.manual_seed(0)
    network = Nano("small", 48, width=8, depth=1).train()
    dials = dials_tensor({"visible_light": 1.0})
    optimiser = torch.optim.Adam(network.parameters(), 3e-3)
    errors = []
    for step in range(60):
        infrared, visible = drawn.pictures(64, 64, 1, batch=2, seed=step)
        wanted = torch.maximum(0.5 * infrared, 0.7 * visible + 0.2)
        loss = ((network(infrared, visible, network.with_dials(dials)) - wanted) ** 2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        errors.append(loss.item())
    assert errors[-1] < errors[0] / 10


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_halved_weights_with_whole_pictures(network, precision):
    """With pictures in fp32 only what the network adds is rounded: the picture stays within a grey level or two."""
    infrared, visible = pictures(128, 128)
    state = network.with_dials(dials_tensor({"visible_haze": 0.5}))
    fused = deepcopy(network).to(precision)(infrared, visible, state)
    assert fused.dtype == torch.float32
    assert float((fused - network(infrared, visible, state)).abs().max()) < 2.5 / 255


def test_everything_halved(network):
    """Pictures, weights and state in bf16: sane, and bf16 comes out."""
    infrared, visible = (x.bfloat16() for x in pictures(65, 66))
    halved = deepcopy(network).bfloat16()
    fused = halved(infrared, visible, halved.with_dials(dials_tensor({"texture": 1.0}).bfloat16()))
    assert fused.dtype == torch.bfloat16
    whole = network(infrared.float(), visible.float(), network.with_dials(dials_tensor({"texture": 1.0})))
    assert float((fused.float() - whole).abs().max()) < 0.03


def test_it_compiles_in_one_piece(network):
    """Nothing in it depends on values, so a compiler or a CUDA graph takes it whole."""
    infrared, visible = pictures(66, 64)
    state = network.with_dials(dials_tensor(NEUTRAL))
    compiled: Callable[..., torch.Tensor] = torch.compile(network, backend="eager", fullgraph=True)
    assert torch.allclose(compiled(infrared, visible, state), network(infrared, visible, state), atol=1e-6)


def test_there_is_no_published_form():
    """Nobody published it; the error says what to ask for."""
    with pytest.raises(ConfigError, match="want text 'guided', got 'published'"):
        create("nano", text="published")
