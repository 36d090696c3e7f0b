"""One camera alone: its picture is the result."""

import pytest
import torch

from streamfuse.colour import NEUTRAL
from streamfuse.frames import Batch, PromptState
from streamfuse.fuse.single import single


@pytest.fixture
def batch_of(pair):
    """`batch_of(infrared, luma, chroma)`: a batch of one pair."""

    def build(infrared: torch.Tensor | None, luma: torch.Tensor | None = None, chroma: torch.Tensor | None = None) -> Batch:
        state = (PromptState(id="neutral"),)
        return Batch(pairs=(pair(),), infrared_B1hw=infrared, luma_B1HW=luma, chroma_B2cc=chroma, prompts=state, rigs=(None,))

    return build


def test_visible_alone_is_the_visible_picture(batch_of):
    """The visible picture passes through as its very tensors, in colour."""
    batch = batch_of(None, torch.rand(1, 1, 5, 7), torch.rand(1, 2, 3, 4))
    result = single(batch)
    assert result.luma_B1HW is batch.luma_B1HW
    assert result.chroma_B2cc is batch.chroma_B2cc
    assert result.batch is batch


@pytest.mark.parametrize("size", [(5, 7), (1, 1), (8, 8)])
def test_infrared_alone_is_grey(batch_of, size):
    """Infrared passes through on its own grid, grey, with chroma of the size that belongs to it."""
    infrared = torch.rand(1, 1, *size)
    result = single(batch_of(infrared))
    assert result.luma_B1HW is infrared
    assert result.chroma_B2cc.shape == (1, 2, -(-size[0] // 2), -(-size[1] // 2))
    assert bool((result.chroma_B2cc == NEUTRAL).all())
    assert round(NEUTRAL * 255) == 128


def test_visible_is_preferred(batch_of):
    """With both at hand the visible picture is taken, not a mixture."""
    luma = torch.rand(1, 1, 4, 4)
    assert single(batch_of(torch.rand(1, 1, 4, 4), luma, torch.rand(1, 2, 2, 2))).luma_B1HW is luma
