"""5. Batch and prompt -> Fused: one picture of what both cameras saw.

`classical` what rules share · `pixelwise` average and maximum · `laplacian` the pyramid · `single` one camera alone ·
`text_guided` the networks with their prompts · `words` prompts to embeddings · `weights_file` what weights are for · `recolour` chroma
of what was restored. Rules pass the visible camera's chroma through.
"""

from streamfuse.registry import Registry
from streamfuse.stages import Fuser

RULES = ("average", "maximum", "laplacian")
"""Entries that need no weights and read no words."""

FUSERS: Registry[Fuser] = Registry(
    "fuser",
    {
        "average": "streamfuse.fuse.pixelwise:Average",
        "maximum": "streamfuse.fuse.pixelwise:Maximum",
        "laplacian": "streamfuse.fuse.laplacian:Laplacian",
        "nano": "streamfuse.fuse.text_guided:nano",
        "upfusion": "streamfuse.fuse.text_guided:upfusion",
        "lure": "streamfuse.fuse.text_guided:lure",
        "textpixels": "streamfuse.fuse.text_guided:textpixels",
    },
)

__all__ = ["FUSERS", "RULES"]
