"""How much memory a network needs, known before it starts: its weights, and the activations alive at once at the worst moment.

Activations are counted in full-resolution channels. The numbers come from traced runs, and a test traces again; what a library takes for
itself inside one operation, and a semantic prior, are not in them.
"""

from dataclasses import dataclass
from typing import Literal

import torch

from streamfuse.errors import ConfigError
from streamfuse.networks.fast_blocks import STRIP_BYTES
from streamfuse.registry import suggestion

MULTIPLE_PX = 8
STRIP_MAPS = 4
"""Widened strips alive at once in a folded block: two, before and after their depthwise convolution."""

Size = Literal["base", "small"]
Text = Literal["guided", "published"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Full-resolution channels alive at the worst moment, per picture."""

    plain: int
    folded: int
    stripped: int | None = None
    """Of the folded ones, those that exist whole where a CPU works in strips of rows; None: it does not."""
    one_by_one: bool = False
    """Folded, on a CPU, the pictures of a batch go one by one."""


CHANNELS: dict[tuple[str, Size], Channels] = {
    # worst in the last full-resolution feed-forward step: widened maps (2 x 510 channels at base), its input, residual and skips
    ("upfusion", "base"): Channels(plain=1752, folded=1000, stripped=240, one_by_one=True),
    ("upfusion", "small"): Channels(plain=153, folded=84, stripped=36, one_by_one=True),
    # the same, beside the latents of both cameras
    ("lure", "base"): Channels(plain=1772, folded=1450, stripped=578),
    ("lure", "small"): Channels(plain=112, folded=100, stripped=58),
    # the finest level: features of both cameras, their fusion and its mask
    ("textpixels", "base"): Channels(plain=305, folded=300),
    ("textpixels", "small"): Channels(plain=153, folded=149),
    # base and detail of both pictures in cells, before and after their gains
    ("nano", "base"): Channels(plain=16, folded=16),
    ("nano", "small"): Channels(plain=16, folded=16),
}
WEIGHTS: dict[tuple[str, Size, Text], int] = {
    ("upfusion", "base", "guided"): 48_605_835,
    ("upfusion", "base", "published"): 49_047_580,
    ("upfusion", "small", "guided"): 2_115_935,
    ("lure", "base", "guided"): 19_165_102,
    ("lure", "small", "guided"): 2_109_540,
    ("textpixels", "base", "guided"): 1_823_649,
    ("textpixels", "small", "guided"): 510_483,
    ("nano", "base", "guided"): 225_757,
    ("nano", "small", "guided"): 225_757,
}
"""Parameters, for embeddings of 384. Written down: to build a network on torch's `meta` device, only to count, loads a compiler (2 s)."""


def peak_bytes(
    network_name: str,
    size: Size,
    text: Text,
    *,
    height: int,
    width: int,
    batch: int,
    dtype: torch.dtype,
    folded: bool = False,
    device: str = "cpu",
) -> int:
    """Weights and activations of one forward pass without gradients. Good to about 30 %; `folded`: by its `fold`."""
    known = dict.fromkeys(name for name, _ in CHANNELS)
    if (network_name, size) not in CHANNELS:
        raise ConfigError(f"no memory estimate for network {network_name!r}{suggestion(network_name, known)} (known: {', '.join(known)})")
    channels = CHANNELS[network_name, size]
    pixels = (height + -height % MULTIPLE_PX) * (width + -width % MULTIPLE_PX)
    channel_bytes = pixels * dtype.itemsize
    on_cpu = device == "cpu"
    at_once = 1 if folded and on_cpu and channels.one_by_one else batch
    needed = (channels.folded if folded else channels.plain) * channel_bytes * at_once
    if folded and on_cpu and at_once == 1 and channels.stripped is not None:
        strips_bytes = STRIP_MAPS * STRIP_BYTES * torch.get_num_threads()
        needed = min(needed, channels.stripped * channel_bytes + strips_bytes)
    return WEIGHTS.get((network_name, size, text), WEIGHTS[network_name, size, "guided"]) * dtype.itemsize + needed
