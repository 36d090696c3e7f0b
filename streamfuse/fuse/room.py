"""Whether a network fits into memory at the size of the pictures, asked before it runs there."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from streamfuse.errors import DeviceError
from streamfuse.fuse.precision import DTYPES, Precision
from streamfuse.networks.memory import Size, Text, peak_bytes

MEMINFO = Path("/proc/meminfo")
CGROUP = Path("/sys/fs/cgroup")
SHRINK = 0.9
"""Steps by which a size that would fit is looked for."""
SMALLEST_PX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a network is to do at once."""

    network: str
    size: Size
    precision: Precision
    device: torch.device
    text: Text = "guided"
    height: int = SMALLEST_PX
    width: int = SMALLEST_PX
    batch: int = 1
    folded: bool = True
    """One prompt for all items."""

    @property
    def needed_bytes(self) -> int:
        """Weights and activations."""
        return peak_bytes(
            self.network,
            self.size,
            self.text,
            height=self.height,
            width=self.width,
            batch=self.batch,
            dtype=DTYPES[self.precision],
            folded=self.folded,
            device=self.device.type,
        )

    def __str__(self) -> str:
        return f"{self.network}-{self.size} at {self.width}x{self.height}, batch {self.batch}, in {self.precision}"


class Room:
    """One network on one device. For one thread."""

    def __init__(self, network: str, size: Size, precision: Precision, device: torch.device, text: Text = "guided") -> None:
        """`DeviceError` where not even its weights fit."""
        self._least = Work(network=network, size=size, precision=precision, device=device, text=text)
        self._fits: set[tuple[int, int, int, bool]] = set()
        ask(self._least)

    def ask(self, pictures_BCHW: torch.Tensor, *, folded: bool) -> None:
        """`DeviceError` where pictures of this size and number would not fit. Asked once per size; then it costs a look into a set."""
        batch, _, height, width = pictures_BCHW.shape
        if (height, width, batch, folded) not in self._fits:
            ask(replace(self._least, height=height, width=width, batch=batch, folded=folded))
            self._fits.add((height, width, batch, folded))


def ask(work: Work) -> None:
    """`DeviceError` where it does not fit: how much it needs, how much there is, what would fit."""
    free, needed = free_bytes(work.device), work.needed_bytes
    if free is None or needed <= free:
        return
    fitting = [f"{how} ({_gb(less.needed_bytes)})" for how, less in _lesser(work) if less.needed_bytes <= free]
    would = "; ".join(fitting) or "no form of this network; take fuse.kind blend, which needs next to nothing"
    raise DeviceError(f"{work} needs about {_gb(needed)} of memory, and {_gb(free)} are free on {work.device}. What would fit: {would}")


def free_bytes(device: torch.device) -> int | None:
    """Memory that a network could still take on a device; None where nobody says."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return int(free) + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    limits = [limit for limit in (_of_the_machine(), _of_the_container()) if limit is not None]
    return min(limits, default=None)


def _lesser(work: Work) -> Iterator[tuple[str, Work]]:
    """One change each, in the words of the config; of the smaller pictures only the largest that fit."""
    if work.size == "base" and work.text == "guided":
        yield "fuse.size small", replace(work, size="small")
    if work.precision == "fp32":
        yield "fuse.precision bf16", replace(work, precision="bf16")
    if not work.folded:
        yield "the same prompt for all streams", replace(work, folded=True)
    if work.batch > 1:
        yield "batch.size 1", replace(work, batch=1)
    free = free_bytes(work.device) or 0
    height, width = work.height * SHRINK, work.width * SHRINK
    while min(height, width) >= SMALLEST_PX:
        smaller = replace(work, height=int(height), width=int(width))
        if smaller.needed_bytes <= free:
            yield f"pictures of {smaller.width}x{smaller.height}", smaller
            return
        height, width = height * SHRINK, width * SHRINK


def _of_the_machine() -> int | None:
    """Linux: what programs can have without swapping."""
    return _figure(MEMINFO, "MemAvailable:", 1024)


def _of_the_container() -> int | None:
    """Control groups, version 2: the limit of a container, less what it has in use and cannot give back."""
    try:
        limit, used = ((CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return None
    files = _figure(CGROUP / "memory.stat", "inactive_file", 1) or 0
    return int(limit) - int(used) + files if limit.isdigit() else None


def _figure(path: Path, name: str, unit: int) -> int | None:
    """The number behind `name` in a file of lines."""
    if not path.is_file():
        return None
    lines = [line.split() for line in path.read_text().splitlines()]
    return next((int(words[1]) * unit for words in lines if words[0] == name), None)


def _gb(count: int) -> str:
    return f"{count / 1e9:.2g} GB"
