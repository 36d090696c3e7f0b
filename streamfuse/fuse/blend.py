"""Blend: maximum, pyramid and sum together. A strong rule without learning."""

import torch

from streamfuse.fuse.classical import ClassicalFuser
from streamfuse.fuse.laplacian import Laplacian, LaplacianSettings

# Fixed by hand, not learnt: networks are held against the result. docs/10-evaluate.md has the neighbours.
OF_MAXIMUM, OF_LAPLACIAN, OF_SUM = 0.55, 0.25, 0.2

_PYRAMID = Laplacian(LaplacianSettings())


class Blend(ClassicalFuser):
    """The brighter camera, its details sharpened, and a fifth of what both add up to."""

    name = "blend"

    def rule(self, infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor) -> torch.Tensor:
        """See `blend`."""
        return blend(infrared_B1HW, luma_B1HW)


def blend(infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor) -> torch.Tensor:
    """R = 0.55 max(A, B) + 0.25 laplacian(A, B) + 0.2 (A + B - min(mean A, mean B)), clamped to [0, 1].

    Two pictures (B, 1, H, W) in [0, 1], float32 -> one, same shape and range. The sum keeps what one camera has and the other lacks; the
    smaller mean is taken off so that the picture stays at the brighter camera's level. Means are per picture. Two equal pictures come out
    with 1.2 times their contrast about the mean. No gradient flows.
    """
    with torch.no_grad():
        a, b = infrared_B1HW.detach(), luma_B1HW.detach()
        level_B111 = torch.minimum(_means(a), _means(b))
        return (OF_MAXIMUM * torch.maximum(a, b) + OF_LAPLACIAN * _PYRAMID.rule(a, b) + OF_SUM * (a + b - level_B111)).clamp(0, 1)


def _means(x_B1HW: torch.Tensor) -> torch.Tensor:
    """(B, 1, 1, 1). One by one: reduced together, the bits of an item would depend on the size of the batch."""
    return torch.stack([picture.mean() for picture in x_B1HW]).view(-1, 1, 1, 1)
