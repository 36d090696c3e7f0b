"""A network compiled for the CPU by OpenVINO: the same pictures in a fraction of the time that torch takes without a compiler."""

import warnings
from collections import OrderedDict
from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import nn

from streamfuse.errors import ConfigError, DeviceError
from streamfuse.networks.export import Flattened

SIZES_KEPT = 8
"""Compiled sizes per network, the least used goes first: each holds its own buffers."""
NO_STATE: Mapping[str, torch.Tensor] = MappingProxyType({})

Shapes = tuple[tuple[str, tuple[int, ...]], ...]


def available() -> bool:
    """Whether OpenVINO is installed."""
    return find_spec("openvino") is not None


class Compiled:
    """One network with the weights it has now: later changes are not seen. For one thread at a time.

    A size is compiled when it first comes, in less than a second for `nano`; `prepare` does so before a frame waits for it.
    """

    def __init__(self, network: nn.Module, precision: Literal["fp32", "bf16"] = "fp32", threads: int = 0) -> None:
        """`network`: a `FusionNetwork`, or one with its prompt folded in. `threads` 0: one per core. bf16 acts where the CPU has it."""
        self._network = network
        self._config = {
            "INFERENCE_PRECISION_HINT": "f32" if precision == "fp32" else precision,
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._requests: OrderedDict[Shapes, Any] = OrderedDict()

    def __call__(
        self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, state: Mapping[str, torch.Tensor] = NO_STATE
    ) -> torch.Tensor:
        """The fused picture, fp32, a new tensor. `state` has leading B or 1, as for the network; empty where the prompt is folded in."""
        inputs = {"infrared": infrared_B1HW, "visible": visible_BCHW, **state}
        return self._infer({name: tensor.detach().float().contiguous() for name, tensor in inputs.items()})

    def prepare(self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, state: Mapping[str, torch.Tensor] = NO_STATE) -> None:
        """Compile for pictures and states of these sizes."""
        self(infrared_B1HW, visible_BCHW, state)

    def _infer(self, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        ov = _openvino()
        request = self._request(inputs)
        fused = torch.empty_like(inputs["visible"])
        try:
            for index, tensor in enumerate(inputs.values()):
                request.set_input_tensor(index, ov.Tensor(tensor.numpy(), shared_memory=True))
            request.set_output_tensor(0, ov.Tensor(fused.numpy(), shared_memory=True))
            request.infer()
        except RuntimeError as exc:
            raise DeviceError(f"OpenVINO failed at {_told(inputs)}: {exc}") from exc
        return fused

    def _request(self, inputs: dict[str, torch.Tensor]) -> Any:
        """What runs these sizes, compiled at need."""
        shapes = tuple((name, tuple(tensor.shape)) for name, tensor in inputs.items())
        if shapes not in self._requests:
            self._requests[shapes] = self._compile(inputs)
            while len(self._requests) > SIZES_KEPT:
                self._requests.popitem(last=False)
        self._requests.move_to_end(shapes)
        return self._requests[shapes]

    @torch.no_grad()
    def _compile(self, inputs: dict[str, torch.Tensor]) -> Any:
        ov = _openvino()
        try:
            model = converted(traced(self._network, inputs))
            model.reshape({index: list(tensor.shape) for index, tensor in enumerate(inputs.values())})
            return ov.Core().compile_model(model, "CPU", self._config).create_infer_request()
        except (RuntimeError, ov.frontend.OpConversionFailure) as exc:
            raise DeviceError(f"OpenVINO cannot compile a {type(self._network).__name__} for {_told(inputs)}: {exc}") from exc


def traced(network: nn.Module, inputs: Mapping[str, torch.Tensor]) -> Any:
    """The network as TorchScript for inputs of these sizes. A traced graph keeps its sizes; an exported one runs half as fast."""
    names = [name for name in inputs if name not in ("infrared", "visible")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        return torch.jit.trace(Flattened(network, names).eval(), tuple(inputs.values()), check_trace=False)  # type: ignore[no-untyped-call]


def converted(graph: Any) -> Any:
    """TorchScript -> OpenVINO's model, by its front end for PyTorch.

    Not by `openvino.convert_model`, which takes ten times as long, sends statistics to its makers at every step, starts threads that
    stay, and sets the level of the root logger.
    """
    frontend = _openvino().frontend
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # noqa: PLC0415

    pytorch = frontend.FrontEndManager().load_by_framework("pytorch")
    decoder = TorchScriptPythonDecoder(graph)  # the model looks into it until it is converted
    loaded = pytorch.load(decoder)
    return pytorch.convert(loaded)


def _told(inputs: dict[str, torch.Tensor]) -> str:
    return ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in inputs.items())


def _openvino() -> Any:
    """Imported when first needed: most installations run without."""
    try:
        import openvino.frontend  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        raise ConfigError("running a network through OpenVINO needs the package 'openvino': pip install 'streamfuse[openvino]'") from exc
    return openvino
