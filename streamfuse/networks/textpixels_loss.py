"""L^cc of From Text to Pixels. The paper's abstract names it and says no more; both readings are here, to be chosen by name.

codebook     |sg z - e|^2 + beta |z - sg e|^2          vectors commit to their codes
correlation  cc(detail)^2 / (1.01 + cc(base))          coarse features of the two cameras agree, fine ones say different things
"""

from typing import Literal

import torch

from streamfuse.networks.textpixels import TextPixels, Trace

Reading = Literal["codebook", "correlation"]
BASE_FLOOR = 1.01  # keeps the divisor positive: a correlation is at least -1
EPS = 1e-6


def consistency(network: TextPixels, trace: Trace, reading: Reading = "codebook") -> torch.Tensor:
    """L^cc of one batch by one of its readings, a scalar."""
    if reading == "codebook":
        return network.prior.codebook.commitment(trace.vectors_BDhw.flatten(2))
    return decomposition(trace.infrared, trace.visible)


def decomposition(infrared: list[torch.Tensor], visible: list[torch.Tensor]) -> torch.Tensor:
    """The correlation coefficient's reading. Features from fine to coarse: the finest are detail, the coarsest base."""
    detail = correlation(infrared[0], visible[0]).mean()
    base = correlation(infrared[-1], visible[-1]).mean()
    return detail.square() / (BASE_FLOOR + base)


def correlation(a_BChw: torch.Tensor, b_BChw: torch.Tensor) -> torch.Tensor:
    """Pearson's coefficient over the pixels of each channel, (B, C) in [-1, 1]; 0 where a channel is flat."""
    a_BCN, b_BCN = (x.flatten(2) - x.mean((2, 3))[..., None] for x in (a_BChw, b_BChw))
    scale_BC = (a_BCN.square().sum(2) * b_BCN.square().sum(2) + EPS**2).sqrt()
    return (a_BCN * b_BCN).sum(2) / scale_BC
