"""Finding weights, and refusing what cannot be any."""

import sys
import zipfile
from pathlib import Path

import pytest
import torch

from streamfuse.detect import DETECTORS
from streamfuse.detect.model_file import find, weights_folder
from streamfuse.errors import ConfigError, WeightsError


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """As much of a `.pt` file as the finder looks at."""
    path = tmp_path / "some.pt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("data.pkl", b"")
    return path


def test_missing_weights_say_where_to_put_them(tmp_path, monkeypatch):
    """The error names both places that were looked at, where to get a file, and where to put it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    detector = DETECTORS.make("yolo")
    with pytest.raises(WeightsError) as caught:
        detector.to(torch.device("cpu"))
    message = str(caught.value)
    assert str(tmp_path / "yolo11n.pt") in message
    assert f"put it into {tmp_path / 'cache/streamfuse/weights'}" in message
    assert "https://github.com/ultralytics/assets/releases" in message
    assert "Nothing is downloaded" in message


def test_home_folder_without_xdg(monkeypatch, tmp_path):
    """Where XDG_CACHE_HOME is not set the weights folder is in `~/.cache`."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights_folder() == tmp_path / ".cache/streamfuse/weights"


def test_path_comes_before_the_weights_folder(archive, tmp_path, monkeypatch):
    """A name alone is found in the weights folder; a file in the working folder goes first."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    weights_folder().mkdir(parents=True)
    kept = weights_folder() / "some.pt"
    kept.write_bytes(archive.read_bytes())
    monkeypatch.chdir(tmp_path / "cache")
    assert find("some.pt") == kept
    monkeypatch.chdir(tmp_path)
    assert find("some.pt") == archive
    assert find(str(archive)) == archive


def test_text_named_pt_is_refused(tmp_path):
    """A text file with the name of a model is not one."""
    path = tmp_path / "notes.pt"
    path.write_text("not a model")
    with pytest.raises(WeightsError, match=r"notes.pt is not a PyTorch file"):
        find(str(path))


@pytest.mark.parametrize(
    ("name", "folder", "message"),
    [
        ("model.txt", False, "is no detector: want a .pt file"),
        ("model", True, "is no detector"),
        ("model.onnx", True, "is a folder"),
        ("model_openvino_model", False, "is a file"),
        ("model_openvino_model", True, r"holds no OpenVINO model \(\*.xml\)"),
    ],
)
def test_wrong_kind_is_named(tmp_path, name, folder, message):
    """What is there but of the wrong kind is refused with what was wanted."""
    path = tmp_path / name
    path.mkdir() if folder else path.write_bytes(b"")
    with pytest.raises(WeightsError, match=message):
        find(str(path))


@pytest.mark.parametrize(("name", "package"), [("model.onnx", "onnxruntime"), ("model_openvino_model", "openvino")])
def test_missing_runtime_is_named(tmp_path, monkeypatch, name, package):
    """Where the runtime of a format is not installed, the error says how to install it."""
    path = tmp_path / name
    if package == "openvino":
        path.mkdir()
        (path / "model.xml").write_text("<net/>")
    else:
        path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigError, match=f"needs the package '{package}', which is not installed: pip install"):
        find(str(path))
