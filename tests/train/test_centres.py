"""`streamfuse.train.centres`: what the network is to say, and how far it is from it."""

import torch

from streamfuse.detect.small_network import STRIDE_PX, Found
from streamfuse.train.centres import around, centre_loss, focal, giou, targets_of
from streamfuse.train.detection_loss import Boxes

SHAPE = torch.Size([2, 3, 16, 20])
BOX = [20.0, 8.0, 36.0, 48.0]


def boxes(*rows: tuple[int, int, list[float]]) -> Boxes:
    items, classes, corners = zip(*rows, strict=True)
    return Boxes(torch.tensor(items), torch.tensor(classes), torch.tensor(corners))


def said(heat: float = -4.0, edge: float = 10.0) -> Found:
    return Found(torch.full(SHAPE, heat), torch.full((2, 4, 16, 20), edge))


def nowhere() -> torch.Tensor:
    return torch.zeros(2, 16, 20, dtype=torch.bool)


def test_a_centre_is_one_cell_of_one_class():
    """The bump is 1 in the cell of the middle, in its own picture and class alone, and falls off sooner across than along."""
    targets = targets_of(boxes((1, 2, BOX)), SHAPE)
    assert (targets.heat_BChw == 1).nonzero().tolist() == [[1, 2, 28 // STRIDE_PX, 28 // STRIDE_PX]]
    assert targets.heat_BChw[0].max() == 0
    assert targets.heat_BChw[1, 2, 9, 7] > targets.heat_BChw[1, 2, 7, 9]


def test_cells_belong_to_the_smaller_box():
    """Where two bumps meet, the cell says how large the smaller thing is; weights of a lone box sum up to 1."""
    large, small = [0.0, 0.0, 80.0, 64.0], [36.0, 28.0, 44.0, 36.0]
    targets = targets_of(boxes((0, 0, small), (0, 0, large)), SHAPE)
    assert targets.boxes_B4hw[0, :, 8, 10].tolist() == small
    assert targets.boxes_B4hw[0, :, 8, 13].tolist() == large
    alone = targets_of(boxes((0, 0, BOX)), SHAPE)
    assert torch.isclose(alone.weights_Bhw.sum(), torch.tensor(1.0))


def test_a_box_at_the_edge_has_its_centre_inside():
    """Its middle may round to the cell beyond the last one."""
    targets = targets_of(boxes((0, 0, [78.0, 62.0, 82.0, 66.0])), SHAPE)
    assert targets.heat_BChw[0, 0, 15, 19] == 1


def test_the_right_answer_costs_next_to_nothing():
    """Sure at the centre, silent elsewhere, with the right edges: a loss near 0; of the wrong answer it is not."""
    targets = targets_of(boxes((0, 1, BOX)), SHAPE)
    heat = torch.where(targets.heat_BChw == 1, 12.0, -12.0)
    edges = torch.ones(2, 4, 16, 20)
    middles = around(torch.zeros(2, 4, 16, 20))[:, :2]
    edges[:, :2] = middles - torch.tensor(BOX[:2])[:, None, None]
    edges[:, 2:] = torch.tensor(BOX[2:])[:, None, None] - middles
    right = centre_loss(Found(heat, edges), boxes((0, 1, BOX)), nowhere())
    wrong = centre_loss(said(), boxes((0, 1, BOX)), nowhere())
    assert sum(right.values()) < 0.01
    assert all(wrong[name] > 0.5 for name in right)


def test_nothing_is_learned_of_unknown_cells():
    """No gradient comes from them, but for a centre that lies there."""
    heat = torch.zeros(SHAPE, requires_grad=True)
    unknown = nowhere()
    unknown[0, :, :10] = True
    targets = targets_of(boxes((0, 1, BOX)), SHAPE)
    focal(heat, targets.heat_BChw, unknown).backward()  # type: ignore[no-untyped-call]
    assert heat.grad is not None
    assert heat.grad[0, :, :, :10].count_nonzero() == 1
    assert heat.grad[0, :, :, 10:].all()


def test_pictures_without_boxes_have_a_loss():
    """That of what is seen where nothing is."""
    empty = Boxes(torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 4))
    loss = centre_loss(said(heat=0.0), empty, nowhere())
    assert loss["heat"] > 0
    assert loss["edges"] == 0


def test_generalised_overlap():
    """1 of a box with itself; below 0 of boxes apart, the less the further (Rezatofighi et al. 2019, table of bounds)."""
    box = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
    near, far = torch.tensor([[3.0, 0.0, 5.0, 2.0]]), torch.tensor([[9.0, 0.0, 11.0, 2.0]])
    assert giou(box, box).tolist() == [1.0]
    assert torch.allclose(giou(box, near), torch.tensor([-0.2]))
    assert giou(box, far) < giou(box, near)
