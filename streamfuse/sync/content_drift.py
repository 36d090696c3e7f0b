"""How the offset between two recordings changes: the lag piece by piece, and a line through those that are sure."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from streamfuse.clock import NS_PER_S
from streamfuse.sync.content import ContentCheck
from streamfuse.sync.content_lag import Lag

PIECE_S = 20.0
LEAST_PIECES = 3
LEAST_SIGMA_S = 0.002  # quarters may agree better than the method is good
PPM = 1e6


@dataclass(frozen=True, slots=True)
class Drift:
    """A straight line through the offsets of the pieces, weighted."""

    ppm: float
    """Visible minus infrared: how much faster the visible camera's clock runs."""
    sigma_ppm: float
    pieces: tuple[tuple[float, Lag], ...]
    """Middle of each sure piece in seconds from the beginning, and its lag."""


def find_drift(check: ContentCheck) -> Drift | None:
    """From what `check` has kept; None where less than three pieces of 20 s are sure."""
    span_ns = check.span_ns
    if span_ns is None:
        return None
    begin_ns, piece_ns = span_ns[0], round(PIECE_S * NS_PER_S)
    edges_ns = range(begin_ns, span_ns[1] + piece_ns // 10 + 1, piece_ns)  # the last may be a little shorter: the offset itself costs some
    looks = [((since - begin_ns) / NS_PER_S + PIECE_S / 2, check.look(since, until)) for since, until in pairwise(edges_ns)]
    sure = tuple((middle_s, lag) for middle_s, lag in looks if lag.sure)
    if len(sure) < LEAST_PIECES:
        return None
    middles_P = np.array([middle_s for middle_s, _ in sure])
    offsets_P = np.array([lag.offset_s for _, lag in sure])
    weights_P = 1 / np.maximum([lag.sigma_s for _, lag in sure], LEAST_SIGMA_S)
    (slope, _), covariance_22 = np.polyfit(middles_P, offsets_P, 1, w=weights_P, cov="unscaled")
    return Drift(float(slope) * PPM, float(np.sqrt(covariance_22[0, 0])) * PPM, sure)
