"""Where a training run stands, on disk: written whole or not at all."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from streamfuse.errors import TrainingError

NAME = "checkpoint.pt"


def write(folder: Path, state: dict[str, Any]) -> None:
    """Replace the folder's checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{NAME}.part"
    torch.save(state, partial)
    partial.replace(folder / NAME)


def read(folder: Path, device: torch.device) -> dict[str, Any] | None:
    """The folder's checkpoint, or nothing where a run begins."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, ValueError, KeyError, UnpicklingError) as exc:  # torch's own words advise to run what is in it
        raise TrainingError(f"{path} cannot be read: damaged, or no checkpoint; remove it to begin anew") from exc
    return state
