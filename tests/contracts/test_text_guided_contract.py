"""What every network keeps as a fuser, with random weights: words act, cost nothing per frame, and may differ within a batch."""

import itertools

import numpy as np
import pytest
import torch

from streamfuse.batch.lane import CpuLane
from streamfuse.colour import from_rgb, to_rgb
from streamfuse.errors import WeightsError
from streamfuse.frames import Fused, Pair, Planes, Prompt, chroma_size
from streamfuse.fuse import FUSERS
from streamfuse.fuse.folds import FOLDS_KEPT
from streamfuse.fuse.text_guided import TextGuided
from streamfuse.networks import NETWORKS
from streamfuse.text import bank
from tests.conftest import make_pair

CPU = torch.device("cpu")
NEUTRAL, SMOKE, WARM = Prompt(), Prompt(text="visible/smoke"), Prompt(text="target/people")


@pytest.fixture(scope="module", params=list(NETWORKS))
def fuser(request: pytest.FixtureRequest) -> TextGuided:
    torch.manual_seed(0)
    made = FUSERS.make(request.param, weights="random", precision="fp32", runtime="torch")
    assert isinstance(made, TextGuided)
    made.to(CPU)
    return made


def picture(seed: int, size: tuple[int, int] = (66, 81)) -> Pair:
    """Soft random pictures of both cameras."""
    draw = np.random.default_rng(seed)
    half = (chroma_size(size[0]), chroma_size(size[1]))
    y, u, v, infrared = (draw.integers(40, 200, shape, dtype=np.uint8) for shape in (size, half, half, size))
    return make_pair(f"cam{seed}", infrared=infrared, visible=Planes(y=y, u=u, v=v))


def fused(fuser: TextGuided, pairs: list[Pair], prompts: list[Prompt]) -> Fused:
    states = [fuser.compile(prompt) for prompt in prompts]
    with torch.inference_mode():
        batch = CpuLane().upload(tuple(pairs), states, [None] * len(pairs))
        return fuser.fuse(batch, states)


def test_odd_sizes_in_range(fuser):
    """The fused picture has the size of the visible one, odd or not, and lies in [0, 1]."""
    for size in ((64, 64), (66, 81), (97, 130)):
        luma = fused(fuser, [picture(1, size)], [SMOKE]).luma_B1HW
        assert luma.shape == (1, 1, *size)
        assert float(luma.min()) >= 0
        assert float(luma.max()) <= 1


def test_words_move_the_picture(fuser):
    """Two prompts give different pictures, the same prompt the same bytes."""
    smoke, again, warm = (fused(fuser, [picture(1)], [prompt]).luma_B1HW for prompt in (SMOKE, SMOKE, WARM))
    assert torch.equal(smoke, again)
    assert float((smoke - warm).abs().max()) > 1e-4


def test_prompts_may_differ_in_a_batch(fuser):
    """Items under prompts of their own get what they get alone with the prompt folded in, to 1e-4."""
    pairs, prompts = [picture(1), picture(2), picture(3)], [NEUTRAL, SMOKE, WARM]
    mixed = fused(fuser, pairs, prompts)
    for index, (pair, prompt) in enumerate(zip(pairs, prompts, strict=True)):
        alone = fused(fuser, [pair], [prompt])
        assert torch.allclose(mixed.luma_B1HW[index], alone.luma_B1HW[0], atol=1e-4)
        assert torch.allclose(mixed.chroma_B2cc[index], alone.chroma_B2cc[0], atol=1e-3)


def test_strength_is_continuous_and_monotone(fuser):
    """Strength 0 is the neutral prompt; from there the picture moves away from it, further the stronger the words."""
    neutral = fused(fuser, [picture(1)], [NEUTRAL]).luma_B1HW
    moved = [
        float((fused(fuser, [picture(1)], [Prompt(text=SMOKE.text, strength=strength)]).luma_B1HW - neutral).abs().mean())
        for strength in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    assert moved[0] == 0
    assert all(later >= earlier - 1e-6 for earlier, later in itertools.pairwise(moved))
    assert moved[-1] > 0
    near = [fused(fuser, [picture(1)], [Prompt(text=SMOKE.text, strength=strength)]).luma_B1HW for strength in (0.5, 0.501)]
    assert float((near[0] - near[1]).abs().max()) < 0.5 / 255


@pytest.mark.parametrize("low", [40, 0], ids=["day", "dark"])
def test_one_grey_level_does_not_make_it_jump(fuser, low):
    """Noise of one grey level in both cameras moves the picture by a few, not by more; in the dark too, where noise could be blown up."""
    draw = np.random.default_rng(5)
    infrared, y = (draw.integers(low, low + 160 if low else 3, (66, 81)).astype(np.uint8) for _ in range(2))
    chroma = np.full((33, 41), 128, np.uint8)
    noisy = [(plane + draw.integers(0, 2, plane.shape)).astype(np.uint8) for plane in (infrared, y)]
    was, now = (make_pair("cam1", infrared=a, visible=Planes(y=b, u=chroma.copy(), v=chroma.copy())) for a, b in ((infrared, y), noisy))
    difference = (fused(fuser, [was], [SMOKE]).luma_B1HW - fused(fuser, [now], [SMOKE]).luma_B1HW).abs()
    assert float(difference.max()) < 8 / 255


@torch.inference_mode()
def test_folded_is_unfolded_across_swaps(fuser):
    """Back and forth between more prompts than folds are kept of: each picture is what the network itself gives for that state."""
    texts = [prompt for prompt in bank.prompts() if prompt.startswith("visible/")][: FOLDS_KEPT + 1]
    prompts = [Prompt(text=text) for text in (*texts, *texts[:2])] + [NEUTRAL, Prompt(text=texts[0], strength=0.3)]
    pair = picture(2, (64, 64))
    batch = CpuLane().upload((pair,), [fuser.compile(NEUTRAL)], [None])
    assert batch.infrared_B1hw is not None
    assert batch.luma_B1HW is not None
    assert batch.chroma_B2cc is not None
    rgb = fuser.network.colour == "rgb"
    visible = to_rgb(batch.luma_B1HW, batch.chroma_B2cc) if rgb else batch.luma_B1HW
    for prompt in prompts:
        state = fuser.compile(prompt)
        plain = fuser.network(batch.infrared_B1hw, visible, dict(state.tensors)).clamp(0, 1)
        luma = from_rgb(plain)[0] if rgb else plain
        assert torch.allclose(fuser.fuse(batch, [state]).luma_B1HW, luma, atol=1e-4)


def test_negative_words_act(fuser):
    """What is unwanted changes the picture too, and the id tells it."""
    less = Prompt(text=SMOKE.text, negative=("visible/darkness",))
    assert fuser.compile(less).id != fuser.compile(SMOKE).id
    assert float((fused(fuser, [picture(1)], [less]).luma_B1HW - fused(fuser, [picture(1)], [SMOKE]).luma_B1HW).abs().max()) > 0


def test_the_neutral_prompt_leaves_colour_alone(fuser):
    """Without words chroma is the visible camera's, to the bit; networks in RGB make their own."""
    if fuser.network.colour == "rgb":
        pytest.skip("makes its own colour")
    result = fused(fuser, [picture(1)], [NEUTRAL])
    assert result.batch.chroma_B2cc is not None
    assert torch.equal(result.chroma_B2cc, result.batch.chroma_B2cc)


def test_states_have_one_shape(fuser):
    """Every prompt has a state of the same tensors and shapes: a swap captures nothing anew."""
    shapes = [{name: tensor.shape for name, tensor in fuser.compile(prompt).tensors.items()} for prompt in (NEUTRAL, SMOKE, WARM)]
    assert shapes[0] == shapes[1] == shapes[2]


def test_without_weights_it_says_what_to_do(fuser, monkeypatch):
    """Where none ship, the error names the key, and how to measure speed all the same."""
    monkeypatch.setattr("streamfuse.fuse.text_guided.shipped_weights", lambda network, size: None)
    made = FUSERS.make(fuser.network.name)
    with pytest.raises(WeightsError, match=r"fuse\.weights"):
        made.to(CPU)
