"""Pictures drawn as tensors, and a detector of random weights, built without a download."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from streamfuse.detect.offline import staying_offline
from streamfuse.frames import Batch, Frame, Fused, Pair, PromptState, Spectrum, chroma_size

Fuse = Callable[..., Fused]


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keeps these tests out of the user's own cache."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder / "streamfuse"


def _pair(seq: int) -> Pair:
    frame = Frame(image=np.zeros((2, 2), np.uint8), spectrum=Spectrum.INFRARED, t_cap_ns=seq, clock="media", seq=seq, source="drawn")
    return Pair(infrared=frame, visible=None, infrared_state="fresh", visible_state="absent", stream="drawn", seq=seq)


@pytest.fixture(scope="session")
def fuse() -> Fuse:
    """Builds a `Fused` whose luma is `picture_BHW`; `infrared`: the batch has that as its infrared picture too, seen in `covered_BHW`."""

    def build(picture_BHW: torch.Tensor, *, infrared: bool = True, covered_BHW: torch.Tensor | None = None) -> Fused:
        luma = picture_BHW[:, None].float()
        count, _, height, width = luma.shape
        chroma = torch.full((count, 2, chroma_size(height), chroma_size(width)), 128 / 255)
        batch = Batch(
            pairs=tuple(_pair(i) for i in range(count)),
            infrared_B1hw=luma if infrared else None,
            luma_B1HW=None if infrared else luma,
            chroma_B2cc=None if infrared else chroma,
            prompts=(PromptState(id="neutral"),) * count,
            rigs=(None,) * count,
            covered_B1HW=None if covered_BHW is None else covered_BHW[:, None],
        )
        return Fused(luma_B1HW=luma, chroma_B2cc=chroma, batch=batch)

    return build


def _enliven(model: torch.nn.Module) -> None:
    """Random weights alone say nothing everywhere: settle the normalisations, and let the last layers speak up."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None  # the plain mean of what it sees
    model.train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.rand(4, 3, 12, 12).repeat_interleave(8, 2).repeat_interleave(8, 3))
        for branch, gain in ((model.model[-1].cv2, 0.02), (model.model[-1].cv3, 0.005)):  # type: ignore[index, union-attr]
            for level in branch:
                level[-1].weight *= gain
    model.eval()


@pytest.fixture(scope="session")
def tiny_pt(tmp_path_factory: pytest.TempPathFactory, cache_folder: Path) -> Path:
    """The smallest network that ships with ultralytics as a drawing, with random weights and names for its first three classes."""
    path = tmp_path_factory.mktemp("weights") / "tiny.pt"
    with staying_offline():
        from ultralytics import YOLO
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = YOLO("yolo11n.yaml")
        _enliven(network.model)
    network.model.names = {i: ("person", "bicycle", "car")[i] if i < 3 else f"thing{i}" for i in range(80)}
    network.save(path)
    return path
