"""Qabf and Nabf: edges that were kept, and edges that no camera saw."""

import math
from typing import NamedTuple

import torch
from torch.nn.functional import pad


class Edges(NamedTuple):
    """Sobel edges (B, H, W) of each picture: strength, and direction in -pi/2..pi/2."""

    strength_BHW: torch.Tensor
    angle_BHW: torch.Tensor


def edge_preservation(infrared_BHW: torch.Tensor, visible_BHW: torch.Tensor, fused_BHW: torch.Tensor) -> torch.Tensor:
    """Qabf = sum (Q_AF g_A + Q_BF g_B) / sum (g_A + g_B). (B,), 0 to 1.

    Q_XF = Tg / (1 + exp(kg (G - Dg))) Ta / (1 + exp(ka (A - Da))), G the smaller edge strength over the larger, A = 1 - |difference of
    direction| / (pi/2). Xydeas and Petrovic, "Objective image fusion performance measure", Electron. Lett. 36(4), 2000. Equal strengths are
    put in as themselves, not as 1, as in the reference code.
    """
    a, b, fused = (_edges(picture, "constant", 1) for picture in (infrared_BHW, visible_BHW, fused_BHW))
    kept_a, kept_b = _kept(a, fused), _kept(b, fused)
    weight = (a.strength_BHW + b.strength_BHW).sum((1, 2))
    return _share((kept_a * a.strength_BHW + kept_b * b.strength_BHW).sum((1, 2)), weight)


def _kept(source: Edges, fused: Edges) -> torch.Tensor:
    strength, other = source.strength_BHW, fused.strength_BHW
    ratio = torch.where(strength == other, other, torch.minimum(strength, other) / torch.maximum(strength, other))
    turned = 1 - (source.angle_BHW - fused.angle_BHW).abs() / (math.pi / 2)
    return 0.9994 / (1 + torch.exp(-15 * (ratio - 0.5))) * 0.9879 / (1 + torch.exp(-22 * (turned - 0.8)))


def fusion_artefacts(
    infrared_BHW: torch.Tensor, visible_BHW: torch.Tensor, fused_BHW: torch.Tensor, *, floor: str = "kumar"
) -> torch.Tensor:
    """Nabf = sum n ((1 - Q_AF) w_A + (1 - Q_BF) w_B) / sum (w_A + w_B). (B,), 0 to 1, lower is better.

    n is 1 where the fused edge is stronger than both cameras', w = g^1.5 for edges of 2 grey levels and more; else 0.001, or nothing with
    `zoo`. Shreyamsha Kumar, "Multifocus and multispectral image fusion based on pixel significance using discrete cosine harmonic wavelet
    transform", Signal Image Video Process. 7, 2013, after Petrovic and Xydeas, "Objective image fusion performance characterisation", 2005.
    """
    a, b, fused = (_edges(picture, "reflect", 8) for picture in (infrared_BHW, visible_BHW, fused_BHW))
    lost_a, lost_b = 1 - _same(a, fused), 1 - _same(b, fused)
    least = 0.001 if floor == "kumar" else 0.0
    weight_a, weight_b = (torch.where(x.strength_BHW >= 2, x.strength_BHW**1.5, least) for x in (a, b))
    nobody_saw = (fused.strength_BHW > a.strength_BHW) & (fused.strength_BHW > b.strength_BHW)
    artefacts = (nobody_saw * (lost_a * weight_a + lost_b * weight_b)).sum((1, 2))
    return _share(artefacts, (weight_a + weight_b).sum((1, 2)))


def _same(source: Edges, fused: Edges) -> torch.Tensor:
    strength, other = source.strength_BHW, fused.strength_BHW
    ratio = torch.where((strength == 0) | (other == 0), 0, torch.minimum(strength, other) / torch.maximum(strength, other))
    turned = ((source.angle_BHW - fused.angle_BHW).abs() - math.pi / 2).abs() * 2 / math.pi
    return (0.9999 / (1 + torch.exp(-19 * (ratio - 0.5))) * 0.9995 / (1 + torch.exp(-22 * (turned - 0.5)))).sqrt()


def _edges(picture_BHW: torch.Tensor, border: str, scale: int) -> Edges:
    """Sobel's operator over a border of zeros (Qabf) or a mirrored one (Nabf), divided by `scale`. Flat places point at pi/2, or 0."""
    x = pad(picture_BHW.double(), (1, 1, 1, 1), mode=border)
    across, down = x[:, :, 2:] - x[:, :, :-2], x[:, 2:] - x[:, :-2]
    across = (across[:, :-2] + 2 * across[:, 1:-1] + across[:, 2:]) / scale
    down = (down[:, :, :-2] + 2 * down[:, :, 1:-1] + down[:, :, 2:]) / scale
    return Edges((across.square() + down.square()).sqrt(), _direction(across, down, border))


def _direction(across: torch.Tensor, down: torch.Tensor, border: str) -> torch.Tensor:
    if border == "constant":  # Qabf: the angle to the x axis; up counts, so that pi/2 is up where there is nothing across
        return torch.where(across == 0, math.pi / 2, torch.atan(-down / across))
    return torch.where((across == 0) & (down == 0), 0, torch.atan(across / down))  # Nabf: to the y axis


def _share(part_B: torch.Tensor, whole_B: torch.Tensor) -> torch.Tensor:
    """0 where there is no edge at all."""
    return torch.where(whole_B > 0, part_B / whole_B, 0)
