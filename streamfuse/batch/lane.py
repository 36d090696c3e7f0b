"""A lane is one device's way in and out: upload, compute, download. This one is the CPU's; CUDA's has the same shape."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

import torch

from streamfuse.batch.normalise import normalise, to_bytes
from streamfuse.batch.raw import layout_of, nbytes, stage
from streamfuse.batch.ring import HostRing
from streamfuse.errors import DeviceError
from streamfuse.frames import Batch, Fused, Pair, Planes, PromptState


class Download(Protocol):
    """Fused pictures on their way to the host."""

    def ready(self) -> bool:
        """Whether `take` would not wait."""
        ...

    def take(self) -> list[Planes]:
        """One picture per item of the batch, padding included; waits until they are there."""
        ...


class Lane(Protocol):
    """Upload, compute and download on one device, in the order of submission. For one thread."""

    device: torch.device
    depth: int
    """Batches that may be in flight before the oldest has to be taken."""

    def upload(self, pairs: tuple[Pair, ...], prompts: Sequence[PromptState], rigs: Sequence[str | None]) -> Batch:
        """Pixels onto the device, as BT.601 full range floats. All pairs have one layout. May pad by repeating the last pair."""
        ...

    def compute(self, batch: Batch) -> AbstractContextManager[object]:
        """Everything that works on `batch` runs inside."""
        ...

    def download(self, fused: Fused) -> Download:
        """Start the way back; called inside `compute`."""
        ...

    def memory_bytes(self) -> int:
        """Memory of the device that is in use; 0 where nobody counts."""
        ...


@dataclass(frozen=True, slots=True)
class _Done:
    planes: list[Planes]

    def ready(self) -> bool:
        return True

    def take(self) -> list[Planes]:
        return self.planes


class CpuLane:
    """Everything at once and in place: no streams, nothing in flight."""

    depth = 1

    def __init__(self) -> None:
        self.device = torch.device("cpu")
        self.ring = HostRing(slots=1, pinned=False)

    def upload(self, pairs: tuple[Pair, ...], prompts: Sequence[PromptState], rigs: Sequence[str | None]) -> Batch:
        """Stage and normalise."""
        layout = layout_of(pairs[0])
        slot = self.ring.acquire(nbytes(layout, len(pairs)))
        infrared, luma, chroma = normalise(stage(pairs, layout, slot.memory_N))
        return Batch(pairs=pairs, infrared_B1hw=infrared, luma_B1HW=luma, chroma_B2cc=chroma, prompts=tuple(prompts), rigs=tuple(rigs))

    def compute(self, batch: Batch) -> AbstractContextManager[object]:
        """Nothing to enter."""
        return nullcontext()

    def download(self, fused: Fused) -> Download:
        """Already there."""
        luma, chroma = to_bytes(fused.luma_B1HW), to_bytes(fused.chroma_B2cc)
        return _Done([own_planes(luma[i], chroma[i]) for i in range(len(luma))])

    def memory_bytes(self) -> int:
        """Nobody counts."""
        return 0


def own_planes(luma_1HW: torch.Tensor, chroma_2cc: torch.Tensor) -> Planes:
    """Planes over host bytes of their own. (1, H, W) and (2, c, c) uint8 on the host."""
    return Planes(y=luma_1HW[0].numpy(), u=chroma_2cc[0].numpy(), v=chroma_2cc[1].numpy())


def make_lane(name: str) -> Lane:
    """The lane of `auto`, `cpu`, `cuda` or `cuda:N`; `auto` is CUDA where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return CpuLane()
    if not torch.cuda.is_available():
        raise DeviceError(f"device {name!r} was asked for, but PyTorch sees no CUDA device; `streamfuse doctor` tells why, `cpu` works")
    from streamfuse.batch.cuda_lane import CudaLane  # noqa: PLC0415  only where there is CUDA

    device, count = torch.device(name), torch.cuda.device_count()
    if device.index is not None and device.index >= count:
        raise DeviceError(f"device {name!r} was asked for, but PyTorch sees {count}, the last of them cuda:{count - 1}")
    return CudaLane(device)
