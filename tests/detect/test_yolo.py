"""The detector of ultralytics, with random weights: junk boxes, but the same junk by every way."""

import importlib.util
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from streamfuse.detect.model_file import OPENVINO_FOLDER
from streamfuse.detect.yolo import Yolo, YoloSettings
from streamfuse.errors import ConfigError, WeightsError
from streamfuse.results import Detections

CPU = torch.device("cpu")
SIZE_PX = 160


def blocks(height: int, width: int, seed: int = 1, block_px: int = 20) -> torch.Tensor:
    """(1, H, W) of grey squares, levels k / 255: scaling by a half or not at all leaves them exact."""
    generator = torch.Generator().manual_seed(seed)
    levels = torch.randint(0, 256, (1, height // block_px, width // block_px), generator=generator)
    return levels.repeat_interleave(block_px, 1).repeat_interleave(block_px, 2) / 255


def loaded(weights: Path, device: torch.device = CPU, **values: object) -> Yolo:
    """All that the network says, however unsure: 20 boxes."""
    settings: dict[str, object] = {"confidence": 0.0, "size_px": SIZE_PX, "max_detections": 20, **values}
    detector = Yolo(YoloSettings.model_validate({"weights": str(weights), **settings}))
    detector.to(device)
    return detector


def agreement(one: Detections, other: Detections, tolerance_px: float = 0.1, tolerance: float = 1e-3) -> float:
    """Share of the boxes of `one` that `other` has too: same class, same place, same score."""
    assert one.names == other.names
    near = np.abs(one.boxes_N4[:, None] - other.boxes_N4[None]).max(axis=2) <= tolerance_px
    alike = np.abs(one.scores_N[:, None] - other.scores_N[None]) <= tolerance
    return float((near & alike & (one.classes_N[:, None] == other.classes_N[None])).any(axis=1).mean())


@pytest.fixture(scope="session")
def exports(tiny_pt: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The tiny network as a fixed ONNX graph of one picture, a fixed wide one, and an OpenVINO folder."""
    from ultralytics import YOLO

    made = {}
    for name, (kind, size) in {"onnx": ("onnx", SIZE_PX), "wide": ("onnx", (96, SIZE_PX)), "openvino": ("openvino", SIZE_PX)}.items():
        folder = tmp_path_factory.mktemp(name)
        shutil.copy(tiny_pt, folder / "tiny.pt")
        if kind == "openvino" and importlib.util.find_spec("openvino") is None:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporter's, not ours
            made[name] = Path(YOLO(folder / "tiny.pt").export(format=kind, imgsz=size))
    return made


@pytest.fixture(scope="session")
def tiny(tiny_pt: Path) -> Yolo:
    return loaded(tiny_pt)


@pytest.mark.parametrize("size", [(120, 160), (240, 320), (320, 160)])
def test_boxes_are_those_of_ultralytics(fuse, tiny, tiny_pt, size):
    """On the same picture the boxes are those of ultralytics' own predictor, in pixels of the picture."""
    from ultralytics import YOLO

    picture = blocks(*size)
    bgr = (picture[0] * 255).round().byte().numpy()[..., None].repeat(3, axis=2)
    want = YOLO(tiny_pt).predict(bgr, imgsz=SIZE_PX, conf=0.0, iou=0.7, max_det=20, device="cpu", verbose=False)[0].boxes
    (found,) = tiny.detect(fuse(picture))
    assert len(found) == len(want) == 20
    np.testing.assert_allclose(found.boxes_N4, want.xyxy.numpy(), atol=0.1)
    np.testing.assert_allclose(found.scores_N, want.conf.numpy(), atol=1e-3)
    assert found.classes_N.tolist() == want.cls.int().tolist()


def test_onnx_says_the_same(fuse, tiny, exports):
    """An ONNX export gives the boxes of the `.pt` file it was made from, for a larger batch than it was made for too."""
    fused = fuse(torch.cat([blocks(160, 160), blocks(160, 160, seed=2)]))
    want, got = tiny.detect(fused), loaded(exports["onnx"]).detect(fused)
    assert min(agreement(*both) for both in zip(want, got, strict=True)) >= 0.9


def test_openvino_says_nearly_the_same(fuse, tiny, exports):
    """An OpenVINO export gives mostly the same boxes; where the processor has 16-bit floats it computes in them."""
    pytest.importorskip("openvino")
    fused = fuse(torch.cat([blocks(160, 160), blocks(160, 160, seed=2)]))
    want, got = tiny.detect(fused), loaded(exports["openvino"]).detect(fused)
    shares = [agreement(*both, tolerance_px=10, tolerance=0.1) for both in zip(want, got, strict=True)]
    crossed = agreement(want[0], got[1], tolerance_px=10, tolerance=0.1)
    assert min(shares) >= 0.5, shares
    assert crossed < min(shares), "another picture agrees less"


def test_export_keeps_its_size(fuse, exports):
    """An export of fixed size is used at that size, and a wish for another is refused in words."""
    detector = loaded(exports["wide"], size_px=None)
    (found,) = detector.detect(fuse(blocks(120, 160)))
    assert found.boxes_N4[:, 3].max() <= 120
    assert len(found) > 0
    with pytest.raises(WeightsError, match="was exported for 160x96, size_px asks for 320: leave size_px out"):
        loaded(exports["wide"], size_px=320)


def test_items_do_not_mix(fuse, tiny):
    """Each item of a batch gets what it would get alone."""
    pictures = [blocks(120, 160, seed=seed) for seed in range(3)]
    together = tiny.detect(fuse(torch.cat(pictures)))
    alone = [tiny.detect(fuse(picture))[0] for picture in pictures]
    assert min(agreement(*both) for both in zip(together, alone, strict=True)) >= 0.9
    assert agreement(together[0], alone[1]) < 0.5


def test_boxes_lie_in_the_picture(fuse, tiny):
    """Whatever the network says, boxes have an area, lie inside of a picture of odd size, and have no track id."""
    (found,) = tiny.detect(fuse(torch.rand(1, 117, 203, generator=torch.Generator().manual_seed(5))))
    assert len(found) > 0
    x1, y1, x2, y2 = found.boxes_N4.T
    assert (x1 >= 0).all()
    assert (y1 >= 0).all()
    assert (x2 <= 203).all()
    assert (y2 <= 117).all()
    assert (x2 > x1).all()
    assert (y2 > y1).all()
    assert (found.tracks_N == -1).all()


def test_only_wanted_classes(fuse, tiny, tiny_pt):
    """`classes` keeps boxes of those names, and the class table stays whole."""
    picture = fuse(blocks(120, 160))
    wanted = tiny.detect(picture)[0]
    name = wanted.names[wanted.classes_N[0]]
    (found,) = loaded(tiny_pt, classes=[name]).detect(picture)
    assert {found.names[i] for i in found.classes_N} == {name}
    assert found.names == wanted.names
    assert found.names[:3] == ("person", "bicycle", "car")


def test_confidence_and_number_are_limits(fuse, tiny, tiny_pt):
    """Only boxes above the confidence stay, and no more than asked for."""
    picture = fuse(blocks(120, 160))
    limit = float(np.sort(tiny.detect(picture)[0].scores_N)[-4])
    (sure,) = loaded(tiny_pt, confidence=limit).detect(picture)
    assert 0 < len(sure) < 20
    assert (sure.scores_N > limit).all()
    assert len(loaded(tiny_pt, max_detections=2).detect(picture)[0]) == 2


def test_nothing_found_is_no_error(fuse, tiny_pt):
    """A batch without a box gives empty detections with the class table."""
    found = loaded(tiny_pt, confidence=0.9999).detect(fuse(torch.zeros(2, 120, 160)))
    assert [len(item) for item in found] == [0, 0]
    assert found[1].names[0] == "person"


def test_unknown_class_names_the_nearest(tiny_pt):
    """A class that the model does not know is an error with the nearest name it does know."""
    with pytest.raises(ConfigError, match=r"tiny.pt has no class 'persn'; did you mean 'person'"):
        loaded(tiny_pt, classes=["persn"])


@pytest.mark.parametrize("weights", ["tiny.pt", "/some/where/tiny.onnx", f"tiny{OPENVINO_FOLDER}"])
def test_name_tells_the_weights(weights):
    """The name that is published is that of the weights, not of their folder or format."""
    assert Yolo(YoloSettings(weights=weights)).name == "yolo:tiny"


def test_other_task_is_refused(tmp_path, tiny):
    """A classification model is no detector."""
    from ultralytics import YOLO

    YOLO("yolo11n-cls.yaml").save(tmp_path / "classes.pt")
    with pytest.raises(WeightsError, match="is a model for 'classify' on 3 channels: want one for 'detect'"):
        loaded(tmp_path / "classes.pt")


def test_damaged_file_is_refused(tmp_path, tiny, tiny_pt, exports):
    """A file cut short, an archive without a model in it, and a broken graph are refused in words."""
    cut, other = tmp_path / "cut.pt", tmp_path / "other.pt"
    cut.write_bytes(tiny_pt.read_bytes()[:100_000])
    torch.save({"weights": torch.zeros(3)}, other)
    graph = bytearray(exports["onnx"].read_bytes())
    graph[100:4000] = bytes(3900)
    (tmp_path / "broken.onnx").write_bytes(graph)
    with pytest.raises(WeightsError, match="is not a PyTorch file"):
        loaded(cut)
    with pytest.raises(WeightsError, match=r"other.pt cannot be loaded as a detector"):
        loaded(other)
    with pytest.raises(WeightsError, match=r"broken.onnx"):
        loaded(tmp_path / "broken.onnx")


def test_graph_of_something_else_is_refused(tmp_path, tiny):
    """An ONNX graph that no exporter of ultralytics wrote, and an OpenVINO folder without a model, are refused."""
    import onnx
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 160, 160]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "relu", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph), tmp_path / "relu.onnx")
    with pytest.raises(WeightsError, match="is no detector exported by ultralytics"):
        loaded(tmp_path / "relu.onnx")


def test_graph_with_other_boxes_is_refused(tmp_path, tiny, exports):
    """A graph that calls itself a detector, but whose output is none of a YOLO, is refused with its shape."""
    import onnx

    model = onnx.load(exports["onnx"])
    for entry in model.metadata_props:
        if entry.key == "names":
            entry.value = str({0: "person"})
    onnx.save(model, tmp_path / "fewer.onnx")
    with pytest.raises(WeightsError, match=r"gives \(1, 84, 525\), which are not the boxes of a YOLO detector of 1 classes"):
        loaded(tmp_path / "fewer.onnx")


class Payload:
    """What a hostile file would run."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


def test_hostile_pickle_does_not_run(tmp_path, tiny):
    """A `.pt` file is not allowed to run code while it is read."""
    torch.save({"model": Payload(tmp_path / "ran")}, tmp_path / "hostile.pt")
    with pytest.raises(WeightsError, match=r"hostile.pt cannot be loaded"):
        loaded(tmp_path / "hostile.pt")
    assert not (tmp_path / "ran").exists()


def test_name_that_would_be_taken_for_another(tmp_path, tiny, tiny_pt):
    """A name that ultralytics would change, and then look for online, is refused."""
    shutil.copy(tiny_pt, tmp_path / "o'neil.pt")
    with pytest.raises(WeightsError, match="rename it"):
        loaded(tmp_path / "o'neil.pt")


def test_missing_package_is_named(tiny_pt, monkeypatch):
    """Without ultralytics the error says what to install."""
    monkeypatch.setitem(sys.modules, "ultralytics.nn.autobackend", None)
    with pytest.raises(ConfigError, match=r"needs the package 'ultralytics.nn.autobackend'.*pip install 'streamfuse\[yolo\]'"):
        loaded(tiny_pt)


@pytest.mark.needs_cuda
def test_cuda_says_the_same(fuse, tiny, tiny_pt):
    """On a CUDA device the boxes are those of the CPU."""
    fused = fuse(blocks(120, 160).cuda())
    object.__setattr__(fused, "chroma_B2cc", fused.chroma_B2cc.cuda())
    (want,), (got,) = tiny.detect(fuse(blocks(120, 160))), loaded(tiny_pt, torch.device("cuda")).detect(fused)
    assert len(got) == len(want)
    assert np.allclose(want.boxes_N4[:5], got.boxes_N4[:5], atol=1)
