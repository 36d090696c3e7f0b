"""EN and MI: how much a picture tells, and how much of it both cameras told. Pictures (B, H, W) of grey levels 0..255."""

import math

import torch

LEVELS = 256


def entropy(fused_BHW: torch.Tensor) -> torch.Tensor:
    """EN = -sum p log2 p over the grey levels of the fused picture, in bits. (B,), 0 to 8.

    Shannon, "A mathematical theory of communication", 1948; for fusion: Roberts et al., J. Appl. Remote Sens. 2, 023522, 2008.
    """
    return _bits(_shares(fused_BHW.long(), LEVELS))


def mutual_information(
    infrared_BHW: torch.Tensor, visible_BHW: torch.Tensor, fused_BHW: torch.Tensor, *, unit: str = "bits"
) -> torch.Tensor:
    """MI = I(A; F) + I(B; F), each H(X) + H(F) - H(X, F) over joint histograms of 256 x 256. (B,), bits or nats.

    Qu, Zhang and Yan, "Information measure for performance of image fusion", Electron. Lett. 38(7), 2002.
    """
    fused = fused_BHW.long()
    shared = torch.zeros(len(fused), dtype=torch.float64, device=fused.device)
    for source in (infrared_BHW.long(), visible_BHW.long()):
        joint = _bits(_shares(source * LEVELS + fused, LEVELS**2))
        shared += _bits(_shares(source, LEVELS)) + _bits(_shares(fused, LEVELS)) - joint
    return shared * math.log(2) if unit == "nats" else shared


def _shares(values_BHW: torch.Tensor, bins: int) -> torch.Tensor:
    """Histogram of each picture, as shares: (B, bins)."""
    count = len(values_BHW)
    offset = torch.arange(count, device=values_BHW.device).view(-1, 1, 1) * bins
    counts = torch.bincount((values_BHW + offset).flatten(), minlength=count * bins).view(count, bins)
    return counts.double() / values_BHW[0].numel()


def _bits(shares_BN: torch.Tensor) -> torch.Tensor:
    return -torch.xlogy(shares_BN, shares_BN).sum(1) / math.log(2)
