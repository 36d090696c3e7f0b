"""Average and maximum."""

import pytest
import torch

from streamfuse.fuse.pixelwise import Average, Maximum

A = torch.tensor([[0.0, 0.2], [0.5, 1.0]]).view(1, 1, 2, 2)
B = torch.tensor([[1.0, 0.4], [0.5, 0.0]]).view(1, 1, 2, 2)


def test_average():
    """Each pixel is the mean of both cameras."""
    assert Average().rule(A, B).flatten().tolist() == pytest.approx([0.5, 0.3, 0.5, 0.5])


def test_maximum():
    """Each pixel is that of the brighter camera."""
    assert torch.equal(Maximum().rule(A, B), torch.tensor([[1.0, 0.4], [0.5, 1.0]]).view(1, 1, 2, 2))


@pytest.mark.parametrize("fuser", [Average(), Maximum()])
def test_order_of_the_cameras_does_not_matter(fuser):
    """Neither camera is favoured."""
    assert torch.equal(fuser.rule(A, B), fuser.rule(B, A))
