"""How far `SmallNetwork` is from the boxes that are there.

Where a centre is: the focal loss of CenterNet (Zhou et al. 2019, eq. 1; alpha 2, beta 4) against a bump per box. How large: 1 - GIoU
(Rezatofighi et al. 2019) in the cells around each centre, weighted by a bump as in TTFNet (Liu et al. 2020, 3.3).
Legend: B batch, C classes, N boxes of a batch, h w cells.
"""

from typing import NamedTuple

import torch
from torch.nn.functional import logsigmoid

from streamfuse.detect.small_network import STRIDE_PX, Found
from streamfuse.train.detection_loss import Boxes

BUMP_SHARE = 0.54
"""Of a box, along each axis: where its bump lies (TTFNet, 4.2)."""
ALPHA, BETA = 2.0, 4.0
EDGES_WEIGHT = 5.0
LEAST_OF_BUMP = 0.05
"""Cells of a lower bump do not say how large the box is."""


class Targets(NamedTuple):
    """What the network should say."""

    heat_BChw: torch.Tensor
    """1 at centres, falling off around them."""
    weights_Bhw: torch.Tensor
    """Of a cell, in how large things are: the bumps, each with the sum 1."""
    boxes_B4hw: torch.Tensor
    """x1, y1, x2, y2 in pixels of the box that a cell belongs to: of several the smallest."""


def centre_loss(found: Found, boxes: Boxes, unknown_Bhw: torch.Tensor) -> dict[str, torch.Tensor]:
    """Scalars `heat` and `edges`, per box. Nothing is said where `unknown_Bhw` is true, unless a box has its centre there."""
    targets = targets_of(boxes, found.heat_BChw.shape)
    count = max(1, len(boxes.items_N))
    heat = focal(found.heat_BChw.float(), targets.heat_BChw, unknown_Bhw) / count
    where = targets.weights_Bhw > 0
    said_M4 = around(found.edges_B4hw.float()).permute(0, 2, 3, 1)[where]
    wanted_M4 = targets.boxes_B4hw.permute(0, 2, 3, 1)[where]
    edges = ((1 - giou(said_M4, wanted_M4)) * targets.weights_Bhw[where]).sum() / count
    return {"heat": heat, "edges": EDGES_WEIGHT * edges}


def focal(logits_BChw: torch.Tensor, heat_BChw: torch.Tensor, unknown_Bhw: torch.Tensor) -> torch.Tensor:
    """Sum over all cells; see the file's docstring."""
    said = logits_BChw.sigmoid()
    centre = heat_BChw == 1
    there = -((1 - said) ** ALPHA) * logsigmoid(logits_BChw) * centre
    known = ~(centre | unknown_Bhw[:, None])
    elsewhere = -((1 - heat_BChw) ** BETA) * said**ALPHA * logsigmoid(-logits_BChw) * known
    return (there + elsewhere).sum()


def targets_of(boxes: Boxes, shape: torch.Size) -> Targets:
    """Targets of a network's output of `shape` (B, C, h, w)."""
    height, width = shape[2:]
    corners_N4 = boxes.boxes_N4.float()
    heat = corners_N4.new_zeros(shape)
    weights = corners_N4.new_zeros(shape[0], height, width)
    owners = corners_N4.new_zeros(shape[0], 4, height, width)
    size_N2 = corners_N4[:, 2:] - corners_N4[:, :2]
    y_h, x_w = (torch.arange(edge, device=corners_N4.device).float() for edge in (height, width))
    for index in size_N2.prod(1).argsort(descending=True).tolist():  # the smallest last, on top
        item, kind, box_4 = int(boxes.items_N[index]), int(boxes.classes_N[index]), corners_N4[index]
        middle = ((box_4[:2] + box_4[2:]) / 2 / STRIDE_PX).floor()
        middle = torch.minimum(middle, middle.new_tensor([width - 1, height - 1]))
        spread = (2 * (size_N2[index] / STRIDE_PX / 2 * BUMP_SHARE).floor() + 1) / 6  # so that the bump ends where its share does
        bump_hw = torch.outer(_bell(y_h - middle[1], spread[1]), _bell(x_w - middle[0], spread[0]))
        heat[item, kind] = torch.maximum(heat[item, kind], bump_hw)
        mine_hw = bump_hw > LEAST_OF_BUMP
        weights[item] = torch.where(mine_hw, bump_hw / (bump_hw * mine_hw).sum(), weights[item])
        owners[item] = torch.where(mine_hw, box_4[:, None, None], owners[item])
    return Targets(heat, weights, owners)


def _bell(distance: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    return torch.exp(-distance.square() / (2 * spread.square()))


def around(edges_B4hw: torch.Tensor) -> torch.Tensor:
    """Distances to the edges -> boxes x1, y1, x2, y2 in pixels."""
    height, width = edges_B4hw.shape[2:]
    y_h1 = (torch.arange(height, device=edges_B4hw.device)[:, None] + 0.5) * STRIDE_PX
    x_1w = (torch.arange(width, device=edges_B4hw.device)[None] + 0.5) * STRIDE_PX
    left, top, right, low = edges_B4hw.unbind(1)
    return torch.stack([x_1w - left, y_h1 - top, x_1w + right, y_h1 + low], 1)


def giou(a_M4: torch.Tensor, b_M4: torch.Tensor) -> torch.Tensor:
    """Generalised overlap of each box with its partner, from -1 to 1."""
    inner = (torch.minimum(a_M4[:, 2:], b_M4[:, 2:]) - torch.maximum(a_M4[:, :2], b_M4[:, :2])).clamp_min(0).prod(1)
    hull = (torch.maximum(a_M4[:, 2:], b_M4[:, 2:]) - torch.minimum(a_M4[:, :2], b_M4[:, :2])).prod(1)
    union = (a_M4[:, 2:] - a_M4[:, :2]).prod(1) + (b_M4[:, 2:] - b_M4[:, :2]).prod(1) - inner
    return inner / union - (hull - union) / hull
