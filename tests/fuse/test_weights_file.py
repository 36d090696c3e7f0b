"""Weights say what they are for, and are held to it."""

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from streamfuse.errors import WeightsError
from streamfuse.fuse import FUSERS
from streamfuse.fuse.text_guided import TextGuided
from streamfuse.fuse.weights_file import load_front, load_weights, network_of, save_weights
from streamfuse.networks import create


def test_what_is_saved_is_loaded(tmp_path):
    """A network filled from a file is the one that was saved."""
    torch.manual_seed(1)
    saved, filled = create("nano", size="small"), create("nano", size="small")
    save_weights(saved, tmp_path / "nano.safetensors", "minilm")
    load_weights(filled, tmp_path / "nano.safetensors", "minilm")
    assert all(torch.equal(a, b) for a, b in zip(saved.state_dict().values(), filled.state_dict().values(), strict=True))


def test_a_fuser_takes_a_file(tmp_path):
    """Configured by a path, the fuser holds those weights."""
    network = create("nano", size="small")
    save_weights(network, tmp_path / "nano.safetensors", "minilm")
    made = FUSERS.make("nano", weights=tmp_path / "nano.safetensors")
    assert isinstance(made, TextGuided)
    made.to(torch.device("cpu"))
    assert torch.equal(next(iter(made.network.state_dict().values())), next(iter(network.state_dict().values())))


def test_a_file_alone_makes_its_network(tmp_path):
    """The label says all that is needed to build the network that the weights are for."""
    torch.manual_seed(1)
    saved = create("lure", size="small", text_dim=48)
    save_weights(saved, tmp_path / "lure.safetensors", "mine")
    made, encoder = network_of(tmp_path / "lure.safetensors")
    assert (made.name, made.size, made.text_dim, encoder) == ("lure", "small", 48, "mine")
    assert all(torch.equal(a, b) for a, b in zip(saved.state_dict().values(), made.state_dict().values(), strict=True))


@pytest.mark.parametrize(
    ("kind", "encoder", "told"),
    [("textpixels", "minilm", "network is 'nano' there, 'textpixels' here"), ("nano", "open_clip:x", "encoder is 'minilm' there")],
)
def test_a_mismatch_says_what_to_change(tmp_path, kind, encoder, told):
    """Weights of another network or text encoder are refused, with both names."""
    save_weights(create("nano", size="small"), tmp_path / "nano.safetensors", "minilm")
    with pytest.raises(WeightsError, match=told):
        load_weights(create(kind, size="small"), tmp_path / "nano.safetensors", encoder)


def test_what_is_no_weights_file(tmp_path):
    """A missing file, one of another kind, and one without a label are told apart in words."""
    network = create("nano", size="small")
    with pytest.raises(WeightsError, match="no weights at"):
        load_weights(network, tmp_path / "nowhere.safetensors", "minilm")
    (tmp_path / "text.safetensors").write_text("hello")
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_weights(network, tmp_path / "text.safetensors", "minilm")
    save_file({"a": torch.zeros(1)}, tmp_path / "bare.safetensors")
    with pytest.raises(WeightsError, match="does not say what it is for"):
        load_weights(network, tmp_path / "bare.safetensors", "minilm")


def test_what_is_saved_may_be_read_as_any_other_file(tmp_path):
    """By whom the user's settings let, not by its owner alone."""
    save_weights(create("nano", size="small"), tmp_path / "nano.safetensors", "minilm")
    (tmp_path / "any").write_text("other")
    assert (tmp_path / "nano.safetensors").stat().st_mode == (tmp_path / "any").stat().st_mode


@pytest.mark.parametrize("load", [load_weights, load_front])
def test_weights_of_another_version_say_so(tmp_path, load):
    """With a label that is right and tensors that are not, the error tells what to do, and which tensors."""
    network = create("nano", size="small")
    save_weights(network, tmp_path / "now.safetensors", "minilm")
    with safe_open(tmp_path / "now.safetensors", "pt") as file:
        label = file.metadata()
    tensors = {name.replace("exposure.pivot", "exposure.offset"): tensor for name, tensor in network.state_dict().items()}
    save_file(tensors, tmp_path / "then.safetensors", metadata=label)
    with pytest.raises(WeightsError, match=r"then\.safetensors has other tensors than this version's network: train it anew(.|\n)*pivot"):
        load(network, tmp_path / "then.safetensors", "minilm")


def test_a_front_goes_from_one_network_to_another(tmp_path):
    """Its tensors are those of the file, and nothing else of the network moves; who has no front, or reads otherwise, is told so."""
    torch.manual_seed(1)
    taught = create("nano", text_dim=48)
    save_weights(taught, tmp_path / "nano.safetensors", "minilm")
    network = create("upfusion", size="small", text_dim=48)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    load_front(network, tmp_path / "nano.safetensors", "minilm")
    after = network.state_dict()
    assert all(torch.equal(after[name], tensor) for name, tensor in taught.state_dict().items() if name.startswith("front."))
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items() if not name.startswith("front."))
    with pytest.raises(WeightsError, match="upfusion base: one of the two has no dials"):
        load_front(create("upfusion", size="base", text_dim=48), tmp_path / "nano.safetensors", "minilm")
    with pytest.raises(WeightsError, match="reads minilm"):
        load_front(network, tmp_path / "nano.safetensors", "open_clip:ViT-B-32/laion2b")
