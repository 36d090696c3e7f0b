"""Text towers of open_clip, on tiny ones with random weights that the tests make themselves."""

import json
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from streamfuse.errors import ConfigError, WeightsError
from streamfuse.text import TOKENS
from streamfuse.text.open_clip import OpenClip

open_clip = pytest.importorskip("open_clip")

WIDTH, DIM = 32, 16
TOWER: dict[str, Any] = {"context_length": 77, "vocab_size": 49408, "width": WIDTH, "heads": 2, "layers": 2}
CONFIG: dict[str, Any] = {"embed_dim": DIM, "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16}, "text_cfg": TOWER}
KINDS: dict[str, dict[str, Any]] = {
    "clip": CONFIG,
    "custom text": {**CONFIG, "custom_text": True},
    "no projection": {**CONFIG, "custom_text": True, "text_cfg": {**TOWER, "proj_type": "none", "width": DIM}},
    "projection with bias": {**CONFIG, "custom_text": True, "text_cfg": {**TOWER, "proj_bias": True}},
    "class token": {**CONFIG, "custom_text": True, "text_cfg": {**TOWER, "context_length": 76, "embed_cls": True}},
}


def write_model(folder: Path, config: dict[str, Any]) -> Any:
    """A folder that `local-dir:` can load: architecture and random weights."""
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    torch.manual_seed(0)
    model = open_clip.create_model(f"local-dir:{folder}", load_weights=False)
    torch.save(model.state_dict(), folder / "open_clip_pytorch_model.bin")
    return model


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """`tiny-tower`, known to open_clip for the length of a test, and its weights in a file."""
    config = tmp_path / "tiny-tower.json"
    config.write_text(json.dumps(CONFIG))
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIGS", dict(open_clip.factory._MODEL_CONFIGS))
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIG_PATHS", list(open_clip.factory._MODEL_CONFIG_PATHS))
    open_clip.add_model_config(config)
    torch.manual_seed(0)
    path = tmp_path / "weights.pt"
    torch.save(open_clip.create_model("tiny-tower").state_dict(), path)
    return path


@pytest.mark.parametrize("kind", list(KINDS))
def test_pooled_is_what_the_model_gives(tmp_path, kind):
    """For every kind of tower the pooled vector is that of `encode_text`, unscaled."""
    model = write_model(tmp_path / "model", KINDS[kind]).eval()
    (made,) = OpenClip(f"local-dir:{tmp_path / 'model'}").encode(["two deer at the fence"])
    with torch.inference_mode():
        want = model.encode_text(open_clip.get_tokenizer(f"local-dir:{tmp_path / 'model'}")(["two deer at the fence"]))
    np.testing.assert_allclose(made.pooled, want[0].numpy(), atol=1e-6)
    assert made.dim == DIM
    assert made.count == 7  # five words between start and end


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "class token"])  # that pools a token of its own
def test_tokens_live_in_the_space_of_the_pooled_vector(tmp_path, kind):
    """CLIP pools the end of the text: the last real token, normalised and projected, is the pooled vector itself."""
    write_model(tmp_path / "model", KINDS[kind])
    (made,) = OpenClip(f"local-dir:{tmp_path / 'model'}").encode(["two deer"])
    np.testing.assert_allclose(made.tokens[made.count - 1], made.pooled, atol=1e-6)
    assert np.abs(made.tokens[0] - made.pooled).max() > 1e-3


@pytest.mark.parametrize("file", ["{folder}/weights.pt", "weights.pt", "~/weights.pt"])
def test_weights_from_a_file(tiny, file, monkeypatch):
    """`<model>/<file>` loads the file, whether it is given absolute, relative or below the home."""
    monkeypatch.chdir(tiny.parent)
    monkeypatch.setenv("HOME", str(tiny.parent))
    made = OpenClip(f"tiny-tower/{file.format(folder=tiny.parent)}")
    assert made.dim == DIM
    assert made.encode(["fog"])[0].encoder == made.name == OpenClip(f"tiny-tower/{tiny}").name


def test_a_file_is_known_by_its_content(tiny, tmp_path):
    """The name holds the model and a hash of the weights: the same after a move, another after a change."""
    moved, changed = tmp_path / "moved.pt", tmp_path / "changed.pt"
    moved.write_bytes(tiny.read_bytes())
    changed.write_bytes(tiny.read_bytes() + b"x")
    names = [OpenClip(f"tiny-tower/{path}").name for path in (tiny, moved, changed)]
    assert names[0] == names[1] != names[2]
    assert names[0].startswith("open_clip:tiny-tower/")
    assert str(tmp_path) not in names[0]


def test_a_folder_is_known_by_its_content(tmp_path):
    """So is a folder; a model with the same weights but another architecture is another encoder."""
    for name in "ab":
        write_model(tmp_path / name, CONFIG)
    a, b = (OpenClip(f"local-dir:{tmp_path / name}").name for name in "ab")
    (tmp_path / "b" / "open_clip_config.json").write_text(json.dumps({"model_cfg": KINDS["custom text"]}))
    assert a == b != OpenClip(f"local-dir:{tmp_path / 'b'}").name
    assert a.startswith("open_clip:local-dir/")


def test_a_tag_names_itself():
    """Weights from the hub are named as open_clip lists them; nothing is loaded for it."""
    assert OpenClip("ViT-B-32/openai").name == "open_clip:ViT-B-32/openai"
    assert OpenClip("hf-hub:owner/name").name == "open_clip:hf-hub:owner/name"


def test_long_and_odd_texts(tiny):
    """Longer texts are cut, and tokens that share their number with the filling still count."""
    long, bangs, nothing = OpenClip(f"tiny-tower/{tiny}").encode(["fog " * 300, "fog!!!!!", ""])
    assert long.count == TOKENS
    assert 3 <= bangs.count < TOKENS
    assert nothing.count == 2  # start and end


def test_the_same_bytes_in_any_company(tiny):
    """A text alone and among others gives identical bytes."""
    made = OpenClip(f"tiny-tower/{tiny}")
    (alone,) = made.encode(["fog"])
    _, among = made.encode(["a long sentence about something else", "fog"])
    assert (alone.pooled.tobytes(), alone.tokens.tobytes()) == (among.pooled.tobytes(), among.tokens.tobytes())


def test_pictures_are_not_kept(tiny):
    """The picture tower is let go: only the text tower stays in memory."""
    made = OpenClip(f"tiny-tower/{tiny}")
    made.encode(["fog"])
    assert not any(name.startswith("visual") for name, _ in made._tower._model.named_parameters())


def test_logging_is_left_alone(tiny):
    """open_clip installs a handler on the root logger; it does not stay."""
    root = logging.getLogger()
    kept, root.handlers[:] = list(root.handlers), []
    try:
        OpenClip(f"tiny-tower/{tiny}").encode(["fog"])
        assert root.handlers == []
    finally:
        root.handlers[:] = kept


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[: len(data) // 2], id="cut"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: b"hello", id="text"),
    ],
)
def test_a_damaged_file(tiny, damage):
    """A file that cannot be read is told with its name and what to look at."""
    tiny.write_bytes(damage(tiny.read_bytes()))
    with pytest.raises(WeightsError, match=r"cannot load the text encoder open_clip:tiny-tower/.*weights\.pt: .*made for this model\?"):
        OpenClip(f"tiny-tower/{tiny}").encode(["fog"])


def test_a_damaged_safetensors_file(tiny):
    """So is one in the other format."""
    path = tiny.with_suffix(".safetensors")
    path.write_bytes(b"hello")
    with pytest.raises(WeightsError, match="SafetensorError"):
        OpenClip(f"tiny-tower/{path}").encode(["fog"])


def test_weights_of_another_model(tiny):
    """Weights whose shapes do not fit are refused, not loaded in part."""
    torch.save({"positional_embedding": torch.zeros(77, 5)}, tiny)
    with pytest.raises(WeightsError, match=r"made for this model\?"):
        OpenClip(f"tiny-tower/{tiny}").encode(["fog"])


def test_names_that_open_clip_does_not_know():
    """A misspelt model or tag is told with the nearest right one, and nothing is fetched."""
    with pytest.raises(ConfigError, match="no model 'ViT-B-23'; did you mean 'ViT-B-32'"):
        OpenClip("ViT-B-23/openai").encode(["fog"])
    with pytest.raises(WeightsError, match=r"'opnai' is no file, and open_clip knows no such weights of ViT-B-32; did you mean 'openai'"):
        OpenClip("ViT-B-32/opnai").encode(["fog"])
    with pytest.raises(WeightsError, match=r"'/nowhere\.pt' is no file"):
        OpenClip("ViT-B-32//nowhere.pt").encode(["fog"])


@pytest.mark.parametrize("weights", ["ViT-B-32/openai", "hf-hub:owner/name"])
def test_without_a_network(weights, monkeypatch, tmp_path):
    """Weights that cannot be fetched are an error that says how to do without a network."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match=r"without one, fetch them elsewhere and name the file: open_clip:<model>/<file>"):
        OpenClip(weights).encode(["fog"])


def test_a_folder_that_is_not_there(tmp_path):
    """A missing folder is named."""
    with pytest.raises(WeightsError, match="nowhere"):
        OpenClip(f"local-dir:{tmp_path / 'nowhere'}").encode(["fog"])


def test_without_the_package(monkeypatch):
    """A missing package is told with the command that brings it."""
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(WeightsError, match=r"pip install 'streamfuse\[clip\]'"):
        OpenClip("ViT-B-32/openai").encode(["fog"])
