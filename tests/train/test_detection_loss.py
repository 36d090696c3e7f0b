"""`streamfuse.train.detection_loss`."""

from importlib.util import find_spec

import pytest
import torch

from streamfuse.errors import ConfigError
from streamfuse.train.detection_loss import Boxes, DetectionLoss

pytestmark = pytest.mark.skipif(find_spec("ultralytics") is None, reason="ultralytics is not installed")
BOXES = Boxes(torch.tensor([0, 1, 1]), torch.tensor([0, 2, 1]), torch.tensor([[6.0, 4, 30, 40], [2, 2, 50, 58], [30, 32, 46, 60]]))
NOTHING = Boxes(torch.zeros(0, dtype=torch.long), torch.zeros(0, dtype=torch.long), torch.zeros(0, 4))


def pictures(width: int = 64) -> torch.Tensor:
    return torch.rand(2, 3, 64, width, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def loss() -> DetectionLoss:
    torch.manual_seed(1)
    return DetectionLoss("yolov8n", 3)


def test_the_gradient_reaches_pictures_and_detector(loss):
    """Every pixel of the pictures, and nearly every parameter."""
    x = pictures().requires_grad_()
    loss(x, BOXES).backward()
    assert x.grad is not None
    assert (x.grad != 0).float().mean() > 0.99
    reached = [p.grad is not None and bool(p.grad.any()) for p in loss.parameters() if p.requires_grad]
    assert sum(reached) > 0.95 * len(reached)


def test_learning_finds_the_boxes(loss):
    """Steps on two pictures bring the loss down to a share."""
    optimiser = torch.optim.AdamW(loss.parameters(), 5e-3)
    history = []
    for _ in range(8):
        value = loss(pictures(), BOXES)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        history.append(float(value.detach()))
    assert history[-1] < 0.8 * history[0]


def test_boxes_are_in_pixels_whatever_the_size(loss):
    """A picture that has to be padded costs what the padded one costs with the same boxes."""
    padded = torch.nn.functional.pad(pictures(56), (0, 8, 0, 0), mode="reflect")
    loss.detector.apply(lambda part: setattr(part, "momentum", 0.0) if isinstance(part, torch.nn.BatchNorm2d) else None)
    boxes = BOXES._replace(boxes_N4=BOXES.boxes_N4.clamp_max(56))
    assert float(loss(pictures(56), boxes).detach()) == pytest.approx(float(loss(padded, boxes).detach()))
    assert float(loss(padded, boxes._replace(boxes_N4=boxes.boxes_N4 * 0.8)).detach()) != pytest.approx(float(loss(padded, boxes).detach()))


def test_pictures_without_boxes_still_teach(loss):
    """That nothing is there."""
    value = loss(pictures(), NOTHING)
    value.backward()
    assert torch.isfinite(value)
    assert any(p.grad is not None and bool(p.grad.any()) for p in loss.parameters())


def test_stays_in_training(loss):
    """`eval` would change the form of its output."""
    assert loss.eval().detector.training


@pytest.mark.parametrize(("model", "told"), [("yolo99n", "ultralytics has no 'yolo99n'"), ("yolo26n", "suppresses by itself")])
def test_detectors_that_do_not_fit_are_named(model, told):
    """With some that do."""
    with pytest.raises(ConfigError, match=told):
        DetectionLoss(model, 3)
