"""What every aligner keeps, over all entries of the table."""

import pytest
import torch

from streamfuse.align import ALIGNERS
from streamfuse.align.rig import Rig
from streamfuse.errors import RigError
from streamfuse.frames import Batch, Pair, PromptState, chroma_size
from streamfuse.stages import Aligner

HALF = Rig(homography=((2.0, 0.1, 3.0), (-0.1, 2.0, 4.0), (0.0, 0.0, 1.0)), infrared_size=(12, 16), visible_size=(25, 33))


@pytest.fixture(params=list(ALIGNERS))
def aligner(request: pytest.FixtureRequest) -> Aligner:
    made = ALIGNERS.make(request.param)
    made.know("half", HALF)
    return made


@pytest.fixture
def batch_of(pair):
    """`batch_of(count, rig, infrared size, visible size)`: noise; a size of None leaves that camera out."""

    def build(count: int = 3, rig: str | None = "half", infrared: tuple[int, int] | None = (12, 16), visible=(25, 33)) -> Batch:
        generator = torch.Generator().manual_seed(5)
        pairs: tuple[Pair, ...] = tuple(pair(f"cam{i}") for i in range(count))
        chroma = (chroma_size(visible[0]), chroma_size(visible[1])) if visible else (0, 0)
        return Batch(
            pairs=pairs,
            infrared_B1hw=torch.rand(count, 1, *infrared, generator=generator) if infrared else None,
            luma_B1HW=torch.rand(count, 1, *visible, generator=generator) if visible else None,
            chroma_B2cc=torch.rand(count, 2, *chroma, generator=generator) if visible else None,
            prompts=(PromptState(id="neutral"),) * count,
            rigs=(rig,) * count,
        )

    return build


def test_infrared_ends_on_the_visible_grid(aligner, batch_of):
    """Whatever size infrared has, it leaves with the visible picture's, in range, on the same device, in float32."""
    batch = batch_of()
    aligned = aligner.align(batch)
    infrared = aligned.infrared_B1hw
    assert infrared.shape == batch.luma_B1HW.shape
    assert infrared.dtype == torch.float32
    assert infrared.device == batch.luma_B1HW.device
    assert float(infrared.min()) >= 0
    assert float(infrared.max()) <= 1
    assert aligned.covered_B1HW.shape == batch.luma_B1HW.shape
    assert aligned.covered_B1HW.dtype == torch.bool


def test_the_rest_passes_through(aligner, batch_of):
    """Only infrared is moved."""
    batch = batch_of()
    aligned = aligner.align(batch)
    for name in ("pairs", "luma_B1HW", "chroma_B2cc", "prompts", "rigs", "ready"):
        assert getattr(aligned, name) is getattr(batch, name)


def test_input_stays_as_it_was(aligner, batch_of):
    """The tensors of the batch that came in are not written to."""
    batch, untouched = batch_of(), batch_of()
    aligner.align(batch)
    for name in ("infrared_B1hw", "luma_B1HW", "chroma_B2cc"):
        assert torch.equal(getattr(batch, name), getattr(untouched, name))


def test_an_item_does_not_see_the_others(aligner, batch_of):
    """An item of a batch is aligned as the item alone, to the bit, and the same again each time."""
    batch = batch_of(3)
    together, again = aligner.align(batch), aligner.align(batch)
    assert torch.equal(together.infrared_B1hw, again.infrared_B1hw)
    for i in range(3):
        one = slice(i, i + 1)
        alone = Batch(
            pairs=batch.pairs[one],
            infrared_B1hw=batch.infrared_B1hw[one],
            luma_B1HW=batch.luma_B1HW[one],
            chroma_B2cc=batch.chroma_B2cc[one],
            prompts=batch.prompts[one],
            rigs=batch.rigs[one],
        )
        assert torch.equal(aligner.align(alone).infrared_B1hw, together.infrared_B1hw[one])


@pytest.mark.parametrize("rig", [None, "half"])
@pytest.mark.parametrize(("infrared", "visible"), [((12, 16), None), (None, (25, 33))])
def test_one_camera_needs_no_alignment(aligner, batch_of, rig, infrared, visible):
    """One camera alone passes, with a rig and without."""
    batch = batch_of(2, rig, infrared, visible)
    assert aligner.align(batch) is batch


def test_one_grid_needs_no_rig(aligner, batch_of):
    """Cameras of one size and no rig pass."""
    batch = batch_of(2, None, (25, 33))
    assert aligner.align(batch).infrared_B1hw is batch.infrared_B1hw


@pytest.mark.parametrize(
    ("rig", "infrared", "said"),
    [(None, (12, 16), "16x12.*33x25"), ("half", (12, 18), "18x12"), ("lost", (12, 16), "lost")],
)
def test_what_is_impossible_is_a_rig_error(aligner, batch_of, rig, infrared, said):
    """No rig where one is needed, a rig for other sizes, and an unknown rig are errors that name the stream and what is wrong."""
    with pytest.raises(RigError, match=f"cam0: .*{said}"):
        aligner.align(batch_of(1, rig, infrared))
