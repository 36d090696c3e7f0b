"""A codebook: vectors are replaced by a mixture of the codes nearest to them, so that only what training has seen comes out.

The usual codebook takes the nearest code alone. Its output jumps where a vector crosses from one code's cell into the next, so that one
grey level of sensor noise flickers. Here the codes are mixed by softmax(-|z - e|^2 / (SOFTNESS d)), which is continuous, and the same
as the nearest code where that one is clearly nearest. The gradient goes straight through; the codes follow the data by `learn`.

Legend: B batch, K codes, D width of a code, N pixels, M = B * N.
"""

import torch
from torch import nn

SOFTNESS = 1 / 16
"""A code that is farther by this much squared distance per channel weighs 1/e; standardised vectors that share nothing are 2 apart."""
COMMITMENT = 0.25  # beta of van den Oord et al. 2017, eq. 3
DECAY = 0.99  # ibid., appendix A.1
DEAD_SHARE = 0.05  # of an even share of the vectors


class Codebook(nn.Module):
    """Expects vectors of about unit variance per channel, like its fresh codes. Holds no parameters: the codes are buffers."""

    codes_KD: torch.Tensor
    counts_K: torch.Tensor
    """Vectors a batch that fall to each code, running mean."""
    sums_KD: torch.Tensor
    """The sum of those vectors, running mean."""

    def __init__(self, codes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("codes_KD", torch.randn(codes, width))
        self.register_buffer("counts_K", torch.zeros(codes))  # so that the first `learn` restarts what nothing falls to
        self.register_buffer("sums_KD", torch.zeros(codes, width))

    def forward(self, z_BDN: torch.Tensor) -> torch.Tensor:
        """The mixture of codes for each vector, same shape; its gradient is handed to `z` as it is (straight-through)."""
        with torch.no_grad():
            keys_KD, bias_K = self.scoring()
            weights_BKN = (keys_KD @ z_BDN + bias_K[:, None]).softmax(dim=1)
            mixed_BDN = self.codes_KD.T @ weights_BKN
        return z_BDN + (mixed_BDN - z_BDN).detach()

    def scoring(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys (K, D) and bias (K,): softmax(keys @ z + bias) are the weights of the codes. |z|^2 is the same for all and left out."""
        per_channel = 1.0 / (SOFTNESS * self.codes_KD.shape[1])
        return 2.0 * per_channel * self.codes_KD, -per_channel * self.codes_KD.square().sum(dim=1)

    def nearest(self, z_BDN: torch.Tensor) -> torch.Tensor:
        """Index of the nearest code, (B, N), by one matrix product."""
        keys_KD, bias_K = self.scoring()
        return (keys_KD @ z_BDN + bias_K[:, None]).argmax(dim=1)

    def commitment(self, z_BDN: torch.Tensor, beta: float = COMMITMENT) -> torch.Tensor:
        """|sg z - e|^2 + beta |z - sg e|^2 to the nearest codes e, mean over all. The first term only tells: codes move by `learn`."""
        near_BDN = self.codes_KD[self.nearest(z_BDN)].transpose(1, 2)
        return (z_BDN.detach() - near_BDN).square().mean() + beta * (z_BDN - near_BDN.detach()).square().mean()

    @torch.no_grad()
    def learn(self, z_BDN: torch.Tensor, decay: float = DECAY, generator: torch.Generator | None = None) -> int:
        """Once per step in training: codes move to the running mean of the vectors that fall to them.

        Codes to which almost none fall restart at vectors of this batch; returns how many did.
        """
        vectors_MD, chosen_M = z_BDN.detach().transpose(1, 2).flatten(0, 1).to(self.codes_KD), self.nearest(z_BDN).flatten()
        fallen_K = torch.bincount(chosen_M, minlength=len(self.codes_KD)).to(self.counts_K)
        self.counts_K.lerp_(fallen_K, 1.0 - decay)
        self.sums_KD.lerp_(torch.zeros_like(self.sums_KD).index_add_(0, chosen_M, vectors_MD), 1.0 - decay)
        dead = (self.counts_K < DEAD_SHARE * self.counts_K.mean()).nonzero().flatten()
        drawn = torch.randint(len(vectors_MD), (len(dead),), generator=generator).to(dead.device)
        self.counts_K[dead] = self.counts_K.mean()
        self.sums_KD[dead] = vectors_MD[drawn] * self.counts_K[dead, None]
        self.codes_KD.copy_(self.sums_KD / self.counts_K[:, None])
        return len(dead)

    def usage(self) -> float:
        """How evenly the codes are used: exp(entropy) / K, from 1/K (one code does it all; nothing learned yet) to 1 (all alike)."""
        shares_K = self.counts_K / self.counts_K.sum().clamp_min(torch.finfo().tiny)
        return float(torch.special.entr(shares_K).sum().exp()) / len(shares_K)
