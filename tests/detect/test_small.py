"""The detector `small`: boxes out of what its network says, its weights, and what they find in drawn scenes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from streamfuse.detect import DETECTORS
from streamfuse.detect.small import NAMES, Small, SmallSettings, boxes_of
from streamfuse.detect.small_file import HEADER, load_small, save_small, shipped
from streamfuse.detect.small_network import Found, SmallNetwork, folded
from streamfuse.errors import WeightsError
from streamfuse.train.boxes import CLASSES
from streamfuse.train.drawn import scene_pairs

SILENT = -9.0


def said(*centres: tuple[int, int, int, float]) -> Found:
    """A network's output for 64x96 pixels: (class, row, column, logit) of each centre, 8 pixels to the sides, 20 up and down."""
    heat = torch.full((1, 3, 16, 24), SILENT)
    for kind, row, column, logit in centres:
        heat[0, kind, row, column] = logit
    return Found(heat, torch.tensor([8.0, 20.0, 8.0, 20.0]).view(1, 4, 1, 1).expand(1, 4, 16, 24))


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    shared = (np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])).clip(0).prod()
    return float(shared / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - shared))


def test_classes_are_those_of_training():
    """The table of the detector, the header of its file and the labels agree."""
    assert NAMES == CLASSES == tuple(HEADER["classes"].split())


def test_a_peak_becomes_a_box():
    """Around the middle of its cell, with the class of its map and the score of its peak; strongest first."""
    (found,) = boxes_of(said((0, 8, 4, 1.0), (2, 8, 18, 3.0)), 0.25)
    assert found.boxes_N4.tolist() == [[66, 14, 82, 54], [10, 14, 26, 54]]
    assert [found.names[i] for i in found.classes_N] == ["car", "person"]
    assert found.scores_N.tolist() == pytest.approx([0.9526, 0.7311], abs=1e-3)


def test_neighbours_of_a_peak_are_no_boxes():
    """Nor are weaker boxes of the same class over a stronger one; another class may lie there."""
    (found,) = boxes_of(said((0, 8, 4, 3.0), (0, 8, 5, 2.0), (0, 10, 4, 2.0), (1, 10, 4, 1.0)), 0.25)
    assert found.classes_N.tolist() == [0, 1]


def test_weak_peaks_are_dropped():
    """Up to the confidence; and of too many the strongest stay."""
    found = said((0, 8, 4, 1.0), (0, 8, 20, -2.0))
    assert [len(boxes_of(found, confidence)[0]) for confidence in (0.25, 0.1)] == [1, 2]
    assert len(boxes_of(found, 0.1, most=1)[0]) == 1


@pytest.mark.parametrize("size", [(33, 70), (96, 64), (64, 64)])
def test_cells_are_a_quarter_of_the_filled_picture(size):
    """Pictures of any size go in; what they are filled up with comes out too."""
    found = SmallNetwork(3).eval()(torch.rand(2, 1, *size))
    filled = [-(-edge // 32) * 8 for edge in size]
    assert found.heat_BChw.shape == (2, 3, *filled)
    assert found.edges_B4hw.shape == (2, 4, *filled)
    assert (found.edges_B4hw > 0).all()


def test_brightness_and_contrast_do_not_matter():
    """Pictures are standardised: half the contrast on another grey looks alike."""
    network = SmallNetwork(3).eval()
    picture = torch.rand(1, 1, 64, 64)
    assert torch.allclose(network(picture).heat_BChw, network(0.5 * picture + 0.3).heat_BChw, atol=1e-4)


def test_folded_networks_say_the_same():
    """Normalisations that have seen something, folded into their convolutions."""
    network = SmallNetwork(3).train()
    for _ in range(3):
        network(torch.rand(2, 1, 64, 64))
    picture = torch.rand(1, 1, 64, 96)
    network.eval()
    before = network(picture)
    after = folded(network)(picture)
    assert torch.allclose(after.heat_BChw, before.heat_BChw, atol=1e-4)
    assert torch.allclose(after.edges_B4hw, before.edges_B4hw, rtol=1e-3)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules())


def test_weights_survive_the_file(tmp_path):
    """In half precision, with the header that says what they are for."""
    network = SmallNetwork(3).eval()
    save_small(network, tmp_path / "w.safetensors")
    picture = torch.rand(1, 1, 64, 64)
    loaded = load_small(tmp_path / "w.safetensors").eval()
    assert torch.allclose(loaded(picture).heat_BChw, network(picture).heat_BChw, atol=0.02)
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_wrong_files_are_refused_in_words(tmp_path):
    """None, one of another kind, and one of a fusion network."""
    with pytest.raises(WeightsError, match="no detector weights"):
        load_small(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("boxes")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_small(tmp_path / "text.safetensors")
    fusion = next(shipped().parent.glob("nano-*.safetensors"))
    with pytest.raises(WeightsError, match="not for the detector small"):
        load_small(fusion)


def test_tensors_of_another_network_are_refused(tmp_path):
    """The header alone does not make it one."""
    save_small(SmallNetwork(5), tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match="tensors are not"):
        load_small(tmp_path / "w.safetensors")


def test_shipped_weights_are_small_and_plain():
    """At most 6 MB, with a card beside them, and found without a path."""
    assert shipped().stat().st_size <= 6e6
    assert shipped().with_suffix(".md").is_file()
    load_small(shipped())


@pytest.fixture(scope="module")
def small() -> Small:
    made = Small(SmallSettings())
    made.to(torch.device("cpu"))
    return made


def test_drawn_persons_are_found(fuse, small):
    """In infrared and in a maximum of both cameras most persons of drawn streets that training never saw are found."""
    there = found = 0
    for pair in scene_pairs(4, seed=77):
        luma = pair.visible_HW3.mean(2).astype(np.float32)
        for picture in (pair.infrared_HW.astype(np.float32), np.maximum(pair.infrared_HW, luma)):
            (boxes,) = small.detect(fuse(torch.from_numpy(picture / 255)[None]))
            said_persons = boxes.boxes_N4[boxes.classes_N == NAMES.index("person")]
            for true in pair.boxes.boxes_N4[pair.boxes.classes_N == CLASSES.index("person")]:
                if true[3] - true[1] >= 24:
                    there += 1
                    found += any(overlap(true, one) > 0.4 for one in said_persons)
    assert there >= 8
    assert found >= 0.6 * there


def test_large_pictures_are_scaled_down(fuse):
    """Boxes come back in pixels of the fused picture, inside of it."""
    made = DETECTORS.make("small", size_px=64, confidence=0.0)
    made.to(torch.device("cpu"))
    (found,) = made.detect(fuse(torch.rand(1, 90, 130)))
    assert len(found)
    assert found.boxes_N4.min() >= 0
    assert found.boxes_N4[:, 2].max() <= 130
    assert found.boxes_N4[:, 3].max() <= 90
    assert found.boxes_N4[:, 2].max() > 64


def test_weights_may_be_ones_own(tmp_path):
    """A file by the recipe stands in for the one that ships."""
    save_small(SmallNetwork(3), tmp_path / "own.safetensors")
    made = DETECTORS.make("small", weights=str(tmp_path / "own.safetensors"))
    made.to(torch.device("cpu"))
    with pytest.raises(WeightsError, match="nowhere"):
        DETECTORS.make("small", weights=Path("nowhere.safetensors")).to(torch.device("cpu"))
