"""Curves and previews for TensorBoard, where it is installed (extra `train`): `tensorboard --logdir runs`."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "board"
"""Below that of the run."""
NOTE = "TensorBoard is not installed, so there are no curves, only log.jsonl; pip install 'streamfuse[train]' brings it"


def installed() -> bool:
    """Whether a `Board` writes anything."""
    return find_spec("tensorboard") is not None


class Board:
    """The event files of one run, from a step on; does nothing where TensorBoard is not installed.

    What an earlier part of the run wrote about steps after the one it goes on from is hidden by TensorBoard, so that no step stands twice.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._writer = _writer(folder / FOLDER, step + 1) if installed() else None

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """One point in each curve."""
        if self._writer:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)

    def picture(self, step: int, name: str, pixels_HW3: NDArray[np.uint8]) -> None:
        """RGB."""
        if self._writer:
            self._writer.add_image(name, pixels_HW3, step, dataformats="HWC")

    def close(self) -> None:
        """Everything is on disk after this."""
        if self._writer:
            self._writer.close()


def _writer(folder: Path, purge_step: int) -> "SummaryWriter":
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415  it takes a second, and not everyone has it

    return SummaryWriter(str(folder), purge_step=purge_step)
