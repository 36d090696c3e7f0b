"""The encoder of BERT (Devlin et al. 2019, arXiv:1810.04805) for one text at a time: no padding, so no attention mask.

Its layers are those of Vaswani et al. 2017 (arXiv:1706.03762, section 3): attention and a two-layer network, each added
to its input and then normalised. Names of the weights are those of the published checkpoints.
"""

import torch
from torch.nn import functional

Weights = dict[str, torch.Tensor]


class Bert:
    """Token ids -> the last layer's vectors. Legend: N tokens, D width, A heads."""

    def __init__(self, weights: Weights, *, heads: int, epsilon: float) -> None:
        self._weights = weights
        self._heads = heads
        self._epsilon = epsilon
        self._layers = len({name.split(".")[2] for name in weights if name.startswith("encoder.layer.")})

    @torch.inference_mode()
    def __call__(self, ids_N: torch.Tensor) -> torch.Tensor:
        """(N,) int64 -> (N, D). At most as many tokens as the checkpoint has positions (512)."""
        weights = self._weights
        hidden_ND = weights["embeddings.word_embeddings.weight"][ids_N]
        hidden_ND = hidden_ND + weights["embeddings.position_embeddings.weight"][: len(ids_N)]
        hidden_ND = hidden_ND + weights["embeddings.token_type_embeddings.weight"][0]  # all of it is the first sentence
        hidden_ND = self._norm(hidden_ND, "embeddings.LayerNorm")
        for layer in range(self._layers):
            at = f"encoder.layer.{layer}"
            hidden_ND = self._norm(hidden_ND + self._attention(hidden_ND, f"{at}.attention"), f"{at}.attention.output.LayerNorm")
            inner = functional.gelu(self._linear(hidden_ND, f"{at}.intermediate.dense"))
            hidden_ND = self._norm(hidden_ND + self._linear(inner, f"{at}.output.dense"), f"{at}.output.LayerNorm")
        return hidden_ND

    def _attention(self, hidden_ND: torch.Tensor, at: str) -> torch.Tensor:
        query, key, value = (
            self._linear(hidden_ND, f"{at}.self.{part}").view(len(hidden_ND), self._heads, -1).transpose(0, 1)  # (A, N, D / A)
            for part in ("query", "key", "value")
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self._linear(mixed.transpose(0, 1).flatten(1), f"{at}.output.dense")

    def _linear(self, x: torch.Tensor, at: str) -> torch.Tensor:
        return functional.linear(x, self._weights[f"{at}.weight"], self._weights[f"{at}.bias"])

    def _norm(self, x: torch.Tensor, at: str) -> torch.Tensor:
        return functional.layer_norm(x, x.shape[-1:], self._weights[f"{at}.weight"], self._weights[f"{at}.bias"], self._epsilon)
