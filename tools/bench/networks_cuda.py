"""The fusion networks on a CUDA device: every batch size of the engine, folded and as graphs, beside what the device could do at most."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any, Literal

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from streamfuse.errors import DeviceError
from streamfuse.fuse.graphs import Graphs
from streamfuse.fuse.precision import DTYPES, Precision
from streamfuse.fuse.room import Work, ask
from streamfuse.networks import create
from streamfuse.networks.export import example_state
from streamfuse.networks.network import FusionNetwork
from tools.bench.report import Report, median, progress
from tools.bench.turns import measured

FORMS: tuple[tuple[str, Literal["base", "small"]], ...] = (
    ("nano", "small"),
    ("textpixels", "small"),
    ("upfusion", "small"),
    ("lure", "small"),
    ("textpixels", "base"),
    ("upfusion", "base"),
    ("lure", "base"),
)
PICTURES = ((480, 640), (1024, 1280))
BATCHES = (1, 2, 4, 8, 16)
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")
TEXT = """Milliseconds per picture pair (a batch's time over its items), and pairs per second. `folded`: one prompt in the kernels, eager.
`plain`: the straightforward module with the prompt as an input; `graph`: the same as one CUDA graph per size and batch. `arithmetic` is the
time that its multiplications take at the rate of the device's own large matrix product in that precision, `memory` the time that its
operations' inputs and outputs take at the rate of its own copies: neither can be beaten without another order of operations."""


def report_of_cuda(rounds: int) -> Report:
    """Everything that fits."""
    device = torch.device("cuda")
    report = Report(title="Fusion networks on a CUDA device", text=f"{TEXT} Device: {torch.cuda.get_device_name(device)}.")
    rates: dict[Precision, float] = {precision: flops_per_s(DTYPES[precision]) for precision in PRECISIONS}
    copies = bytes_per_s()
    report.raw["rates"] = {"flops_per_s": rates, "bytes_per_s": copies}
    for (name, size), (height, width), precision in product(FORMS, PICTURES, rates):
        work = Work(network=name, size=size, precision=precision, device=device, height=height, width=width, folded=False)
        for row in rows(work, rounds, (rates[precision], copies)):
            report.rows.append(row)
            progress(" ".join(str(value) for value in row.values()))
    return report


def rows(work: Work, rounds: int, rates: tuple[float, float]) -> Iterator[dict[str, object]]:
    """One network, picture and precision: a row per batch and way, as far as it fits."""
    torch.manual_seed(0)
    network = create(work.network, work.size).eval().requires_grad_(requires_grad=False).to("cuda")
    dtype, picture = DTYPES[work.precision], (work.height, work.width)
    floors_ms = floors(network, picture, dtype, rates)
    for batch in BATCHES:
        try:
            ask(replace(work, batch=batch))
        except DeviceError as exc:
            progress(str(exc))
            return
        torch.cuda.reset_peak_memory_stats()
        for way, values in measured(waiting(ways(network, batch, picture, dtype)), rounds).items():
            each_ms = median(values) / batch
            yield {
                "network": f"{work.network} {work.size}",
                "picture": f"{work.width}x{work.height}",
                "precision": work.precision,
                "batch": batch,
                "by": way,
                "ms": each_ms,
                "worst": max(values) / batch,
                "per s": 1e3 / each_ms,
                "arithmetic": floors_ms[0],
                "memory": floors_ms[1],
                "MB of all": torch.cuda.max_memory_allocated() / 1e6,
            }
        torch.cuda.empty_cache()


def ways(network: FusionNetwork, batch: int, picture: tuple[int, int], dtype: torch.dtype) -> dict[str, Callable[[], object]]:
    """How to run it."""
    colours = 3 if network.colour == "rgb" else 1
    infrared, visible = (torch.rand(batch, channels, *picture, device="cuda") for channels in (1, colours))
    one, each = example_state(network, 1), example_state(network, batch)
    folded = importlib.import_module(f"streamfuse.networks.fast_{network.name}").fold(network, one).to(dtype)
    halves = infrared.to(dtype), visible.to(dtype)
    graphs = Graphs(network, dtype)

    def plain() -> torch.Tensor:
        with torch.autocast("cuda", dtype, enabled=dtype != torch.float32):
            fused: torch.Tensor = network(infrared, visible, each)
            return fused

    return {"folded": lambda: folded(*halves), "plain": plain, "graph": lambda: graphs(infrared, visible, each)}


def waiting(runs: dict[str, Callable[[], object]]) -> dict[str, Callable[[], object]]:
    """Each run with the wait for its end."""

    def until_done(run: Callable[[], object]) -> Callable[[], object]:
        def waited() -> object:
            result = run()
            torch.cuda.synchronize()
            return result

        return waited

    return {way: until_done(run) for way, run in runs.items()}


class Traffic(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Bytes of all inputs and outputs of all operations; views and reshapes cost nothing."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = operation(*args, **(kwargs or {}))
        made = [leaf for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        if not operation.is_view and "view" not in str(operation):
            read = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
            self.bytes += sum(tensor.nbytes for tensor in (*read, *made))
        return result


def floors(network: FusionNetwork, picture: tuple[int, int], dtype: torch.dtype, rates: tuple[float, float]) -> tuple[float, float]:
    """Milliseconds of arithmetic and of memory for one picture, counted without computing."""
    shadow = create(network.name, network.size).eval().to(device="meta", dtype=dtype)
    state = {name: tensor.to(device="meta", dtype=dtype) for name, tensor in example_state(network, 1).items()}
    both = [torch.empty(1, channels, *picture, device="meta", dtype=dtype) for channels in (1, 3 if network.colour == "rgb" else 1)]
    with torch.no_grad(), FlopCounterMode(display=False) as flops, Traffic() as traffic:
        shadow(*both, state)
    return flops.get_total_flops() / rates[0] * 1e3, traffic.bytes / rates[1] * 1e3


def flops_per_s(dtype: torch.dtype, width: int = 8192) -> float:
    """Of a large matrix product, as the library does it."""
    a, b = (torch.rand(width, width, device="cuda", dtype=dtype) for _ in range(2))
    (times,) = measured(waiting({"product": lambda: a @ b}), 20).values()
    return 2 * width**3 / (median(times) / 1e3)


def bytes_per_s(count: int = 2**30) -> float:
    """Of a copy on the device: read and written."""
    a, b = (torch.empty(count, device="cuda", dtype=torch.uint8) for _ in range(2))
    (times,) = measured(waiting({"copy": lambda: b.copy_(a)}), 20).values()
    return 2 * count / (median(times) / 1e3)
