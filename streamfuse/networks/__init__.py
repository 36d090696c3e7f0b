"""The fusion networks as plain modules: pixels and a prompt's state in, a picture out. No files, no words, no devices.

`network` what all have in common · one file per network, and `fast_*` with its kernels folded for inference.
"""

from typing import TYPE_CHECKING, Any, Literal

from streamfuse.registry import Registry

if TYPE_CHECKING:
    from streamfuse.networks.network import FusionNetwork

NETWORKS: "Registry[FusionNetwork]" = Registry(
    "network",
    {
        "upfusion": "streamfuse.networks.upfusion:make",
        "lure": "streamfuse.networks.lure:make",
        "textpixels": "streamfuse.networks.textpixels:make",
        "nano": "streamfuse.networks.nano:make",
    },
)


def create(
    name: str, size: Literal["base", "small"] = "base", text: Literal["guided", "published"] = "guided", text_dim: int = 384, **options: Any
) -> "FusionNetwork":
    """A network with random weights. `text_dim`: width of the embeddings it will be given (384 for minilm, 512 for CLIP ViT-B)."""
    return NETWORKS.factory(name)(size=size, text=text, text_dim=text_dim, **options)


__all__ = ["NETWORKS", "create"]
