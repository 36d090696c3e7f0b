"""Warm blobs, drawn as tensors."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from streamfuse.detect import DETECTORS
from streamfuse.detect.hotspots import WORK_PX, HotSpots, HotSpotsSettings, background_of
from streamfuse.errors import ConfigError

Box = tuple[int, int, int, int]
NOISE = 0.02


def scene(height: int, width: int, *boxes: Box, background: float = 0.2, level: float = 0.9) -> torch.Tensor:
    """(1, H, W) of noise, with the boxes at `level`."""
    generator = torch.Generator().manual_seed(7)
    picture = background + NOISE * torch.randn(1, height, width, generator=generator)
    for x1, y1, x2, y2 in boxes:
        picture[:, y1:y2, x1:x2] = level
    return picture.clamp(0, 1)


def view(box: Box, size: tuple[int, int] = (480, 640)) -> torch.Tensor:
    """(1, H, W), true in the box: what an infrared camera covers."""
    covered = torch.zeros(1, *size, dtype=torch.bool)
    covered[:, box[1] : box[3], box[0] : box[2]] = True
    return covered


@pytest.fixture
def hotspots() -> HotSpots:
    return HotSpots(HotSpotsSettings())


@pytest.mark.parametrize(
    ("size", "box"),
    [
        pytest.param((240, 320), (50, 60, 70, 110), id="grid of the picture"),
        pytest.param((480, 640), (101, 63, 131, 120), id="cells of 2"),
        pytest.param((481, 643), (610, 440, 643, 481), id="odd size, cells of 3, at the edge"),
        pytest.param((1080, 1920), (1001, 303, 1090, 517), id="cells of 6"),
        pytest.param((200, 90), (0, 0, 20, 30), id="smaller than the working grid"),
    ],
)
def test_box_is_exact_to_one_cell(fuse, hotspots, size, box):
    """A blob's box is right to within one cell of the working grid, in pixels of the fused frame."""
    (found,) = hotspots.detect(fuse(scene(*size, box)))
    cell_px = -(-max(size) // WORK_PX)
    assert found.boxes_N4.shape == (1, 4)
    assert np.abs(found.boxes_N4[0] - box).max() <= (0 if cell_px == 1 else cell_px)
    assert found.boxes_N4[0, 2] <= size[1]
    assert found.boxes_N4[0, 3] <= size[0]


def test_noise_alone_is_cold(fuse, hotspots):
    """A flat noisy picture, a black one and a white one hold no hot spot."""
    pictures = torch.cat([scene(240, 320), torch.zeros(1, 240, 320), torch.ones(1, 240, 320)])
    assert [len(found) for found in hotspots.detect(fuse(pictures))] == [0, 0, 0]


def test_hotter_scores_higher(fuse, hotspots):
    """Scores grow with contrast, from a half at the threshold, and stay below one."""
    levels = (0.37, 0.5, 0.7, 1.0)
    scores = [hotspots.detect(fuse(scene(240, 320, (50, 60, 80, 110), level=level)))[0].scores_N[0] for level in levels]
    assert scores == sorted(scores)
    assert 0.5 <= scores[0] < 0.6
    assert 0.8 < scores[-1] < 1


def test_area_limits_are_pixels_of_the_frame(fuse):
    """Blobs outside of the allowed areas are dropped, whatever the working grid."""
    small, medium, large = (20, 20, 40, 30), (100, 100, 140, 150), (300, 200, 500, 400)
    detector = HotSpots(HotSpotsSettings(min_area_px=400, max_area_px=10_000))
    (found,) = detector.detect(fuse(scene(480, 640, small, medium, large)))
    assert np.abs(found.boxes_N4 - [medium]).max() <= 2


def test_wall_is_no_object(fuse, hotspots):
    """Without a limit of its own, a blob over an eighth of the picture is dropped."""
    (found,) = hotspots.detect(fuse(scene(240, 320, (0, 0, 160, 120))))
    assert len(found) == 0


def test_largest_blobs_are_kept(fuse):
    """Of more blobs than allowed the largest stay, largest first."""
    boxes = [(10 + 30 * i, 20, 20 + 30 * i, 40 + 10 * i) for i in range(6)]
    (found,) = HotSpots(HotSpotsSettings(max_detections=2)).detect(fuse(scene(240, 320, *boxes)))
    assert found.boxes_N4.tolist() == [list(boxes[5]), list(boxes[4])]


def test_narrow_view_is_not_hot(fuse, hotspots):
    """What infrared does not cover does not make the rest of the picture stand out: neither bright daylight there, nor black."""
    for elsewhere in (1.0, 0.7, 0.0):
        picture = torch.full((1, 480, 640), elsewhere)
        picture[:, 100:300, 200:400] = scene(200, 200, (50, 60, 70, 110))
        (found,) = hotspots.detect(fuse(picture, covered_BHW=view((200, 100, 400, 300))))
        assert found.boxes_N4.tolist() == [[250, 160, 270, 210]]


def test_visible_lamp_is_no_hot_spot(fuse, hotspots):
    """Where infrared saw nothing the visible picture stands in: a lamp there is no hot spot, a warm blob in the view is."""
    lamp, warm = (60, 60, 100, 120), (300, 200, 330, 260)
    picture = scene(480, 640, lamp, warm)
    (everywhere,) = hotspots.detect(fuse(picture))
    (found,) = hotspots.detect(fuse(picture, covered_BHW=view((150, 50, 600, 450))))
    assert len(everywhere) == 2
    assert found.boxes_N4.tolist() == [list(warm)]


@pytest.mark.parametrize("size", [(240, 320), (481, 643), (1080, 1920)])
@pytest.mark.parametrize("edge", range(4))
def test_blob_is_cut_by_the_border_of_the_view(fuse, hotspots, size, edge):
    """A blob that goes on in the visible picture outside of the view is boxed to the view's border, up to one cell, and never across."""
    height, width = size
    seen = (width // 4 + 1, height // 4 + 1, 3 * width // 4, 3 * height // 4)
    x, y = ((seen[0], height // 2), (width // 2, seen[1]), (seen[2], height // 2), (width // 2, seen[3]))[edge]
    blob = (x - width // 16, y - height // 16, x + width // 16, y + height // 16)
    (found,) = hotspots.detect(fuse(scene(*size, blob), covered_BHW=view(seen, size)))
    want = [max(blob[0], seen[0]), max(blob[1], seen[1]), min(blob[2], seen[2]), min(blob[3], seen[3])]
    (box,) = found.boxes_N4
    assert np.abs(box - want).max() <= -(-max(size) // WORK_PX)
    assert (box[:2] >= seen[:2]).all()
    assert (box[2:] <= seen[2:]).all()


def test_each_item_has_its_own_view(fuse, hotspots):
    """Of a batch with two rigs each item is searched where its own infrared camera sees, and nowhere if that is nowhere."""
    pictures = scene(240, 320, (40, 60, 60, 110), (240, 60, 260, 110)).repeat(3, 1, 1)
    left, right = view((0, 0, 160, 240), (240, 320)), view((160, 0, 320, 240), (240, 320))
    found = hotspots.detect(fuse(pictures, covered_BHW=torch.cat([left, right, left & right])))
    assert [item.boxes_N4.tolist() for item in found] == [[[40, 60, 60, 110]], [[240, 60, 260, 110]], []]


def test_black_background_is_a_background(fuse, hotspots):
    """A blob on pure black is found."""
    picture = torch.zeros(1, 240, 320)
    picture[:, 60:110, 50:70] = 0.8
    (found,) = hotspots.detect(fuse(picture))
    assert found.boxes_N4.tolist() == [[50, 60, 70, 110]]


def test_no_infrared_no_hotspots(fuse, hotspots):
    """Without an infrared picture there are no boxes, one empty set per item."""
    found = hotspots.detect(fuse(scene(240, 320, (50, 60, 70, 110)).repeat(3, 1, 1), infrared=False))
    assert [len(item) for item in found] == [0, 0, 0]
    assert found[0].names == ("hotspot",)


def test_items_do_not_mix(fuse, hotspots):
    """Each item of a batch gets what it would get alone."""
    pictures = [scene(240, 320, (50, 60, 70, 110)), scene(240, 320), scene(240, 320, (10, 10, 40, 90), (200, 100, 260, 180))]
    together = hotspots.detect(fuse(torch.cat(pictures)))
    alone = [hotspots.detect(fuse(picture))[0] for picture in pictures]
    assert [item.boxes_N4.tolist() for item in together] == [item.boxes_N4.tolist() for item in alone]
    assert [item.scores_N.tolist() for item in together] == [item.scores_N.tolist() for item in alone]


def test_background_is_robust():
    """Median and spread are those of the scene, though a quarter of it is hot."""
    levels = np.random.default_rng(0).normal(60, 8, (100, 100)).clip(1, 255).astype(np.uint8)
    levels[:25] = 250
    median, sigma = background_of(levels)
    assert abs(median - 63) <= 2
    assert 8 <= sigma <= 14


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sigmas": 0}, "sigmas"),
        ({"min_contrast": 1.5}, "min_contrast"),
        ({"min_area_px": 100, "max_area_px": 50}, "max_area_px must be at least min_area_px, 100"),
        ({"min_aera_px": 3}, "did you mean 'min_area_px'"),
    ],
)
def test_wrong_settings_are_named(values, message):
    """A value out of range or a misspelt key is an error that names it."""
    with pytest.raises(ConfigError, match=message):
        DETECTORS.make("hotspots", **values)


@pytest.mark.needs_data
def test_finds_the_walker_of_the_recording(fuse, hotspots, data: Path):
    """On the stairs of the recording the man in front is one of the boxes."""
    video = cv2.VideoCapture(str(data / "replay/m3svd_0111_1716/ir.mp4"))
    ok, picture = video.read()
    video.release()
    assert ok
    (found,) = hotspots.detect(fuse(torch.from_numpy(picture[None, :, :, 0].copy()) / 255))
    widths, heights = (found.boxes_N4[:, 2:] - found.boxes_N4[:, :2]).T
    assert ((heights > 150) & (widths > 50) & (widths < 200)).any()
