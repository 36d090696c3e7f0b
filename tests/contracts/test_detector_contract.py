"""What every detector keeps, over all entries of the table, and every tracker over its own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from streamfuse.detect import DETECTORS, TRACKERS
from streamfuse.detect.offline import staying_offline
from streamfuse.frames import Batch, Frame, Fused, Pair, PromptState, Spectrum, chroma_size
from streamfuse.results import Detections
from streamfuse.stages import Detector, Tracker

CPU = torch.device("cpu")
Settings = Callable[[str], dict[str, object]]


@pytest.fixture(scope="session")
def settings_of(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings under which an entry can be built here: weights made on the spot, where it needs any."""

    def build(name: str) -> dict[str, object]:
        return {"weights": str(_random_weights(tmp_path_factory)), "confidence": 0.0, "size_px": 96} if name == "yolo" else {}

    return build


def _random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("detector")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        with staying_offline():
            from ultralytics import YOLO
    YOLO("yolo11n.yaml").save(folder / "random.pt")
    return folder / "random.pt"


@pytest.fixture(scope="session", params=list(DETECTORS))
def detector(request: pytest.FixtureRequest, settings_of: Settings) -> Detector:
    made = DETECTORS.make(request.param, **settings_of(request.param))
    made.to(CPU)
    return made


def scene(count: int, size: tuple[int, int], cameras: str = "both") -> Fused:
    """Pictures with a warm block that moves from item to item, of which infrared covers all, or the left half: `partly`."""
    height, width = size
    luma = torch.full((count, 1, height, width), 0.2)
    for i in range(count):
        luma[i, :, height // 4 : height // 2, 10 * i + 20 : 10 * i + 50] = 0.9
    chroma = torch.full((count, 2, chroma_size(height), chroma_size(width)), 128 / 255)
    image = np.zeros((2, 2), np.uint8)
    frame = Frame(image=image, spectrum=Spectrum.INFRARED, t_cap_ns=0, clock="media", seq=0, source="drawn")
    pair = Pair(infrared=frame, visible=None, infrared_state="fresh", visible_state="absent", stream="drawn", seq=0)
    batch = Batch(
        pairs=(pair,) * count,
        infrared_B1hw=None if cameras == "visible" else luma.clone(),
        luma_B1HW=None if cameras == "infrared" else luma.clone(),
        chroma_B2cc=None if cameras == "infrared" else chroma.clone(),
        prompts=(PromptState(id="neutral"),) * count,
        rigs=(None,) * count,
        covered_B1HW=(torch.arange(width) < width // 2).expand(luma.shape) if cameras == "partly" else None,
    )
    return Fused(luma_B1HW=luma, chroma_B2cc=chroma, batch=batch)


def as_lists(found: list[Detections]) -> list[tuple[object, ...]]:
    return [(d.boxes_N4.tolist(), d.scores_N.tolist(), d.classes_N.tolist(), d.names) for d in found]


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("size", [(120, 160), (121, 163)])
@pytest.mark.parametrize("cameras", ["both", "partly", "infrared", "visible"])
def test_boxes_keep_the_contract(detector, count, size, cameras):
    """One set per item; boxes with an area inside of the picture, scores in [0, 1], known classes, no ids, on the host."""
    found = detector.detect(scene(count, size, cameras))
    assert len(found) == count
    for item in found:
        x1, y1, x2, y2 = item.boxes_N4.T
        assert ((x1 >= 0) & (y1 >= 0) & (x2 <= size[1]) & (y2 <= size[0]) & (x2 > x1) & (y2 > y1)).all()
        assert ((item.scores_N >= 0) & (item.scores_N <= 1)).all()
        assert ((item.classes_N >= 0) & (item.classes_N < max(1, len(item.names)))).all()
        assert (item.tracks_N == -1).all()
        assert (item.boxes_N4.dtype, item.scores_N.dtype) == (np.float32, np.float32)
        assert (item.classes_N.dtype, item.tracks_N.dtype) == (np.int32, np.int32)


def test_class_table_never_changes(detector):
    """The class table is the same for every picture, with boxes or without."""
    tables = {item.names for cameras in ("both", "visible") for item in detector.detect(scene(2, (120, 160), cameras))}
    assert len(tables) == 1


def test_pictures_stay_as_they_are(detector):
    """A detector only reads: the fused and the infrared picture are published and used by others."""
    given, untouched = scene(2, (120, 160)), scene(2, (120, 160))
    detector.detect(given)
    assert torch.equal(given.luma_B1HW, untouched.luma_B1HW)
    assert torch.equal(given.chroma_B2cc, untouched.chroma_B2cc)
    assert given.batch.infrared_B1hw is not None
    assert untouched.batch.infrared_B1hw is not None
    assert torch.equal(given.batch.infrared_B1hw, untouched.batch.infrared_B1hw)


def test_same_picture_same_boxes(detector):
    """A detector has no memory and no dice: the same pictures give the same boxes to the bit."""
    first = as_lists(detector.detect(scene(3, (120, 160))))
    detector.detect(scene(1, (60, 60)))
    assert as_lists(detector.detect(scene(3, (120, 160)))) == first


def test_constructor_only_stores():
    """Building an entry reads no file: what is missing shows when it is loaded."""
    made = DETECTORS.make("yolo", weights="/nowhere/at/all.pt")
    assert made.name == "yolo:all"


def test_each_entry_has_a_name(detector):
    """The name goes on the wire: short and without a path."""
    assert 0 < len(detector.name) <= 40
    assert "/" not in detector.name


@pytest.fixture(params=list(TRACKERS))
def tracker(request: pytest.FixtureRequest) -> Tracker:
    return TRACKERS.make(request.param)


def test_tracker_keeps_the_boxes(tracker):
    """A tracker changes ids and nothing else, for boxes, for none, and after a reset."""
    (boxes,) = DETECTORS.make("hotspots").detect(scene(1, (120, 160)))
    empty = Detections.none(("hotspot",))
    for t_cap_ns, given in enumerate((boxes, boxes, empty, boxes)):
        got = tracker.update(given, t_cap_ns)
        assert as_lists([got]) == as_lists([given])
        assert got.tracks_N.dtype == np.int32
        assert (got.tracks_N >= -1).all()
    assert len(boxes) == 1
    tracker.reset()
    assert as_lists([tracker.update(boxes, 0)]) == as_lists([boxes])
