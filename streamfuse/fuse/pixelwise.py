"""Average and maximum: the two baselines that every other fuser is held against."""

import torch

from streamfuse.fuse.classical import ClassicalFuser


class Average(ClassicalFuser):
    """The mean of both cameras: the calmest picture, at half the contrast."""

    name = "average"

    def rule(self, infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor) -> torch.Tensor:
        """(a + b) / 2 per pixel."""
        return torch.lerp(infrared_B1HW, luma_B1HW, 0.5)


class Maximum(ClassicalFuser):
    """The brighter of both cameras: warm things shine, shadows of one camera vanish."""

    name = "maximum"

    def rule(self, infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor) -> torch.Tensor:
        """max(a, b) per pixel."""
        return torch.maximum(infrared_B1HW, luma_B1HW)
