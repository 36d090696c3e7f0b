"""Networks that words reach through dials, whatever else they make of words: nano, and the small forms of the others."""

from abc import abstractmethod

import torch

from streamfuse.networks.front import Front
from streamfuse.networks.network import Embeddings, FusionNetwork, State


class DialledNetwork(FusionNetwork):
    """Every state holds `dials`, (P, N)."""

    front: Front

    def encode_text(self, pooled_PD: torch.Tensor, tokens_PLD: torch.Tensor, mask_PL: torch.Tensor) -> State:
        """The dials are read from the pooled vector."""
        return self.with_dials(self.front.dial_head(pooled_PD), Embeddings(pooled_PD, tokens_PLD, mask_PL))

    @abstractmethod
    def with_dials(self, dials_PN: torch.Tensor, words: Embeddings | None = None) -> State:
        """The state of dials set by words or by hand; `words` for what else a network makes of them, None where nothing was said."""
