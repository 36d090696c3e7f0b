"""What each method of calibration comes to: a rig, and whether it may be trusted."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamfuse.align.fit import Model
from streamfuse.align.orientation import Picture
from streamfuse.align.rig import Rig
from streamfuse.align.scene import register

Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """One camera's own geometry, in its pixels."""

    camera: NDArray[np.float64]
    """3x3."""
    distortion: NDArray[np.float64]
    """k1 k2 p1 p2 k3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A rig that was found, and what speaks against it."""

    rig: Rig
    told: str
    """What it rests on, for people."""
    doubts: tuple[str, ...] = ()
    """Why it is not to be used; empty where it is sure."""


def rig_of(
    homography: NDArray[np.float64],
    sizes: tuple[Size, Size],
    method: str,
    residual_px: float,
    lenses: tuple[Lens, Lens] | None = None,
) -> Rig:
    """A rig with today's date; `sizes` are (height, width) of infrared and visible."""
    values = {
        "homography": (homography / homography[2, 2]).tolist(),
        "infrared_size": sizes[0],
        "visible_size": sizes[1],
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "method": method,
        "residual_px": round(float(residual_px), 3),
    }
    for name, lens in zip(("infrared", "visible"), lenses or (), strict=False):
        values |= {f"{name}_camera": lens.camera.tolist(), f"{name}_distortion": lens.distortion.ravel().tolist()}
    return Rig.model_validate(values)


def from_scene(infrareds: list[Picture], visibles: list[Picture], model: Model) -> Calibration:
    """From what both cameras see; `RigError` where that is nothing."""
    found = register(infrareds, visibles, model)
    sizes = ((infrareds[0].shape[0], infrareds[0].shape[1]), (visibles[0].shape[0], visibles[0].shape[1]))
    motion = "edges on edges" if found.motion == "none" else found.motion
    return Calibration(
        rig=rig_of(found.homography, sizes, f"scene, {model}, {_pairs(infrareds)}", found.residual_px),
        told=f"{motion}: agreement {found.agreement:.0f}, expected error {found.spread_px:.1f} px, "
        f"{found.blocks} blocks of {_pairs(infrareds)}",
        doubts=found.doubts,
    )


def _pairs(pictures: list[Picture]) -> str:
    return f"{len(pictures)} pair{'s' if len(pictures) > 1 else ''} of pictures"
