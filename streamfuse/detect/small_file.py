"""Weights of the detector `small` as a safetensors file that says what it is for."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from streamfuse.detect.small_network import SmallNetwork
from streamfuse.errors import WeightsError

HEADER = {"format": "streamfuse-1", "network": "detector-small", "classes": "person bike car"}
SHIPPED = Path(__file__).parent.parent / "weights" / "detector-small.safetensors"
CLASSES = len(HEADER["classes"].split())


def shipped() -> Path:
    """The file that comes with the package."""
    return SHIPPED


def save_small(network: SmallNetwork, path: Path) -> None:
    """Write with the header, in float16: the network computes in float32, and its weights need no more."""
    tensors = {name: _halved(tensor.detach().cpu()).contiguous() for name, tensor in network.state_dict().items()}
    path.write_bytes(save(tensors, metadata=HEADER))  # `save_file` would let nobody else read it


def load_small(path: Path) -> SmallNetwork:
    """The network with these weights, without gradients. `WeightsError` says what is wrong with the file."""
    try:
        with safe_open(path, "pt") as file:
            header = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no mapping
    except FileNotFoundError as exc:
        raise WeightsError(f"no detector weights at {path}") from exc
    except (SafetensorError, OSError) as exc:
        raise WeightsError(f"{path} is not a safetensors file: {exc}") from exc
    if header != HEADER:
        raise WeightsError(f"{path} is not for the detector small: want the header {HEADER}, got {header}")
    network = SmallNetwork(CLASSES)
    try:
        network.load_state_dict({name: tensor.float() if tensor.dtype == torch.float16 else tensor for name, tensor in tensors.items()})
    except RuntimeError as exc:
        raise WeightsError(f"{path} says it is for the detector small, but its tensors are not: {exc}") from exc
    return network.requires_grad_(requires_grad=False)


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.half() if tensor.is_floating_point() else tensor
