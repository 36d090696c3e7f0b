"""What every rule keeps, over all entries of the table that need no weights; networks have a suite of their own beside this."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamfuse.errors import FrameError
from streamfuse.frames import Batch, Fused, Pair, Prompt, PromptState, chroma_size
from streamfuse.fuse import FUSERS, RULES
from streamfuse.stages import Fuser

CPU = torch.device("cpu")
SIZES = [(48, 64), (49, 63), (64, 17), (1, 1), (1, 7), (7, 1), *[(n, n) for n in range(2, 8)], (3, 40), (130, 5)]


@pytest.fixture(scope="session", params=RULES)
def fuser(request: pytest.FixtureRequest) -> Fuser:
    made = FUSERS.make(request.param)
    made.to(CPU)
    return made


@pytest.fixture(scope="session", params=[rule for rule in RULES if rule not in ("blend", "salience")])
def choosing(request: pytest.FixtureRequest) -> Fuser:
    """All but `blend` and `salience`, which add to contrast by design: two equal pictures come out with about 1.2 times theirs."""
    return FUSERS.make(request.param)


@pytest.fixture
def batch_of(pair):
    """`batch_of(infrared, luma)`: tensors (B, 1, H, W), or None, with random chroma."""

    def build(infrared: torch.Tensor | None, luma: torch.Tensor | None) -> Batch:
        some = luma if infrared is None else infrared
        assert some is not None
        count = len(some)
        chroma = None if luma is None else random(count, 2, chroma_size(luma.shape[2]), chroma_size(luma.shape[3]), seed=9)
        pairs: tuple[Pair, ...] = tuple(pair(f"cam{i}") for i in range(count))
        neutral = (PromptState(id="neutral"),) * count
        return Batch(pairs=pairs, infrared_B1hw=infrared, luma_B1HW=luma, chroma_B2cc=chroma, prompts=neutral, rigs=(None,) * count)

    return build


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def fused(fuser: Fuser, batch: Batch, prompt: Prompt | None = None) -> Fused:
    return fuser.fuse(batch, [fuser.compile(prompt or Prompt())] * len(batch.pairs))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("size", SIZES)
def test_same_grid_in_range(fuser, batch_of, count, size):
    """The fused picture has the size of the visible one, odd or tiny, and lies in [0, 1] as float32."""
    batch = batch_of(random(count, 1, *size), random(count, 1, *size, seed=1))
    luma = fused(fuser, batch).luma_B1HW
    assert luma.shape == (count, 1, *size)
    assert luma.dtype == torch.float32
    assert not luma.isnan().any()
    assert float(luma.min()) >= 0
    assert float(luma.max()) <= 1


@pytest.mark.parametrize("black_and_white", [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)])
def test_extremes_stay_in_range(fuser, batch_of, black_and_white):
    """Full contrast in either camera leads to nothing outside of [0, 1]."""
    low, high = black_and_white
    checks = ((torch.arange(33)[:, None] // 3 + torch.arange(41) // 3) % 2).float()[None, None]
    luma = fused(fuser, batch_of(low + (1 - low) * checks, high * (1 - checks))).luma_B1HW
    assert float(luma.min()) >= 0
    assert float(luma.max()) <= 1


def test_colour_is_the_visible_cameras(fuser, batch_of):
    """Chroma passes through bit for bit."""
    batch = batch_of(random(2, 1, 49, 63), random(2, 1, 49, 63, seed=1))
    assert torch.equal(fused(fuser, batch).chroma_B2cc, batch.chroma_B2cc)


def test_carries_the_aligned_batch(fuser, batch_of):
    """A detector finds the very batch beside the fused picture."""
    batch = batch_of(random(1, 1, 8, 8), random(1, 1, 8, 8, seed=1))
    assert fused(fuser, batch).batch is batch


def test_input_stays_as_it_was(fuser, batch_of):
    """A fuser only reads: infrared and visible are used by others after it."""
    infrared, luma = random(2, 1, 33, 41), random(2, 1, 33, 41, seed=1)
    fused(fuser, batch_of(infrared, luma))
    assert torch.equal(infrared, random(2, 1, 33, 41))
    assert torch.equal(luma, random(2, 1, 33, 41, seed=1))


def test_same_pictures_same_result(fuser, batch_of):
    """A fuser has no memory and no dice: the same pictures give the same bits, whatever was fused between."""
    batch = batch_of(random(2, 1, 48, 64), random(2, 1, 48, 64, seed=1))
    first = fused(fuser, batch).luma_B1HW.clone()
    fused(fuser, batch_of(random(1, 1, 20, 20), random(1, 1, 20, 20, seed=1)))
    assert torch.equal(fused(fuser, batch).luma_B1HW, first)


@pytest.mark.parametrize("size", [(48, 64), (49, 63), (5, 7)])
@pytest.mark.parametrize("count", [2, 4, 7, 16])
def test_an_item_does_not_see_the_others(fuser, batch_of, size, count):
    """Item i of a batch is the same to the bit as the item fused alone, in a batch of any size."""
    infrared, luma = random(count, 1, *size), random(count, 1, *size, seed=1)
    together = fused(fuser, batch_of(infrared, luma)).luma_B1HW
    for i in range(count):
        one = slice(i, i + 1)
        assert torch.equal(fused(fuser, batch_of(infrared[one], luma[one])).luma_B1HW, together[one])


@pytest.mark.parametrize("size", SIZES)
def test_equal_pictures_come_out_unchanged(choosing, batch_of, size):
    """Where both cameras see the same there is nothing to choose."""
    picture = random(2, 1, *size)
    luma = fused(choosing, batch_of(picture, picture.clone())).luma_B1HW
    assert float((luma - picture).abs().max()) <= 1e-6


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99))
def test_result_lies_where_the_cameras_are(fuser, batch_of, height, width, seed):
    """Of any two pictures of any size comes one of that size, in range."""
    infrared, luma = random(1, 1, height, width, seed=seed), random(1, 1, height, width, seed=seed + 100)
    made = fused(fuser, batch_of(infrared, luma)).luma_B1HW
    assert made.shape == (1, 1, height, width)
    assert float(made.min()) >= 0
    assert float(made.max()) <= 1


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99))
def test_nothing_to_choose_at_any_size(choosing, batch_of, height, width, seed):
    """Of two equal pictures of any size comes the same."""
    luma = random(1, 1, height, width, seed=seed)
    assert float((fused(choosing, batch_of(luma, luma)).luma_B1HW - luma).abs().max()) <= 1e-6


PROMPTS = [
    Prompt(),
    Prompt(text="people at night"),
    Prompt(text="a car", negative=("reflections", "lamps"), strength=0.25),
    Prompt(negative=("smoke",)),
    Prompt(text="x" * 5000, strength=0.0),
    Prompt(text="людей ночью \x1f 夜の人"),
]


@pytest.mark.parametrize("prompt", PROMPTS)
def test_any_prompt_will_do(fuser, batch_of, prompt):
    """Any words are taken; their id is short ASCII, the same each time, and a picture comes out."""
    state = fuser.compile(prompt)
    assert isinstance(state, PromptState)
    assert state.id == fuser.compile(prompt).id
    assert 0 < len(state.id) <= 32
    assert state.id.isascii()
    batch = batch_of(random(1, 1, 8, 8), random(1, 1, 8, 8, seed=1))
    assert fused(fuser, batch, prompt).luma_B1HW.shape == (1, 1, 8, 8)


def test_prompts_are_told_apart(fuser):
    """Different words have different ids, and none of them shows the words."""
    ids = [fuser.compile(prompt).id for prompt in PROMPTS]
    assert len(set(ids)) == len(PROMPTS)
    assert not any("people" in name or "smoke" in name for name in ids)


def test_prompts_may_differ_in_a_batch(fuser, batch_of):
    """Each item of a batch has its own prompt."""
    batch = batch_of(random(2, 1, 8, 8), random(2, 1, 8, 8, seed=1))
    states = [fuser.compile(Prompt(text="people")), fuser.compile(Prompt(text="cars"))]
    assert fuser.fuse(batch, states).luma_B1HW.shape == (2, 1, 8, 8)


@pytest.mark.parametrize(("infrared", "visible"), [(True, False), (False, True)])
def test_needs_both_cameras(fuser, batch_of, infrared, visible):
    """One camera alone is not a fuser's business: an error says so."""
    batch = batch_of(random(1, 1, 8, 8) if infrared else None, random(1, 1, 8, 8) if visible else None)
    with pytest.raises(FrameError, match=f"{fuser.name} needs both cameras"):
        fused(fuser, batch)


def test_needs_one_grid(fuser, batch_of):
    """Infrared that was not aligned is refused, with both sizes."""
    with pytest.raises(FrameError, match=r"infrared \(1, 1, 6, 8\) was not aligned to \(1, 1, 12, 16\)"):
        fused(fuser, batch_of(random(1, 1, 6, 8), random(1, 1, 12, 16)))


def test_names_go_on_the_wire(fuser):
    """Name and precision are short words, and the name is the one in the table."""
    assert fuser.name in FUSERS
    assert fuser.precision in {"fp32", "fp16", "bf16", "int8"}
