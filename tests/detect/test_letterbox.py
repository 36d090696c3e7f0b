"""Where a picture lies in a frame, and the way back."""

import pytest
import torch

from streamfuse.detect.letterbox import BAR, Letterbox


@pytest.mark.parametrize(
    ("picture", "frame", "tight_px", "inner", "outer"),
    [
        pytest.param((480, 640), (640, 640), None, (480, 640), (640, 640), id="bars above and below"),
        pytest.param((480, 640), (640, 640), 32, (480, 640), (480, 640), id="no bars left"),
        pytest.param((512, 640), (320, 320), 32, (256, 320), (256, 320), id="half"),
        pytest.param((300, 400), (320, 320), 32, (240, 320), (256, 320), id="bars of 16"),
        pytest.param((1080, 1920), (640, 640), 32, (360, 640), (384, 640), id="full HD"),
        pytest.param((640, 480), (640, 640), None, (640, 480), (640, 640), id="upright"),
        pytest.param((3, 2000), (320, 320), 32, (1, 320), (32, 320), id="a line"),
    ],
)
def test_fits(picture, frame, tight_px, inner, outer):
    """The picture keeps its shape, and bars fill the frame or the next multiple."""
    box = Letterbox.fit(picture, frame, tight_px)
    assert (box.inner, box.outer) == (inner, outer)


def test_bars_are_grey_and_around():
    """The picture lies in the middle, unchanged, between grey bars."""
    box = Letterbox.fit((4, 8), (8, 8))
    framed = box.framed(torch.ones(2, 3, *box.inner))
    assert framed.shape == (2, 3, 8, 8)
    assert (framed[:, :, 2:6] == 1).all()
    assert (framed[:, :, :2] == BAR).all()
    assert (framed[:, :, 6:] == BAR).all()


@pytest.mark.parametrize("picture", [(480, 640), (333, 517), (1080, 1920), (640, 200)])
def test_boxes_come_back(picture):
    """A box of the picture, moved into the frame, comes back as it was; one over the edge is cut there."""
    box = Letterbox.fit(picture, (320, 320), 32)
    wanted = torch.tensor([[10.0, 20.0, 110.0, 180.0], [0.0, 0.0, picture[1], picture[0]]])
    scale = torch.tensor([box.inner[1] / picture[1], box.inner[0] / picture[0]] * 2)
    moved = wanted * scale + torch.tensor([box.left, box.top] * 2)
    assert torch.allclose(box.boxes_back(moved), wanted, atol=1e-3)
    over = torch.tensor([[-50.0, -60.0, 900.0, 900.0]])
    assert torch.allclose(box.boxes_back(over), wanted[1:])
