"""The lane of a CUDA device: three streams linked by events, pinned memory on both ways, nothing that waits on the path.

    upload stream   | raw bytes, normalise ──ready──┐
    compute stream  |                               └─▶ align, fuse, detect ──done──┐
    download stream |                                                              └─▶ bytes into pinned memory ──event──▶ take

[Lifetime across streams] PyTorch's allocator hands memory out again as soon as its tensor dies on the host, in the order of the
stream that allocated it. A tensor made on one stream and used on another is marked with `record_stream`, here and nowhere else.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from streamfuse.batch.collector import padded_size
from streamfuse.batch.lane import Download, own_planes
from streamfuse.batch.normalise import normalise, to_bytes
from streamfuse.batch.raw import layout_of, nbytes, stage
from streamfuse.batch.ring import RING_SLOTS, HostRing, Slot
from streamfuse.frames import Batch, Event, Fused, Pair, Planes, PromptState


@dataclass(slots=True)
class _Copying:
    """Bytes on their way into a pinned slot. Also what the slot is busy with: they leave it before it is used again."""

    luma_B1HW: torch.Tensor
    chroma_B2cc: torch.Tensor
    done: Event
    planes: list[Planes] = field(default_factory=list)

    def query(self) -> bool:
        return self.done.query()

    ready = query

    def synchronize(self) -> None:
        if not self.planes:
            self.done.synchronize()
            luma, chroma = self.luma_B1HW.clone(), self.chroma_B2cc.clone()  # results own their bytes: the slot goes on
            self.planes = [own_planes(luma[i], chroma[i]) for i in range(len(luma))]

    def take(self) -> list[Planes]:
        self.synchronize()
        return self.planes


class CudaLane:
    """Two batches in flight: while one computes, the next is uploaded and the last one comes back."""

    depth = 2

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._upload, self._compute, self._download = (torch.cuda.Stream(device) for _ in range(3))  # type: ignore[no-untyped-call]
        self.ring = HostRing(slots=RING_SLOTS, pinned=True)
        self.return_ring = HostRing(slots=RING_SLOTS, pinned=True)

    def upload(self, pairs: tuple[Pair, ...], prompts: Sequence[PromptState], rigs: Sequence[str | None]) -> Batch:
        """Stage into pinned memory, copy and normalise on the upload stream. Padded to a fixed size by repeating the last pair."""
        extra = padded_size(len(pairs)) - len(pairs)
        pairs = (*pairs, *[pairs[-1]] * extra)
        layout = layout_of(pairs[0])
        slot = self.ring.acquire(nbytes(layout, len(pairs)))
        with torch.cuda.stream(self._upload):
            raw = stage(pairs, layout, slot.memory_N).to(self.device)
            slot.busy = self._upload.record_event()
            infrared, luma, chroma = normalise(raw)
            ready = self._upload.record_event()
        for tensor in (infrared, luma, chroma):
            if tensor is not None:
                tensor.record_stream(self._compute)  # see [Lifetime across streams]
        return Batch(
            pairs=pairs,
            infrared_B1hw=infrared,
            luma_B1HW=luma,
            chroma_B2cc=chroma,
            prompts=(*prompts, *[prompts[-1]] * extra),
            rigs=(*rigs, *[rigs[-1]] * extra),
            ready=ready,
        )

    @contextmanager
    def compute(self, batch: Batch) -> Iterator[None]:
        """The compute stream, after the batch has arrived."""
        with torch.cuda.device(self.device), torch.cuda.stream(self._compute):
            if isinstance(batch.ready, torch.cuda.Event):
                self._compute.wait_event(batch.ready)
            yield

    def download(self, fused: Fused) -> Download:
        """Round on the compute stream, copy on the download stream."""
        luma, chroma = to_bytes(fused.luma_B1HW), to_bytes(fused.chroma_B2cc)
        slot = self.return_ring.acquire(luma.numel() + chroma.numel())
        self._download.wait_event(self._compute.record_event())
        with torch.cuda.stream(self._download):
            host_luma, host_chroma = _into(slot, luma, 0), _into(slot, chroma, luma.numel())
            done = self._download.record_event()
        for tensor in (luma, chroma):
            tensor.record_stream(self._download)  # see [Lifetime across streams]
        copying = _Copying(host_luma, host_chroma, done)
        slot.busy = copying
        return copying

    def memory_bytes(self) -> int:
        """Bytes that tensors hold on the device."""
        return torch.cuda.memory_allocated(self.device)


def _into(slot: Slot, tensor: torch.Tensor, offset: int) -> torch.Tensor:
    view = slot.memory_N[offset : offset + tensor.numel()].view(tensor.shape)
    view.copy_(tensor, non_blocking=True)
    return view
