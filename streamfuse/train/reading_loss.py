"""How far the dials that a network reads from sentences are from those the sentences stand for."""

import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from streamfuse.networks.dialled import DialledNetwork
from streamfuse.train.vocabulary import Vocabulary

SENTENCES = 256
"""In each step, of all sorts: text is cheap."""
BLUR = 1.0
"""Noise on each number of an embedding whose numbers have a variance of 1: other words for the same thing lie about so far off."""
LEAST = 1e-4
"""A repair is never taken to be read more surely than this."""


def reading_loss(network: DialledNetwork, vocabulary: Vocabulary, blur: float, draw: torch.Generator, device: torch.device) -> torch.Tensor:
    """Of the dials read from blurred sentences: cross-entropy of repairs, squared error of balances; mean over all, a scalar."""
    pooled_WD, dials_WN = vocabulary.some(SENTENCES, draw, device)
    noise_WD = torch.randn(pooled_WD.shape, generator=draw).to(device)
    blurred_WD = F.normalize(pooled_WD, dim=1) * pooled_WD.shape[1] ** 0.5 + blur * noise_WD
    read_WN: torch.Tensor = network.front.dial_head(blurred_WD)
    is_repair_N = network.front.dial_head.is_repair_N
    read_WN = read_WN.float()
    certain_WN = read_WN.clamp(LEAST, 1 - LEAST)
    surprise_WN = -(dials_WN * certain_WN.log() + (1 - dials_WN) * (1 - certain_WN).log())
    return torch.where(is_repair_N, surprise_WN, (read_WN - dials_WN).square()).mean()
