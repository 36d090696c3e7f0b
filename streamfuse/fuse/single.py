"""One camera alone, for now or for ever: its picture is the result."""

import torch

from streamfuse.colour import NEUTRAL
from streamfuse.frames import Batch, Fused, chroma_size


def single(batch: Batch) -> Fused:
    """The visible picture as it is, or infrared as grey on its own grid."""
    if batch.luma_B1HW is not None and batch.chroma_B2cc is not None:
        return Fused(luma_B1HW=batch.luma_B1HW, chroma_B2cc=batch.chroma_B2cc, batch=batch)
    luma = batch.infrared_B1hw
    assert luma is not None  # the constructor of Batch saw to it
    count, _, height, width = luma.shape
    chroma = torch.full((count, 2, chroma_size(height), chroma_size(width)), NEUTRAL, device=luma.device)
    return Fused(luma_B1HW=luma, chroma_B2cc=chroma, batch=batch)
