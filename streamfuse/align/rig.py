"""A rig: how two cameras stand to each other, as a YAML file that people can read and keep."""

import datetime as dt
import hashlib
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import Field, ValidationInfo, field_validator

from streamfuse.errors import ConfigError, RigError
from streamfuse.registry import Settings, checked
from streamfuse.yaml_text import values_of

Row = tuple[float, float, float]
Matrix3 = tuple[Row, Row, Row]
Size = tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]
LARGEST_CONDITION = 1e9  # beyond it the inverse of a matrix says nothing
LENS_MODELS = (0, 4, 5, 8, 12, 14)  # numbers of coefficients that OpenCV knows


class Rig(Settings):
    """Infrared pixel -> visible pixel. Pixel centres are integers: (0, 0) is the centre of the top left pixel."""

    schema_version: int = Field(default=1, ge=1, le=1)
    homography: Matrix3
    """3x3, infrared to visible, rows first; between the undistorted pictures where distortion is given. An affine has 0 0 1 below."""
    infrared_size: Size = Field(description="height, width in pixels")
    visible_size: Size = Field(description="height, width in pixels")
    infrared_camera: Matrix3 | None = None
    """Camera matrix, pixels."""
    infrared_distortion: tuple[float, ...] = ()
    """k1 k2 p1 p2 k3 ... in OpenCV's order, together with the camera matrix."""
    visible_camera: Matrix3 | None = None
    visible_distortion: tuple[float, ...] = ()
    date: str = ""
    method: str = ""
    residual_px: float | None = Field(default=None, ge=0)
    """Median distance of the checked points, in visible pixels."""

    @field_validator("homography", "infrared_camera", "visible_camera")
    @classmethod
    def _invertible(cls, rows: Matrix3 | None) -> Matrix3 | None:
        matrix = np.eye(3) if rows is None else np.array(rows, np.float64)
        if not np.isfinite(matrix).all() or np.linalg.cond(matrix) > LARGEST_CONDITION:
            raise ValueError("the matrix must be finite and invertible")
        return rows

    @field_validator("infrared_distortion", "visible_distortion")
    @classmethod
    def _is_a_lens_model(cls, values: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        if len(values) not in LENS_MODELS or not np.isfinite(values).all():
            raise ValueError(f"want {', '.join(map(str, LENS_MODELS[1:]))} finite numbers, or none")
        camera = str(info.field_name).replace("distortion", "camera")
        if values and info.data.get(camera) is None:
            raise ValueError(f"means nothing without `{camera}`")
        return values

    @field_validator("infrared_size")
    @classmethod
    def _lies_before_the_camera(cls, size: Size, info: ValidationInfo) -> Size:
        if "homography" in info.data and _depth_of_centre(info.data["homography"], size) == 0:
            raise ValueError("the homography puts the centre of a picture of this size at infinity")
        return size

    @field_validator("date", mode="before")
    @classmethod
    def _in_words(cls, value: Any) -> Any:
        return value.isoformat() if isinstance(value, dt.date) else value  # what YAML makes of 2026-11-20

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The homography as an array, of the scale and sign that put the centre of the infrared picture before the camera, at 1."""
        return np.array(self.homography, np.float64) / _depth_of_centre(self.homography, self.infrared_size)

    @property
    def id(self) -> str:
        """Eight hex digits over everything that moves a pixel: changes when the calibration does."""
        geometry = self.model_dump(exclude={"date", "method", "residual_px"})
        return hashlib.sha256(repr(sorted(geometry.items())).encode()).hexdigest()[:8]

    @property
    def moves_nothing(self) -> bool:
        """Same size, no distortion, identity: infrared already lies on the visible grid."""
        unit = np.allclose(self.matrix, np.eye(3), atol=1e-9)
        return bool(unit) and self.infrared_size == self.visible_size and not self.infrared_distortion and not self.visible_distortion


def _depth_of_centre(homography: Matrix3, size: Size) -> float:
    height, width = size
    return float(np.array(homography[2]) @ ((width - 1) / 2, (height - 1) / 2, 1))


def load_rig(path: Path) -> Rig:
    """Read a rig file. `RigError` names the file and the key."""
    try:
        values: Any = values_of(path.read_text())
    except FileNotFoundError as exc:
        raise RigError(
            f"no rig file {path}; make one with `streamfuse calibrate`, or leave `rig` out where the cameras share a grid"
        ) from exc
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise RigError(f"cannot read the rig file {path}: {exc}") from exc
    if not isinstance(values, dict):
        raise RigError(f"{path} is not a rig: want a mapping with `homography`, `infrared_size` and `visible_size`")
    try:
        return checked(Rig, values)
    except ConfigError as exc:
        raise RigError(f"{path}: {exc}") from exc


def save_rig(rig: Rig, path: Path) -> None:
    """Write a rig file."""
    values = {key: value for key, value in rig.model_dump(mode="json").items() if value not in (None, [], "")}
    path.write_text(yaml.safe_dump(values, sort_keys=False, default_flow_style=None))
