"""Counts the bytes of tensors alive at once while a module runs."""

import gc
from typing import Any, Self

import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """`with LiveBytes(module) as live: module(...)`, then `live.peak`; inputs and weights do not count. Works on the meta device too.

    Python's collector waits outside: one that runs between two operations calls the finalizers of whatever earlier tests left behind,
    and a finalizer that handles an exception may hold on to the frames below it, with all their tensors.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.peak = 0
        self._own = {tensor.untyped_storage()._cdata for tensor in (*module.parameters(), *module.buffers())}
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}
        self._collected = gc.isenabled()

    def __enter__(self) -> Self:
        gc.collect()
        gc.disable()
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        if self._collected:
            gc.enable()

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = operation(*args, **(kwargs or {}))
        storages = [leaf.untyped_storage() for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        new = {s._cdata: (StorageWeakRef(s), s.nbytes()) for s in storages if s._cdata not in self._own}  # type: ignore[no-untyped-call]
        self._live |= new
        self._live = {key: entry for key, entry in self._live.items() if not entry[0].expired()}  # type: ignore[no-untyped-call]
        self.peak = max(self.peak, sum(count for _, count in self._live.values()))
        return result
