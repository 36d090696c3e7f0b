"""Any fusion network as an ONNX file, with the state of the prompt as inputs: words are changed without a new file."""

import warnings
from copy import deepcopy
from pathlib import Path
from typing import cast

import torch
from torch import nn

from streamfuse.networks.network import TOKENS, FusionNetwork, State

OPSET = 18
"""Of ONNX: the first with everything that the four networks use; read by onnxruntime since 1.14."""
TRACED_BATCH = 2
"""Items in the example that a file with a free batch axis is traced with: with 1 a broadcast would not show."""


class Flattened(nn.Module):
    """A network whose state comes as separate arguments, in the order of `names`: what tracers want."""

    def __init__(self, network: nn.Module, names: list[str]) -> None:
        super().__init__()
        self.network = network
        self.names = names

    def forward(self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, *state: torch.Tensor) -> torch.Tensor:
        """A network with its prompt folded in has no state, and is not given one."""
        if not self.names:
            return cast("torch.Tensor", self.network(infrared_B1HW, visible_BCHW))
        return cast("torch.Tensor", self.network(infrared_B1HW, visible_BCHW, dict(zip(self.names, state, strict=True))))


def export_onnx(
    network: FusionNetwork, path: Path, height: int, width: int, *, batch: int | None = None, dtype: torch.dtype = torch.float32
) -> None:
    """Write `path`: inputs `infrared`, `visible`, and `state.NAME` for each tensor of a state that the pictures depend on; output `fused`.

    All are of `dtype`. The leading axis of all is `batch`; None leaves it free, the same for all inputs.
    """
    items = TRACED_BATCH if batch is None else batch
    frozen = deepcopy(network).eval().requires_grad_(requires_grad=False).to(device="cpu", dtype=dtype)
    state = example_state(frozen, items)
    channels = 1 if network.colour == "luma" else 3
    pictures = (torch.rand(items, 1, height, width, dtype=dtype), torch.rand(items, channels, height, width, dtype=dtype))
    names = ["infrared", "visible", *(f"state.{name}" for name in state)]
    with warnings.catch_warnings():
        # The exporter built on torch.export needs a package more (onnxscript). Sizes are fixed, so branches on them are meant.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        warnings.filterwarnings("ignore", "Constant folding - Only steps=1", UserWarning)  # of a padding: it then stays in the graph
        torch.onnx.export(
            Flattened(frozen, list(state)),
            (*pictures, *state.values()),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=names,
            output_names=["fused"],
            dynamic_axes={name: {0: "batch"} for name in [*names, "fused"]} if batch is None else None,
        )


@torch.no_grad()
def example_state(network: FusionNetwork, prompts: int) -> State:
    """A state of the right shapes and precision, of no prompt in particular."""
    like = next(network.parameters())
    tokens_PLD = torch.randn(prompts, TOKENS, network.text_dim, dtype=like.dtype, device=like.device)
    return network.encode_text(tokens_PLD.mean(1), tokens_PLD, torch.ones_like(tokens_PLD[..., 0]))
