import sys
from types import SimpleNamespace

import pytest
import torch

from streamfuse.errors import ConfigError, WeightsError
from streamfuse.networks.semantic import GivenFeatures, SemanticPrior, make_prior


class Mean(torch.nn.Module):
    """A map of features: the colours twice, and one that only training would move."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.dropout(torch.cat((picture, picture), dim=1))
        return features


def test_none_is_no_prior():
    """The network then has nothing that reads features."""
    assert make_prior("none") is None


def test_prior_of_ones_own_is_taken_as_it_is():
    """An object instead of a name."""
    prior = SemanticPrior(Mean(), 6)
    assert make_prior(prior) is prior


def test_features_are_the_mean_over_the_map():
    """(B, 3, H, W) of any size -> (B, width)."""
    picture = torch.rand(2, 3, 1, 1).expand(-1, -1, 64, 80)
    torch.testing.assert_close(SemanticPrior(Mean(), 6)(picture), torch.cat((picture, picture), 1)[..., 0, 0])


def test_prior_stays_frozen_whatever_it_is_told():
    """No gradient, and no dropout in training."""
    prior = SemanticPrior(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 1), Mean()), 8).train()
    picture = torch.rand(1, 3, 64, 64, requires_grad=True)
    assert torch.equal(prior(picture), prior(picture))
    assert not prior(picture).requires_grad
    assert not any(parameter.requires_grad for parameter in prior.parameters())


def test_given_features_are_zeros_until_a_caller_gives_some():
    """They come in with the state, not from the picture."""
    prior = make_prior("features:5")
    assert isinstance(prior, GivenFeatures)
    assert torch.equal(prior(torch.rand(2, 3, 8, 8)), torch.zeros(2, 5))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("vgg", r"no prior called 'vgg' \(known: none, convnext_base"),
        ("features", r"wants the width of the given vectors, as in features:256, got ''"),
        ("features:0", r"got '0'"),
        ("convnext_huge", r"torchvision has no 'convnext_huge'"),
    ],
)
def test_wrong_names_are_explained(name, message):
    """What was wanted, what came, what to do."""
    with pytest.raises(ConfigError, match=message):
        make_prior(name)


@pytest.mark.parametrize(("name", "library"), [("convnext_base", "torchvision.models"), ("timm:convnext_base", "timm")])
def test_missing_library_is_named(monkeypatch, name, library):
    """Neither is a dependency of the package."""
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ConfigError, match=f"needs the package '{library}'.*or set semantic: none"):
        make_prior(name)


def test_convnext_gives_its_features():
    """ConvNeXt-Base, as published: 1024 of them; on the meta device, so nothing is computed."""
    with torch.device("meta"):
        prior = make_prior("convnext_base")
        assert prior is not None
        assert prior(torch.zeros(1, 3, 64, 80)).shape == (1, prior.width) == (1, 1024)


def test_weights_of_convnext_come_from_a_file(tmp_path):
    """A state dict of torchvision's."""
    first, again = make_prior("convnext_tiny"), None
    assert first is not None
    model = pytest.importorskip("torchvision.models").convnext_tiny()
    torch.save({name: tensor.half() for name, tensor in model.state_dict().items()}, tmp_path / "tiny.pth")
    again = make_prior(f"convnext_tiny:{tmp_path / 'tiny.pth'}")
    assert again is not None
    torch.testing.assert_close(again.body[0][0].weight, model.features[0][0].weight, rtol=0, atol=1e-3)  # type: ignore[index]
    assert not torch.equal(first.body[0][0].weight, again.body[0][0].weight)  # type: ignore[index]


@pytest.mark.parametrize("content", [None, b"no weights", "other"])
def test_broken_weights_are_an_error(tmp_path, content):
    """No file, no state dict, or that of another network."""
    file = tmp_path / "weights.pth"
    if content == "other":
        torch.save({"weight": torch.zeros(1)}, file)
    elif content is not None:
        file.write_bytes(content)
    with torch.device("meta"), pytest.raises(WeightsError, match=r"cannot load the weights .*weights\.pth.*give a file or none"):
        make_prior(f"convnext_tiny:{file}")


def test_timm_is_asked_for_its_pretrained_features(monkeypatch):
    """The classifier is left away; a download that fails says what to do."""

    def create_model(name: str, **options: object) -> torch.nn.Module:
        assert options == {"pretrained": True, "num_classes": 0}
        if name == "unreachable":
            raise OSError("no route to host")
        model = Mean()
        model.num_features = 6  # type: ignore[assignment]
        return model

    monkeypatch.setitem(sys.modules, "timm", SimpleNamespace(create_model=create_model))
    prior = make_prior("timm:mean")
    assert prior is not None
    assert prior.width == 6
    with pytest.raises(WeightsError, match="cannot load 'unreachable' of timm"):
        make_prior("timm:unreachable")
