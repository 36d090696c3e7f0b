"""What runs a network: torch with folded kernels, OpenVINO, or a program compiled by torch. Chosen once, when the device is known."""

import logging
from collections.abc import Callable, Sequence
from typing import Literal, Protocol, TypeAlias

import torch

from streamfuse.errors import ConfigError
from streamfuse.frames import Batch, PromptState
from streamfuse.fuse import compiled
from streamfuse.fuse.folds import Folds, Name
from streamfuse.fuse.graphs import Graphs
from streamfuse.fuse.precision import DTYPES, Precision
from streamfuse.fuse.prompt_state import network_state, stacked
from streamfuse.networks.network import FusionNetwork, State

logger = logging.getLogger(__name__)

Program: TypeAlias = Callable[[torch.Tensor, torch.Tensor, State], torch.Tensor]
"""(infrared, visible, state) -> fused: the prompt is an input."""
BETTER_BY_OPENVINO = ("nano", "textpixels")
"""Networks that `auto` gives to OpenVINO. Attention gains nothing by it, and takes ten seconds and more to compile."""


class Runtime(Protocol):
    """For the engine's thread, but for `prepare`."""

    name: Name

    def prepare(self, prompt: PromptState) -> None:
        """Whatever a prompt costs, once. Called off the path, by any thread."""
        ...

    def __call__(
        self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, batch: Batch, prompts: Sequence[PromptState]
    ) -> torch.Tensor:
        """The fused pictures, not clamped. Item i under `prompts[i]`."""
        ...


class PromptAsInput:
    """A program that takes the prompt as an input: a new prompt costs nothing but its state, and items may differ in theirs."""

    def __init__(self, name: Name, program: Program, *, one_by_one: bool) -> None:
        """`one_by_one`: items go alone, so that a batch of another size is no new program, and one picture stays in the cache."""
        self.name = name
        self._program = program
        self._one_by_one = one_by_one

    def prepare(self, prompt: PromptState) -> None:
        """Nothing to do."""

    def __call__(
        self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, batch: Batch, prompts: Sequence[PromptState]
    ) -> torch.Tensor:
        """See `Runtime`."""
        states = [network_state(prompt) for prompt in prompts]
        if not self._one_by_one:
            return self._program(infrared_B1HW, visible_BCHW, stacked(states))
        pictures = zip(infrared_B1HW.chunk(len(states)), visible_BCHW.chunk(len(states)), states, strict=True)
        fused = [self._program(*item) for item in pictures]
        return fused[0] if len(fused) == 1 else torch.cat(fused)


def chosen_runtime(
    wanted: Literal["auto", "torch", "openvino", "compile"], network: str, device: torch.device, precision: str = "auto"
) -> Name:
    """What `auto` means for a network on a device; `ConfigError` where the device cannot do what is wanted."""
    if wanted == "auto":
        suits = device.type == "cpu" and network in BETTER_BY_OPENVINO and precision != "fp16"
        return "openvino" if suits and compiled.available() else "torch"
    if wanted == "openvino" and device.type != "cpu":
        raise ConfigError(f"fuse.runtime openvino is for a CPU, but the device is {device}: say auto, or device: cpu")
    if wanted == "openvino" and precision == "fp16":
        raise ConfigError("fuse.precision fp16 is for accelerators: OpenVINO on a CPU computes in fp32 or bf16")
    return wanted


def make_runtime(name: Name, network: FusionNetwork, precision: Precision) -> Runtime:
    """For a network that is on its device, with all its weights in float32."""
    logger.info("%s %s runs by %s in %s", network.name, network.size, name, precision)
    if name == "torch":
        return Folds(network, precision)
    if name == "openvino":
        program = compiled.Compiled(network, "bf16" if precision == "bf16" else "fp32", torch.get_num_threads())
        return PromptAsInput(name, program, one_by_one=True)
    if next(network.parameters()).device.type == "cuda":
        return PromptAsInput(name, Graphs(network, DTYPES[precision]), one_by_one=False)
    return PromptAsInput(name, _by_inductor(network, DTYPES[precision]), one_by_one=True)


def _by_inductor(network: FusionNetwork, dtype: torch.dtype) -> Program:
    """Torch's own compiler, which needs one for C++. Slow to start: half a minute per size of picture."""
    program = torch.compile(network, dynamic=False)

    def run(infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, state: State) -> torch.Tensor:
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            fused: torch.Tensor = program(infrared_B1HW, visible_BCHW, state)
            return fused

    return run
