"""Training pictures as 8 bits in memory, and crops of them as batches on a device.

Legend: B batch, H W pixels of a crop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.colour import luma_of
from streamfuse.errors import ConfigError
from streamfuse.train.split import Light


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One pair in memory."""

    name: str
    light: Light
    infrared_HW: NDArray[np.uint8]
    visible_HW3: NDArray[np.uint8]
    """RGB."""
    after: "Picture | None" = None
    """The next frame, of one out of a recording, where that was asked for."""


class HasInfrared(Protocol):
    """What has a size."""

    @property
    def infrared_HW(self) -> NDArray[np.uint8]: ...  # noqa: D102, N802  as `Picture`


P = TypeVar("P", bound=HasInfrared)


class Crops(NamedTuple):
    """Clean pairs, in [0, 1]."""

    infrared_B1HW: torch.Tensor
    visible_B3HW: torch.Tensor
    light: tuple[Light, ...]

    @property
    def luma_B1HW(self) -> torch.Tensor:  # noqa: N802  the legend's letters
        """Of the visible pictures."""
        return luma_of(self.visible_B3HW)


class Place(NamedTuple):
    """Where a crop is cut, and which way round."""

    rows: slice
    columns: slice
    flip: slice


class Pool:
    """All pictures of a training run; each is drawn equally often, or those of the day as often as asked."""

    def __init__(self, pictures: Sequence[Picture], day_share: float | None = None, shrink: Sequence[float] = (1.0,)) -> None:
        """`day_share`: of the crops; none, or no picture by day or by night: as many as there are. `shrink`: see `DataSettings`."""
        if not pictures:
            raise ConfigError("no training pictures: name folders with pairs under data.sets")
        self._pictures = list(pictures)
        self.moving = [picture for picture in self._pictures if picture.after is not None]
        """Those whose next frame is known."""
        self._day_share = day_share
        self._shrink = list(shrink)

    def __len__(self) -> int:
        return len(self._pictures)

    @property
    def edge_px(self) -> int:
        """Of the largest square crop that some picture holds."""
        return largest_edge_px(self._pictures)

    def crops(self, batch: int, edge_px: int | None, draw: torch.Generator, device: torch.device) -> Crops:
        """`batch` square crops, each flipped left to right every second time. Pictures that are too small are left out.

        No edge: whole pictures, all of one size, that of a picture drawn first, and never shrunk.
        """
        return _crops(self._drawn(self._pictures, batch, edge_px, draw), edge_px, device)

    def successive(self, batch: int, edge_px: int | None, draw: torch.Generator, device: torch.device) -> tuple[Crops, Crops]:
        """As `crops`, of frames of recordings alone, and the same places one frame later."""
        now = self._drawn(self.moving, batch, edge_px, draw)
        later = [(picture.after, place) for picture, place in now if picture.after is not None]
        return _crops(now, edge_px, device), _crops(later, edge_px, device)

    def _drawn(self, pictures: Sequence[Picture], batch: int, edge_px: int | None, draw: torch.Generator) -> list[tuple[Picture, Place]]:
        """Pictures, and where to cut them."""
        fitting, size = of_one_size(pictures, self._cut_px(pictures, edge_px, draw), draw)
        chosen = [fitting[int(index)] for index in torch.multinomial(self._weights(fitting), batch, replacement=True, generator=draw)]
        return [(picture, _place(picture, size, draw)) for picture in chosen]

    def _cut_px(self, pictures: Sequence[Picture], edge_px: int | None, draw: torch.Generator) -> int | None:
        """What is cut for a crop of that edge; no more than the largest of the pictures holds."""
        if edge_px is None:
            return None
        shrink = self._shrink[int(torch.randint(len(self._shrink), (), generator=draw))]
        return max(edge_px, min(int(edge_px * shrink), largest_edge_px(pictures)))

    def _weights(self, pictures: Sequence[Picture]) -> torch.Tensor:
        by_day = torch.tensor([picture.light == "day" for picture in pictures])
        if self._day_share is None or by_day.all() or not by_day.any():
            return torch.ones(len(pictures))
        return torch.where(by_day, self._day_share / by_day.sum(), (1 - self._day_share) / (~by_day).sum())


def largest_edge_px(pictures: Sequence[HasInfrared]) -> int:
    """Of the largest square crop that some picture holds."""
    return int(max(min(picture.infrared_HW.shape) for picture in pictures))


def of_one_size(pictures: Sequence[P], edge_px: int | None, draw: torch.Generator) -> tuple[list[P], tuple[int, int]]:
    """Those that hold a square crop of that edge, and its size; no edge: those of the size of one that is drawn.

    Raises:
        ConfigError: none is large enough.
    """
    if edge_px is None:
        size = pictures[int(torch.randint(len(pictures), (), generator=draw))].infrared_HW.shape
        return [picture for picture in pictures if picture.infrared_HW.shape == size], (size[0], size[1])
    fitting = [picture for picture in pictures if min(picture.infrared_HW.shape) >= edge_px]
    if not fitting:
        raise ConfigError(f"no training picture holds a crop of {edge_px} x {edge_px} pixels")
    return fitting, (edge_px, edge_px)


def _place(picture: Picture, size: tuple[int, ...], draw: torch.Generator) -> Place:
    height, width = picture.infrared_HW.shape
    top = int(torch.randint(height - size[0] + 1, (), generator=draw))
    left = int(torch.randint(width - size[1] + 1, (), generator=draw))
    step = 1 if int(torch.randint(2, (), generator=draw)) else -1
    return Place(slice(top, top + size[0]), slice(left, left + size[1]), slice(None, None, step))


def _crops(chosen: Sequence[tuple[Picture, Place]], edge_px: int | None, device: torch.device) -> Crops:
    """Cut, and shrunk to the edge where they were cut larger."""
    cut = [
        (a.infrared_HW[place.rows, place.columns][:, place.flip], a.visible_HW3[place.rows, place.columns][:, place.flip])
        for a, place in chosen
    ]
    if edge_px is not None and len(cut[0][0]) > edge_px:
        cut = [(_shrunk(a, edge_px), _shrunk(b, edge_px)) for a, b in cut]
    infrared = torch.from_numpy(np.stack([a for a, _ in cut]))[:, None]
    visible = torch.from_numpy(np.stack([b for _, b in cut])).permute(0, 3, 1, 2)
    return Crops(unit(infrared, device), unit(visible, device), tuple(picture.light for picture, _ in chosen))


def _shrunk(picture: NDArray[np.uint8], edge_px: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, (edge_px, edge_px), interpolation=cv2.INTER_AREA), np.uint8)


def unit(picture: torch.Tensor, device: torch.device) -> torch.Tensor:
    """8 bits to [0, 1], on the device."""
    return picture.to(device, non_blocking=True).float().div_(255).contiguous()
