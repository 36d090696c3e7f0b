"""Laplacian pyramid fusion (Burt and Adelson 1983): the stronger detail at each scale, the brighter base."""

import torch
from pydantic import Field

from streamfuse.fuse.classical import ClassicalFuser
from streamfuse.fuse.pyramid import Pyramid
from streamfuse.registry import Settings


class LaplacianSettings(Settings):
    """Settings of the pyramid."""

    levels: int = Field(default=4, ge=1, le=8, description="levels of the pyramid, the base included; 1 is plain maximum")


class Laplacian(ClassicalFuser):
    """Keeps the finest detail of either camera at every scale, and the brighter of the two at the coarsest."""

    name = "laplacian"

    def __init__(self, settings: LaplacianSettings) -> None:
        self._pyramid = Pyramid(levels=settings.levels)

    def rule(self, infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor) -> torch.Tensor:
        """Any size: a picture too small for all levels gets fewer."""
        return self._pyramid.fused(infrared_B1HW, luma_B1HW).clamp_(0, 1)
