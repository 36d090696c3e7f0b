"""Prompts and pictures drawn by a seed, and what the tests of all networks ask of one."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
import torch.nn.functional as F  # noqa: N812  its usual name
from torch.utils.flop_counter import FlopCounterMode

from streamfuse.networks.network import TOKENS, FusionNetwork, State

TEXT_DIM = 24


def embeddings(prompts: int = 2, dim: int = TEXT_DIM, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pooled (P, D), tokens (P, L, D) and mask (P, L); prompt p has 5 + 3p words."""
    draw = torch.Generator().manual_seed(seed)
    mask = (torch.arange(TOKENS) < 5 + 3 * torch.arange(prompts)[:, None]).float()
    return torch.randn(prompts, dim, generator=draw), torch.randn(prompts, TOKENS, dim, generator=draw), mask


def pictures(height: int, width: int, colours: int, batch: int = 1, seed: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Smooth infrared (B, 1, H, W) and visible (B, colours, H, W) in [0, 1]."""
    draw = torch.Generator().manual_seed(seed)
    coarse = torch.rand(batch, 1 + colours, 9, 11, generator=draw)
    both = F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False).clamp(0, 1)
    return both[:, :1].contiguous(), both[:, 1:].contiguous()


def one(state: State, index: int) -> State:
    """The state of one prompt."""
    return {name: tensor[index : index + 1] for name, tensor in state.items()}


def parameters(network: FusionNetwork) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def gmac(network: FusionNetwork, colours: int, height: int = 480, width: int = 640) -> float:
    """Of one frame; `network` may be on the meta device, which computes nothing."""
    device = next(network.parameters()).device
    state = network.encode_text(*(part.to(device) for part in embeddings(1, network.text_dim)))
    both = (torch.zeros(1, channels, height, width, device=device) for channels in (1, colours))
    with FlopCounterMode(display=False) as counter:
        assert network(*both, state).shape == (1, colours, height, width)
    return float(counter.get_total_flops()) / 2e9


def without_gradient(network: FusionNetwork, colours: int) -> list[str]:
    """Parameters that one backward over two prompts leaves without a gradient."""
    fused = network(*pictures(64, 64, colours, batch=2), network.encode_text(*embeddings()))
    fused.square().mean().backward()
    return [name for name, parameter in network.named_parameters() if parameter.grad is None or not parameter.grad.any()]


class _Flat(torch.nn.Module):
    """A network whose state comes as separate tensors, as ONNX wants it."""

    def __init__(self, network: FusionNetwork, names: list[str]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, infrared: torch.Tensor, visible: torch.Tensor, *state: torch.Tensor) -> torch.Tensor:
        fused: torch.Tensor = self.network(infrared, visible, dict(zip(self.names, state, strict=True)))
        return fused


def exported(network: FusionNetwork, colours: int, state: State, folder: Path, size: tuple[int, int] | None = None) -> ort.InferenceSession:
    """The network in ONNX, any batch, the state as inputs; of one size, or of any where none is given (networks without a front)."""
    names = list(state)
    file = folder / "network.onnx"
    free = {0: "batch"} if size else {0: "batch", 2: "height", 3: "width"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's notes on shapes, and that it is the older of two exporters
        torch.onnx.export(
            _Flat(network, names),
            (*pictures(*(size or (64, 64)), colours), *one(state, 0).values()),
            file,
            dynamo=False,
            opset_version=18,
            input_names=["infrared", "visible", *names],
            output_names=["fused"],
            dynamic_axes={"infrared": free, "visible": free, "fused": free, **{name: {0: "prompts"} for name in names}},
        )
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def run_onnx(session: ort.InferenceSession, infrared: torch.Tensor, visible: torch.Tensor, state: State) -> torch.Tensor:
    inputs: dict[str, Any] = {"infrared": infrared, "visible": visible, **state}
    (fused,) = session.run(None, {name: np.asarray(tensor.detach()) for name, tensor in inputs.items()})
    return torch.from_numpy(np.asarray(fused))
