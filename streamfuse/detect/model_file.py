"""The file of a detector: where it lies, and whether it can be one at all. Reads no weights and imports no heavy library."""

import importlib.util
import zipfile
from pathlib import Path

from streamfuse.errors import ConfigError, WeightsError
from streamfuse.folders import cache_folder

OPENVINO_FOLDER = "_openvino_model"  # how ultralytics names, and recognises, an export to OpenVINO
RUNTIMES = {".onnx": ("onnxruntime", "pip install onnxruntime"), OPENVINO_FOLDER: ("openvino", "pip install 'streamfuse[openvino]'")}
KINDS = f"a .pt file of ultralytics, its .onnx export, or the folder NAME{OPENVINO_FOLDER} of its OpenVINO export"
SOURCE = "https://github.com/ultralytics/assets/releases"


def weights_folder() -> Path:
    """Where weights are looked for that are given by name alone."""
    return cache_folder() / "weights"


def find(weights: str) -> Path:
    """Absolute path of the weights: as given, or in the weights folder. `WeightsError` where there are none that could do."""
    places = [Path(weights).expanduser().absolute(), weights_folder() / weights]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise WeightsError(
            f"no detector weights {weights!r}: looked for {' and '.join(map(str, dict.fromkeys(places)))}. Nothing is downloaded: fetch "
            f"the file yourself (models by ultralytics: {SOURCE}) and put it into {weights_folder()}, or set `weights` to its path"
        )
    _check(found)
    return found


def _check(path: Path) -> None:
    """Refuse what cannot be a detector, before a loader sees it."""
    kind = OPENVINO_FOLDER if path.name.endswith(OPENVINO_FOLDER) else path.suffix
    if kind not in (".pt", *RUNTIMES):
        raise WeightsError(f"{path} is no detector: want {KINDS}")
    if path.is_dir() != (kind == OPENVINO_FOLDER):
        raise WeightsError(f"{path} is a {'folder' if path.is_dir() else 'file'}: want {KINDS}")
    if kind == ".pt" and not zipfile.is_zipfile(path):
        raise WeightsError(f"{path} is not a PyTorch file: it is damaged or something else; want {KINDS}")
    if kind == OPENVINO_FOLDER and not any(path.glob("*.xml")):
        raise WeightsError(f"{path} holds no OpenVINO model (*.xml); export it again with ultralytics")
    package, remedy = RUNTIMES.get(kind, ("", ""))
    if package and importlib.util.find_spec(package) is None:
        raise ConfigError(f"{path.name} needs the package {package!r}, which is not installed: {remedy}")
