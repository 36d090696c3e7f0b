"""What the fusers without weights share: no words, no weights, fp32, the visible camera's chroma."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch

from streamfuse.errors import FrameError
from streamfuse.frames import Batch, Fused, Prompt, PromptState

NEUTRAL_PROMPT_ID = "neutral"


class ClassicalFuser(ABC):
    """A rule on two pictures of luma. Holds no state, so any thread may use it."""

    name: str
    precision = "fp32"

    def to(self, device: torch.device) -> None:
        """Nothing to move."""

    def compile(self, prompt: Prompt) -> PromptState:
        """A rule does not read words; the state only carries the prompt's id."""
        return PromptState(id=prompt_id(prompt))

    def fuse(self, batch: Batch, prompts: Sequence[PromptState]) -> Fused:
        """Apply the rule to luma; chroma passes through untouched."""
        if batch.infrared_B1hw is None or batch.luma_B1HW is None or batch.chroma_B2cc is None:
            raise FrameError(f"{self.name} needs both cameras")
        if batch.infrared_B1hw.shape != batch.luma_B1HW.shape:
            raise FrameError(f"infrared {tuple(batch.infrared_B1hw.shape)} was not aligned to {tuple(batch.luma_B1HW.shape)}")
        return Fused(luma_B1HW=self.rule(batch.infrared_B1hw, batch.luma_B1HW), chroma_B2cc=batch.chroma_B2cc, batch=batch)

    @abstractmethod
    def rule(self, infrared_B1HW: torch.Tensor, luma_B1HW: torch.Tensor) -> torch.Tensor:
        """Two pictures (B, 1, H, W) in [0, 1] -> one, same shape and range."""


def prompt_id(prompt: Prompt) -> str:
    """`neutral`, or 12 hex digits over all that the prompt says: words never leave the process by their id."""
    if not prompt.text and not prompt.negative and not prompt.dials:
        return NEUTRAL_PROMPT_ID
    dials = [f"\x1e{name}={value:g}" for name, value in sorted(prompt.dials.items())]
    said = "\x1f".join([prompt.text, *prompt.negative, f"{prompt.strength:g}", *dials])
    return hashlib.sha256(said.encode()).hexdigest()[:12]
