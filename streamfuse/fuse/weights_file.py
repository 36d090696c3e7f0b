"""Weights of fusion networks as safetensors files that say what they are for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from streamfuse.errors import WeightsError
from streamfuse.networks import create
from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.network import FusionNetwork
from streamfuse.registry import Settings

FORMAT = "streamfuse-1"
FRONT = "front."
"""How the names of its tensors begin."""
SHIPPED = Path(__file__).parent.parent / "weights"


class Label(Settings):
    """What a file of weights was made for; kept in its header."""

    format: str = FORMAT
    network: str
    size: Literal["base", "small"]
    text: Literal["guided", "published"] = "guided"
    encoder: str
    text_dim: int

    def mismatch(self, other: "Label") -> str:
        """In words, what of `other` is not as here; nothing if all is."""
        pairs = [(key, getattr(self, key), getattr(other, key)) for key in type(self).model_fields]
        return "; ".join(f"{key} is {mine!r} there, {theirs!r} here" for key, mine, theirs in pairs if mine != theirs)


def shipped_weights(network: str, size: str) -> Path | None:
    """The file that comes with the package, if there is one."""
    path = SHIPPED / f"{network}-{size}.safetensors"
    return path if path.is_file() else None


def save_weights(network: FusionNetwork, path: Path, encoder: str) -> None:
    """Write `network` with its label."""
    label = Label(network=network.name, size=network.size, text=network.text, encoder=encoder, text_dim=network.text_dim)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    data = save(tensors, metadata={key: str(value) for key, value in label.model_dump().items()})
    path.write_bytes(data)  # `save_file` would let nobody else read it


def load_weights(network: FusionNetwork, path: Path, encoder: str) -> None:
    """Fill `network` from a file. `WeightsError` says what does not match, and what to change."""
    wanted = Label(network=network.name, size=network.size, text=network.text, encoder=encoder, text_dim=network.text_dim)
    tensors, label = _read(path)
    told = label.mismatch(wanted)
    if told:
        raise WeightsError(
            f"{path} does not go with this configuration: {told}; change fuse.kind, fuse.size, fuse.text or fuse.encoder, or the file"
        )
    _fill(network, tensors, path)


def load_front(network: FusionNetwork, path: Path, encoder: str) -> None:
    """Fill the front of `network` from a file of any network with dials. `WeightsError` where they do not go together."""
    tensors, label = _read(path)
    front = {name.removeprefix(FRONT): tensor for name, tensor in tensors.items() if name.startswith(FRONT)}
    if not isinstance(network, DialledNetwork) or not front:
        raise WeightsError(f"{path} for the front of {network.name} {network.size}: one of the two has no dials")
    if (label.encoder, label.text_dim) != (encoder, network.text_dim):
        raise WeightsError(f"{path} reads {label.encoder} ({label.text_dim} numbers), want {encoder} ({network.text_dim})")
    _fill(network.front, front, path)


def network_of(path: Path) -> tuple[FusionNetwork, str]:
    """The network that a file was made for, filled, and the encoder that its words need."""
    label = label_of(path)
    network = create(label.network, size=label.size, text=label.text, text_dim=label.text_dim)
    load_weights(network, path, label.encoder)
    return network.eval().requires_grad_(requires_grad=False), label.encoder


def label_of(path: Path) -> Label:
    """What a file was made for; of the file the header alone is read."""
    with _opened(path) as file:
        return _label(file, path)


def _fill(module: nn.Module, tensors: dict[str, torch.Tensor], path: Path) -> None:
    try:
        module.load_state_dict(tensors)
    except RuntimeError as exc:
        raise WeightsError(
            f"{path} has other tensors than this version's network: train it anew, or use the version it was made with; {exc}"
        ) from exc


def _read(path: Path) -> tuple[dict[str, torch.Tensor], Label]:
    with _opened(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, _label(file, path)  # noqa: SIM118  it is no mapping


def _label(file: Any, path: Path) -> Label:
    metadata: dict[str, Any] = dict(file.metadata() or {})
    try:
        return Label.model_validate({**metadata, "text_dim": int(metadata.get("text_dim", 0))})
    except (ValidationError, ValueError) as exc:
        raise WeightsError(f"{path} does not say what it is for: want the header keys {', '.join(Label.model_fields)}") from exc


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, "pt") as file:
            yield file
    except FileNotFoundError as exc:
        raise WeightsError(f"no weights at {path}") from exc
    except (SafetensorError, OSError) as exc:
        raise WeightsError(f"{path} is not a safetensors file: {exc}") from exc
