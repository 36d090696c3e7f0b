"""Prompt -> embeddings, with what is unwanted taken out."""

import numpy as np
import torch

from streamfuse.frames import Prompt
from streamfuse.networks.network import Embeddings
from streamfuse.text import TextEncoder, stacked
from streamfuse.text.bank import resolved


def embeddings(encoder: TextEncoder, texts: list[str]) -> Embeddings:
    """Of P texts; the id of a shipped prompt stands for its words, nothing for the neutral prompt."""
    return Embeddings(*(torch.from_numpy(part) for part in stacked(encoder.encode([resolved(text) for text in texts]))))


def wanted_embeddings(encoder: TextEncoder, prompt: Prompt) -> Embeddings:
    """Of one prompt, less the directions of its negative prompts: what is left has no component along them."""
    pooled_PD, tokens_PLD, mask_PL = embeddings(encoder, [prompt.text])
    for text in prompt.negative:
        unwanted_D = embeddings(encoder, [text]).pooled_PD[0]
        unwanted_D = unwanted_D / unwanted_D.norm().clamp_min(np.finfo(np.float32).eps)
        pooled_PD = _less(pooled_PD, unwanted_D)
        tokens_PLD = _less(tokens_PLD, unwanted_D)
    return Embeddings(pooled_PD, tokens_PLD, mask_PL)


def _less(vectors_XD: torch.Tensor, direction_D: torch.Tensor) -> torch.Tensor:
    along = (vectors_XD * direction_D).sum(-1, keepdim=True).clamp_min(0)
    return vectors_XD - along * direction_D
