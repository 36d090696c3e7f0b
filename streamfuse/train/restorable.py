"""What restoration is learned from: one camera's pictures, degraded and clean, with the faults between the two.

Real pairs come from folders that `restoration` knows. The others are clean crops of the fusion data with a fault put on (the
pseudo-degradation task of LURE), which brings infrared in, for which there are hardly any real pairs.
Legend: B batch, H W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from streamfuse.errors import ConfigError
from streamfuse.networks.lure_parts import CAMERAS, Camera
from streamfuse.registry import Settings, suggestion
from streamfuse.train.cases import chance, generator_on
from streamfuse.train.degradations import FAULT_INDEX, FAULTS, Plan
from streamfuse.train.pool import Pool
from streamfuse.train.restoration import RestorationRecord, find_restoration, load_restoration
from streamfuse.train.split import Light

OF_CAMERA: dict[Camera, list[str]] = {camera: [fault.name for fault in FAULTS if fault.camera == camera] for camera in CAMERAS}
SAID_STRENGTH = 0.7
"""Of the faults of real pairs, which nobody has measured: sentences are chosen by it."""


class RestorationSet(Settings):
    """A folder of real pairs."""

    folder: Path
    """Below the folder of the training data."""
    fault: str | None = None
    """What ails its pictures, where the layout does not tell; its name says which camera took them."""
    most: int = Field(1000, ge=1)
    """Pairs that are kept in memory; of more, evenly many are left out."""


class Spoilt(NamedTuple):
    """One camera's pictures in [0, 1]; infrared as three equal channels."""

    degraded_B3HW: torch.Tensor
    clean_B3HW: torch.Tensor
    faults: list[dict[str, float]]
    """Strength by name, for each item; empty where both are the same."""


@dataclass(frozen=True, slots=True)
class RealPair:
    """One pair in memory."""

    fault: str
    degraded_HW3: NDArray[np.uint8]
    clean_HW3: NDArray[np.uint8]


class Restorable:
    """Draws them; the same generator gives the same pictures."""

    def __init__(self, pool: Pool, pairs: Sequence[RealPair], device: torch.device, weakest: float, two_faults: float) -> None:
        self._pool, self._device, self._weakest, self._two_faults = pool, device, weakest, two_faults
        self._pairs = {camera: [pair for pair in pairs if pair.fault in names] for camera, names in OF_CAMERA.items()}

    @torch.no_grad()
    def draw(self, batch: int, edge_px: int | None, real: float, draw: torch.Generator) -> dict[Camera, Spoilt]:
        """`batch` pictures of each camera; of those of a camera that has real pairs, the share `real` are real."""
        crops = self._pool.crops(batch, edge_px, draw, self._device)
        clean = (crops.infrared_B1HW, crops.visible_B3HW)
        faults = [[self._faults(camera, light, draw) for light in crops.light] for camera in CAMERAS]
        both = [infrared | visible for infrared, visible in zip(*faults, strict=True)]
        plan = Plan.draw(both, (clean[0].shape[2], clean[0].shape[3]), generator_on(self._device, draw))
        drawn = map(Spoilt, map(_in_colour, plan.degrade(*clean)), map(_in_colour, clean), faults)
        return {camera: self._with_real(camera, spoilt, real, draw) for camera, spoilt in zip(CAMERAS, drawn, strict=True)}

    def _faults(self, camera: Camera, light: Light, draw: torch.Generator) -> dict[str, float]:
        """A visible picture that may be dark by nature is no clean target, and stays as it is."""
        if camera == "visible" and light != "day":
            return {}
        names = OF_CAMERA[camera]
        count = 2 if chance(self._two_faults, draw) else 1
        return {
            names[int(i)]: self._weakest + (1 - self._weakest) * float(torch.rand((), generator=draw))
            for i in torch.randperm(len(names), generator=draw)[:count]
        }

    def _with_real(self, camera: Camera, drawn: Spoilt, share: float, draw: torch.Generator) -> Spoilt:
        size = (drawn.clean_B3HW.shape[2], drawn.clean_B3HW.shape[3])
        fitting = [pair for pair in self._pairs[camera] if pair.clean_HW3.shape[0] >= size[0] and pair.clean_HW3.shape[1] >= size[1]]
        for item in range(len(drawn.faults)) if fitting else ():
            if chance(share, draw):
                pair = fitting[int(torch.randint(len(fitting), (), generator=draw))]
                drawn.degraded_B3HW[item], drawn.clean_B3HW[item] = (part.to(self._device) for part in _crop(pair, size, draw))
                drawn.faults[item] = {pair.fault: SAID_STRENGTH}
        return drawn


def load_sets(sets: Sequence[RestorationSet], root: Path) -> list[RealPair]:
    """The training pairs of all sets, in memory.

    Raises:
        ConfigError: it is not known what ails the pictures of a set, or none of them may be trained on.
        SourceError: a folder is not there, or holds no pairs.
    """
    pairs = []
    for chosen in sets:
        if chosen.fault is not None and chosen.fault not in FAULT_INDEX:
            raise ConfigError(f"lesson.sets: no fault called {chosen.fault!r}{suggestion(chosen.fault, FAULT_INDEX)}")
        training = [record for record in find_restoration(root / chosen.folder) if record.part == "train"]
        if not training:
            raise ConfigError(f"lesson.sets: {root / chosen.folder} has no pairs in the training part of the split")
        step = -(-len(training) // chosen.most)
        pairs += [_loaded(record, chosen.fault) for record in training[:: max(1, step)]]
    return pairs


def _loaded(record: RestorationRecord, named: str | None) -> RealPair:
    fault = named or record.fault
    if fault is None:
        raise ConfigError(f"lesson.sets: nothing says what ails {record.degraded}; set `fault` to one of {', '.join(FAULT_INDEX)}")
    return RealPair(fault, *load_restoration(record))


def _crop(pair: RealPair, size: tuple[int, int], draw: torch.Generator) -> list[torch.Tensor]:
    """Degraded and clean, (3, h, w) in [0, 1], of one place."""
    height, width = pair.clean_HW3.shape[:2]
    top, left = (int(torch.randint(room + 1, (), generator=draw)) for room in (height - size[0], width - size[1]))
    cut = [picture[top : top + size[0], left : left + size[1]] for picture in (pair.degraded_HW3, pair.clean_HW3)]
    return [torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 255 for picture in cut]


def _in_colour(picture_BCHW: torch.Tensor) -> torch.Tensor:
    """A copy with three channels."""
    return picture_BCHW.expand(-1, 3, -1, -1).clone()
