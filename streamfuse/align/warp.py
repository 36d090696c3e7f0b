"""The aligner: one `grid_sample` per batch, from grids that are made once per rig."""

import dataclasses
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812  its usual name

from streamfuse.align.grid import sampling_grid
from streamfuse.align.rig import Rig
from streamfuse.errors import RigError
from streamfuse.frames import Batch
from streamfuse.registry import Settings


class WarpSettings(Settings):
    """Settings of alignment."""

    kind: Literal["warp"] = "warp"
    unrigged: Literal["error", "stretch"] = "error"
    """What to do with cameras of different sizes and no rig: refuse, or stretch infrared over the visible picture."""


class Warp:
    """Infrared onto the grid of the visible picture. For one thread.

    Where infrared saw nothing the visible luma stands in, so that every fuser gives the visible picture there.
    """

    def __init__(self, settings: WarpSettings) -> None:
        self._stretch = settings.unrigged == "stretch"
        self._rigs: dict[str, Rig] = {}
        self._grids: dict[tuple[str, torch.device], torch.Tensor] = {}

    def know(self, name: str, rig: Rig) -> None:
        """Make a rig known under a name; a rig of the same name is replaced."""
        self._rigs[name] = rig
        self._grids = {key: grid for key, grid in self._grids.items() if key[0] != name}

    def align(self, batch: Batch) -> Batch:
        """Passes through what already lies on one grid, or has one camera only."""
        if batch.infrared_B1hw is None or batch.luma_B1HW is None:
            return batch
        sizes = (tuple(batch.infrared_B1hw.shape[2:]), tuple(batch.luma_B1HW.shape[2:]))
        rigs = [self._rig(name, sizes, pair.stream) for name, pair in zip(batch.rigs, batch.pairs, strict=True)]
        if all(rig is None or rig.moves_nothing for rig in rigs) and sizes[0] == sizes[1]:
            return batch
        if all(rig is None for rig in rigs):
            moved = F.interpolate(batch.infrared_B1hw, size=sizes[1], mode="bilinear", align_corners=False, antialias=True)
            return dataclasses.replace(batch, infrared_B1hw=moved)
        grids_BHW2 = torch.stack(
            [self._grid(name, rig, sizes, batch.infrared_B1hw.device) for name, rig in zip(batch.rigs, rigs, strict=True)]
        )
        moved = F.grid_sample(batch.infrared_B1hw, grids_BHW2, mode="bilinear", padding_mode="border", align_corners=False)
        covered = (grids_BHW2.abs().amax(-1) <= 1)[:, None]
        return dataclasses.replace(batch, infrared_B1hw=torch.where(covered, moved, batch.luma_B1HW), covered_B1HW=covered)

    def _rig(self, name: str | None, sizes: tuple[tuple[int, ...], tuple[int, ...]], stream: str) -> Rig | None:
        if name is None:
            if sizes[0] != sizes[1] and not self._stretch:
                raise RigError(
                    f"{stream}: infrared is {_shown(sizes[0])}, visible {_shown(sizes[1])}, and there is no rig; "
                    "name one under `rig`, or set align.unrigged: stretch if both see the same"
                )
            return None
        if name not in self._rigs:
            raise RigError(f"{stream}: no rig called {name!r} was loaded")
        rig = self._rigs[name]
        if (rig.infrared_size, rig.visible_size) != sizes:
            raise RigError(
                f"{stream}: rig {name!r} was made for infrared {_shown(rig.infrared_size)} and visible {_shown(rig.visible_size)}, "
                f"the cameras give {_shown(sizes[0])} and {_shown(sizes[1])}; calibrate again"
            )
        return rig

    def _grid(
        self, name: str | None, rig: Rig | None, sizes: tuple[tuple[int, ...], tuple[int, ...]], device: torch.device
    ) -> torch.Tensor:
        key = (name or f"stretch {sizes}", device)
        if key not in self._grids:
            rig = rig or _stretching(sizes)
            self._grids[key] = torch.from_numpy(sampling_grid(rig)).to(device)
        return self._grids[key]


def _stretching(sizes: tuple[tuple[int, ...], tuple[int, ...]]) -> Rig:
    """The rig of a camera without one, in a batch with others that have one: edges onto edges."""
    (h, w), (height, width) = sizes
    sx, sy = width / w, height / h
    homography = ((sx, 0.0, (sx - 1) / 2), (0.0, sy, (sy - 1) / 2), (0.0, 0.0, 1.0))
    return Rig(homography=homography, infrared_size=(h, w), visible_size=(height, width))


def _shown(size: tuple[int, ...]) -> str:
    return f"{size[1]}x{size[0]}"
