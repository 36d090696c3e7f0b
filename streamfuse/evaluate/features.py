"""FMI: mutual information of features in small windows, by a joint distribution between the bounds of Frechet.

Legend: N windows, K values in a window.
"""

import math

import torch

WINDOW_PX = 3
CHUNK = 4096
"""Windows at a time: their joint distributions then stay in a CPU's cache."""
CHUNK_CUDA = 1 << 18


def feature_mutual_information(
    infrared_BHW: torch.Tensor, visible_BHW: torch.Tensor, fused_BHW: torch.Tensor, *, feature: str = "pixel"
) -> torch.Tensor:
    """FMI = mean over windows of 3 x 3 and both sources of 2 I(X; F) / (H(X) + H(F)). (B,), about 0 to 1.

    A window, shifted to begin at 0 and scaled to add up to 1, is read as a distribution over its 9 places. The joint one is phi times the
    Frechet bound (upper where the windows correlate, else lower) and 1 - phi times the product, phi such that its correlation is theirs.
    Haghighat, Aghagolzadeh and Seyedarabi, "A non-reference image fusion metric based on mutual information of image features", Comput.
    Electr. Eng. 37(5), 2011. The feature is the pixel itself, its horizontal gradient, or the cosine transform of the picture.
    """
    a, b, fused = (_windows(_feature(picture.double(), feature)) for picture in (infrared_BHW, visible_BHW, fused_BHW))
    chunk = CHUNK if fused.device.type == "cpu" else CHUNK_CUDA
    both = [
        torch.cat([_normalised(*pieces) for pieces in zip(torch.split(x, chunk), torch.split(fused, chunk), strict=True)]) for x in (a, b)
    ]
    return ((both[0] + both[1]) / 2).view(len(fused_BHW), -1).mean(1)


def _feature(picture_BHW: torch.Tensor, feature: str) -> torch.Tensor:
    if feature == "gradient":
        (across,) = torch.gradient(picture_BHW, dim=(2,))
        return across
    if feature == "dct":
        return _cosines(picture_BHW.shape[1]).to(picture_BHW) @ picture_BHW @ _cosines(picture_BHW.shape[2]).to(picture_BHW).T
    return picture_BHW


def _cosines(size: int) -> torch.Tensor:
    """The orthonormal DCT-II of a line of `size` samples, as a matrix."""
    at = torch.arange(size, dtype=torch.float64)
    rows = torch.cos(math.pi / size * (at + 0.5) * at[:, None]) * math.sqrt(2 / size)
    rows[0] /= math.sqrt(2)
    return rows


def _windows(feature_BHW: torch.Tensor) -> torch.Tensor:
    """(B, H, W) -> (N, K) distributions, column by column as in the reference code. A flat window is uniform."""
    patches = feature_BHW.unfold(1, WINDOW_PX, 1).unfold(2, WINDOW_PX, 1).transpose(3, 4).flatten(3).flatten(0, 2)
    low = patches.amin(1, keepdim=True)
    risen = torch.where(patches.amax(1, keepdim=True) > low, patches - low, 1.0)
    return risen / risen.sum(1, keepdim=True)


def _normalised(a_NK: torch.Tensor, f_NK: torch.Tensor) -> torch.Tensor:
    """2 I / (H + H) of each window, (N,); 1 where both are the same, flat ones among them, which share no information to speak of."""
    entropies = _surprise(a_NK).sum(1) + _surprise(f_NK).sum(1)
    joint = _joint_entropy(a_NK, f_NK, entropies)
    same = (a_NK == f_NK).all(1) | (entropies <= 0)
    return torch.where(same, 1.0, 2 * (entropies - joint) / entropies)


def _joint_entropy(a_NK: torch.Tensor, f_NK: torch.Tensor, entropies_N: torch.Tensor) -> torch.Tensor:
    """Entropy (N,) of phi * bound + (1 - phi) * product, the joint distribution with the windows' correlation.

    The lower bound of two distributions is the upper one with one of them turned round. The upper bound is thin: both cumulated sums cut
    0..1 into 2 K pieces, each of which lies in one cell. So only those cells differ from the product, whose entropy is known.
    """
    r_N = _correlation(a_NK, f_NK)
    g_NK = torch.where((r_N < 0)[:, None], f_NK.flip(1), f_NK)
    cuts, order = torch.cat([a_NK.cumsum(1), g_NK.cumsum(1)], 1).sort(1)
    pieces = cuts.diff(dim=1, prepend=torch.zeros_like(cuts[:, :1]))
    of_a = order < WINDOW_PX**2
    i = (of_a.cumsum(1) - of_a.long()).clamp_max(WINDOW_PX**2 - 1)
    j = ((~of_a).cumsum(1) - (~of_a).long()).clamp_max(WINDOW_PX**2 - 1)
    reach_N = (pieces * i * j).sum(1) - _mean_place(a_NK) * _mean_place(g_NK)  # covariance of the bound
    phi_N = torch.where(reach_N > 0, r_N.abs() * _spread(a_NK) * _spread(g_NK) / reach_N, 0)
    rest_N = 1 - phi_N
    product = rest_N[:, None] * a_NK.gather(1, i) * g_NK.gather(1, j)
    cells = (_surprise(product + phi_N[:, None] * pieces) - _surprise(product)).sum(1)
    return rest_N * entropies_N + _surprise(rest_N) + cells


def _correlation(a_NK: torch.Tensor, f_NK: torch.Tensor) -> torch.Tensor:
    a, f = a_NK - a_NK.mean(1, keepdim=True), f_NK - f_NK.mean(1, keepdim=True)
    size = (a.square().sum(1) * f.square().sum(1)).sqrt()
    return torch.where(size > 0, (a * f).sum(1) / size, 0)


def _places(p_NK: torch.Tensor) -> torch.Tensor:
    return torch.arange(p_NK.shape[1], dtype=p_NK.dtype, device=p_NK.device)


def _mean_place(p_NK: torch.Tensor) -> torch.Tensor:
    return p_NK @ _places(p_NK)


def _spread(p_NK: torch.Tensor) -> torch.Tensor:
    """Standard deviation (N,) of the place under each distribution."""
    return (p_NK @ _places(p_NK).square() - _mean_place(p_NK).square()).clamp_min(0).sqrt()


def _surprise(p: torch.Tensor) -> torch.Tensor:
    """-p log |p|: where phi exceeds 1 a cell may be negative, and the reference code takes it so."""
    return -torch.xlogy(p, p.abs())
