"""`streamfuse.train.layouts`."""

import logging
from pathlib import Path

import pytest

from streamfuse.errors import ConfigError, SourceError
from streamfuse.train.layouts import LAYOUTS, pairs_under


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.parametrize(
    ("layout", "files", "boxes"),
    [
        ("ours", ("ir/a.png", "vi/a.webp"), "labels/a.txt"),
        ("msrs", ("train/ir/00001D.png", "train/vi/00001D.png"), None),
        ("roadscene", ("cropinfrared/FLIR_1.jpg", "crop_LR_visible/FLIR_1.jpg"), None),
        ("m3fd", ("M3FD_Detection/Ir/00000.png", "M3FD_Detection/Vis/00000.png"), "M3FD_Detection/Annotation/00000.xml"),
        ("fmb", ("train/Infrared/00001.png", "train/Visible/00001.png"), None),
        ("llvip", ("infrared/train/010001.jpg", "visible/train/010001.jpg"), "Annotations/010001.xml"),
        ("tno", ("Athena/men/IR_meting003_g.bmp", "Athena/men/VIS_meting003_r.bmp"), None),
        ("tno", ("Kaptein_IR.bmp", "Kaptein_Vis.bmp"), None),
        ("video", ("gate/ir.mp4", "gate/vi.mp4"), None),
    ],
)
@pytest.mark.parametrize("auto", [True, False])
def test_layouts_are_recognised(tmp_path, layout, files, boxes, auto):
    """A set is found in its own layout, by name and without it, with its boxes."""
    touch(tmp_path, *files, *([boxes] if boxes else []))
    (pair,) = pairs_under(tmp_path, "auto" if auto else layout)
    assert (pair.infrared, pair.visible) == tuple(tmp_path / name for name in files)
    assert pair.boxes == (tmp_path / boxes if boxes else None)


def test_several_pairs_side_by_side(tmp_path):
    """With several pairs in a folder, the words beside the camera's decide."""
    touch(tmp_path, "IR_b.png", "VIS_b.png", "IR_a.png", "VIS_a.png", "VIS_c.png")
    assert [pair.stem for pair in pairs_under(tmp_path, "tno")] == ["a", "b"]


def test_folders_of_a_set_hold_no_pairs_of_their_own(tmp_path):
    """Pictures in `ir/` whose names say ir and vi are no pair side by side."""
    touch(tmp_path, *(f"{camera}/{name}.png" for camera in ("ir", "vi") for name in ("ir_1", "vi_1")))
    assert [pair.stem for pair in pairs_under(tmp_path, "auto")] == ["ir_1", "vi_1"]


def test_fuller_boxes_win(tmp_path):
    """Where both are there, boxes of everything are taken before those of prominent objects alone."""
    touch(tmp_path, "ir/1.png", "vi/1.png", "labels_human/1.txt", "labels_auto/1.txt", "ir/2.png", "vi/2.png", "labels_human/2.txt")
    assert [pair.boxes for pair in pairs_under(tmp_path, "auto")] == [tmp_path / "labels_auto/1.txt", tmp_path / "labels_human/2.txt"]


def test_pictures_without_partner_are_told(tmp_path, caplog):
    """A picture that only one camera has is left out and counted in a warning."""
    touch(tmp_path, "ir/1.png", "vi/1.png", "ir/2.png", "vi/3.png")
    with caplog.at_level(logging.WARNING):
        assert [pair.stem for pair in pairs_under(tmp_path, "auto")] == ["1"]
    assert "2 pictures have no partner" in caplog.text


def test_unaligned_sets_are_not_entered(tmp_path):
    """A search passes by what is not registered, unless it is named."""
    touch(tmp_path, "unaligned/yard/ir/1.png", "unaligned/yard/vi/1.png")
    assert not list(pairs_under(tmp_path, "auto"))
    assert len(list(pairs_under(tmp_path / "unaligned", "auto"))) == 1


def test_an_unknown_layout_is_named(tmp_path):
    """The error knows the nearest layout and all others."""
    with pytest.raises(ConfigError, match=r"no layout called 'm3df'; did you mean 'm3fd'\?") as caught:
        list(pairs_under(tmp_path, "m3df"))
    assert all(name in str(caught.value) for name in LAYOUTS)


def test_a_missing_folder_is_named(tmp_path):
    """A folder that is not there, or is a file, is an error in words."""
    touch(tmp_path, "file")
    with pytest.raises(SourceError, match="there is no such folder"):
        list(pairs_under(tmp_path / "none", "auto"))
    with pytest.raises(SourceError, match="is a file"):
        list(pairs_under(tmp_path / "file", "auto"))
