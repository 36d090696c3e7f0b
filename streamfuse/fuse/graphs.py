"""A network as CUDA graphs, one per size and batch: the processor starts a whole network at once, not its hundred kernels one by one."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

SIZES_KEPT = 16
"""Graphs, the least used goes first: three sizes of picture in the five batch sizes of the engine. They share one pool of memory."""
WARM_RUNS = 3
"""Before a capture: libraries choose their kernels and take their workspaces in the first runs."""

Shapes = tuple[tuple[int, ...], ...]


class Graphs:
    """For one thread, on the stream that is current at each call. Prompts are inputs, so that a new one captures nothing."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        """`network`: on a CUDA device, its weights in float32; it computes in `dtype`."""
        self._network = network
        self._dtype = dtype
        self._graphs: OrderedDict[Shapes, tuple[Any, list[torch.Tensor], torch.Tensor]] = OrderedDict()
        self._pool: Any = None

    def __call__(self, infrared_B1HW: torch.Tensor, visible_BCHW: torch.Tensor, state: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The fused picture, a new tensor. A size is captured when it first comes, after a few runs of it."""
        given = [infrared_B1HW, visible_BCHW, *state.values()]
        shapes = tuple(tuple(tensor.shape) for tensor in given)
        if shapes not in self._graphs:
            self._graphs[shapes] = self._captured(given, list(state))
            while len(self._graphs) > SIZES_KEPT:
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(shapes)
        graph, held, fused = self._graphs[shapes]
        for own, tensor in zip(held, given, strict=True):
            own.copy_(tensor)
        graph.replay()
        return fused.clone()

    def _captured(self, given: list[torch.Tensor], names: list[str]) -> tuple[Any, list[torch.Tensor], torch.Tensor]:
        held = [tensor.clone() for tensor in given]
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_RUNS):
                self._run(held, names)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        if self._pool is None:
            self._pool = torch.cuda.graph_pool_handle()
        # other threads prepare prompts and copy pictures meanwhile
        with torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"):
            fused = self._run(held, names)
        return graph, held, fused

    def _run(self, held: list[torch.Tensor], names: list[str]) -> torch.Tensor:
        infrared, visible, *state = held
        # its cache of cast weights must not outlive a capture
        with torch.autocast("cuda", self._dtype, enabled=self._dtype != torch.float32, cache_enabled=False):
            fused: torch.Tensor = self._network(infrared, visible, dict(zip(names, state, strict=True)))
            return fused
