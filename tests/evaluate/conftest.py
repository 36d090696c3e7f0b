"""Pictures with edges, texture and noise; the published golden numbers where they are."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.conftest import DATA

Grey = NDArray[np.uint8]


def picture(seed: int, height: int = 48, width: int = 56) -> Grey:
    """Waves, a step and some noise; the same each time."""
    draw = np.random.default_rng(seed)
    rows, columns = np.indices((height, width))
    image = 90 + 50 * np.sin(rows / draw.uniform(3, 9) + seed) * np.cos(columns / draw.uniform(3, 9))
    image[height // 3 : height // 2, width // 4 : width // 2] += 80
    return (image + draw.normal(0, 8, image.shape)).clip(0, 255).astype(np.uint8)


def tensors(*pictures: Grey) -> tuple[torch.Tensor, ...]:
    """(1, H, W) each."""
    return tuple(torch.from_numpy(one.copy())[None] for one in pictures)


@pytest.fixture
def trio() -> tuple[Grey, Grey, Grey]:
    """Infrared, visible, and something between them: (48, 56)."""
    a, b = picture(1), picture(2)
    return a, b, np.maximum(a, (b * 0.8).astype(np.uint8))


@dataclass(frozen=True)
class Golden:
    """One pair of the golden set, with the numbers that others found."""

    infrared: Grey
    visible: Grey
    fused: Grey
    numbers: dict[str, Any]


@pytest.fixture(scope="session")
def golden() -> list[Golden]:
    """Seven pairs, each fused by average and by maximum."""
    folder = DATA.parent / "reference"
    if not (folder / "golden_metrics.json").is_file():
        pytest.skip(f"the golden numbers are not at {folder}; set STREAMFUSE_DATA to the folder beside it")

    def read(name: str) -> Grey:
        return np.asarray(cv2.imread(str(folder / "golden" / name), cv2.IMREAD_GRAYSCALE), np.uint8)

    entries = json.loads((folder / "golden_metrics.json").read_text())["entries"]
    return [Golden(read(e["files"]["ir"]), read(e["files"]["vi"]), read(e["files"][e["fusion"]]), e) for e in entries]


def save_pairs(root: Path, count: int = 2, size: tuple[int, int] = (48, 56), stem: str = "{:03d}D") -> Path:
    """`ir/` and `vi/` with pictures in colour."""
    for folder in ("ir", "vi"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for i in range(count):
        name = stem.format(i) + ".png"
        assert cv2.imwrite(str(root / "ir" / name), picture(2 * i, *size))
        assert cv2.imwrite(str(root / "vi" / name), np.stack([picture(2 * i + 1, *size) // k for k in (1, 2, 1)], 2))
    return root
