"""How much memory a network needs, known before it starts: its weights, and the activations alive at once at the worst moment.

Activations are counted in full-resolution channels. The numbers come from traced runs, and a test traces again; what a library takes for
itself inside one operation, and a semantic prior, are not in them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import torch

from streamfuse.errors import ConfigError
from streamfuse.networks import create
from streamfuse.networks.fast_blocks import STRIP_BYTES

MULTIPLE_PX = 8
STRIP_MAPS = 4
"""Widened strips alive at once in a folded block: two, before and after their depthwise convolution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a network is asked to do."""

    size: Literal["base", "small"]
    text: Literal["guided", "published"]
    channel_bytes: int
    """Of one full-resolution channel of one picture."""
    batch: int
    folded: bool
    strips_bytes: int | None
    """Folded, on a CPU: most that strips of rows take; pictures then go one by one. None: whole maps, the whole batch at once."""


def upfusion_bytes(job: Job) -> int:
    """Worst in the last full-resolution feed-forward step: two widened maps (2 x 510 channels at base), its input, residual and skips."""
    plain, kept, widened = (1752, 240, 680) if job.size == "base" else (153, 30, 51)
    if not job.folded:
        return plain * job.channel_bytes * job.batch
    if job.strips_bytes is None:
        return (kept + widened) * job.channel_bytes * job.batch
    return kept * job.channel_bytes + min(widened * job.channel_bytes, job.strips_bytes)


ACTIVATIONS: dict[str, Callable[[Job], int]] = {"upfusion": upfusion_bytes}
"""Activations alive at once, by the name of the network."""


def peak_bytes(
    network_name: str,
    size: Literal["base", "small"],
    text: Literal["guided", "published"],
    *,
    height: int,
    width: int,
    batch: int,
    dtype: torch.dtype,
    folded: bool = False,
    device: str = "cpu",
) -> int:
    """Weights and activations of one forward pass without gradients. Good to about 30 %; `folded`: by its `fold`."""
    if network_name not in ACTIVATIONS:
        raise ConfigError(f"no memory estimate for network {network_name!r} (known: {', '.join(ACTIVATIONS)})")
    pixels = (height + -height % MULTIPLE_PX) * (width + -width % MULTIPLE_PX)
    strips_bytes = STRIP_MAPS * STRIP_BYTES * torch.get_num_threads() if folded and device == "cpu" else None
    job = Job(size=size, text=text, channel_bytes=pixels * dtype.itemsize, batch=batch, folded=folded, strips_bytes=strips_bytes)
    return weights(network_name, size, text) * dtype.itemsize + ACTIVATIONS[network_name](job)


@cache
def weights(network_name: str, size: Literal["base", "small"], text: Literal["guided", "published"]) -> int:
    """Number of parameters, counted without allocating any."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in create(network_name, size, text).parameters())
