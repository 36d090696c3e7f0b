"""Files that a command is asked to leave behind: looked at before the work, as an hour later is too late."""

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from streamfuse.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PICTURES = (".png", ".jpg")


def check_output(path: Path, endings: tuple[str, ...] = ()) -> None:
    """`ConfigError` where there can be no such file: no folder to hold it, a folder in its place, no permission, another ending."""
    place = path.absolute()
    if endings and path.suffix.lower() not in endings:
        raise ConfigError(f"{path}: want a name that ends in {' or '.join(endings)}")
    if not place.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {place.parent}")
    if place.is_dir():
        raise ConfigError(f"{path}: want the name of a file, and this is a folder")
    if not os.access(place if place.exists() else place.parent, os.W_OK):
        raise ConfigError(f"{path}: may not be written")


def write_picture(path: Path, rgb_HW3: "NDArray[np.uint8]") -> None:
    """As the ending says. `OSError` where that fails, which OpenCV's own way of writing keeps to itself."""
    import cv2

    height, width = rgb_HW3.shape[:2]
    try:
        done, data = cv2.imencode(path.suffix, rgb_HW3[..., ::-1])
    except cv2.error:
        done = False
    if not done:
        raise OSError(errno.EINVAL, f"a picture of {width}x{height} cannot be written as {path.suffix}", str(path))
    path.write_bytes(data.tobytes())
