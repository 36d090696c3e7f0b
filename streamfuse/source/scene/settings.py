"""What can be set about the drawn scene."""

from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import Field, field_validator, model_validator

from streamfuse.frames import Spectrum
from streamfuse.registry import Settings

Edge: TypeAlias = Annotated[int, Field(ge=32, le=4096)]
Share: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0)]
Row: TypeAlias = tuple[float, float, float]
Homography: TypeAlias = tuple[Row, Row, Row]


class SceneSettings(Settings):
    """One camera of the drawn street. Two cameras with the same seed, size and weather look at the same world."""

    spectrum: Spectrum = Spectrum.VISIBLE
    size: tuple[Edge, Edge] = (640, 480)
    """Width and height of the visible picture, for both cameras: it fixes the view."""
    infrared_size: tuple[Edge, Edge] | None = None
    """Width and height of the infrared picture; None: as the visible one."""
    homography: Homography | None = None
    """Infrared pixel -> visible pixel (centres at whole numbers). None: both see the same view."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    fps: Annotated[float, Field(gt=0.0, le=1000.0)] = 30.0
    frames: Annotated[int, Field(ge=0)] = 0
    """The source ends after so many exposures, those that drop out included; 0: never."""
    start_s: Annotated[float, Field(ge=0.0, le=1e8)] = 0.0
    """Instant of the first exposure in the life of the street."""

    night: Share = 0.0
    """0 day, 1 night: dark and noisy but for lamps, windows and headlights."""
    fog: Share = 0.0
    """Veils by distance; infrared sees farther through it."""
    smoke: Share = 0.0
    """Drifting smoke that hides the street from the visible camera alone."""
    bits: Literal[8, 16] = 8
    """Infrared: 8-bit levels, or 16-bit counts of 0.01 kelvin."""

    time_offset_ms: Annotated[float, Field(ge=-60_000.0, le=60_000.0)] = 0.0
    """The stamps of this camera are late by so much."""
    drift_ppm: Annotated[float, Field(ge=-10_000.0, le=10_000.0)] = 0.0
    """The clock of this camera runs fast by so much, counted from instant 0."""
    jitter_ms: Annotated[float, Field(ge=0.0, le=1000.0)] = 0.0
    """Standard deviation of the error of one stamp; no error is above three of them."""
    drop_rate: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of exposures that never arrive; they leave a gap in `seq` and in time."""
    freeze_every_s: Annotated[float, Field(ge=0.0)] = 0.0
    """Infrared: the shutter closes each time this has passed; 0: never."""
    freeze_for_s: Annotated[float, Field(gt=0.0)] = 0.5
    """For so long the last picture is repeated, byte for byte."""

    @field_validator("homography")
    @classmethod
    def _invertible(cls, value: Homography | None) -> Homography | None:
        if value is not None:
            matrix = np.array(value)
            if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-9 or abs(matrix[2, 2]) < 1e-9:
                raise ValueError("a homography is 3 rows of 3 finite numbers that can be inverted, with the last number not 0")
        return value

    @model_validator(mode="after")
    def _freeze_is_shorter_than_its_period(self) -> "SceneSettings":
        if 0.0 < self.freeze_every_s <= self.freeze_for_s:
            raise ValueError(f"freeze_for_s ({self.freeze_for_s}) must be less than freeze_every_s ({self.freeze_every_s})")
        return self

    @property
    def frame_size(self) -> tuple[int, int]:
        """Width and height of this camera's own frames."""
        return self.size if self.spectrum is Spectrum.VISIBLE else (self.infrared_size or self.size)

    @property
    def to_visible_33(self) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
        """This camera's pixels -> visible pixels."""
        if self.spectrum is Spectrum.VISIBLE:
            return np.eye(3)
        if self.homography is not None:
            return np.array(self.homography)
        scale_x, scale_y = (v / own for v, own in zip(self.size, self.frame_size, strict=True))
        return np.array([[scale_x, 0.0, (scale_x - 1) / 2], [0.0, scale_y, (scale_y - 1) / 2], [0.0, 0.0, 1.0]])
