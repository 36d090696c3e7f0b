"""5. Batch and prompt -> Fused: one picture of what both cameras saw.

Rules: `classical` what they share · `pixelwise` average and maximum · `laplacian` the pyramid · `blend` maximum, pyramid and sum ·
`salience` a pyramid by neighbourhood, the reference formula. They pass the visible camera's chroma through. `single` is one camera alone.
Networks: `text_guided` with their prompts · `prompt_state` all that a prompt sets · `words` prompts to embeddings · `weights_file` what
weights are for · `recolour` chroma of what was restored · `latents` a slow camera's, kept.
`auto_prompt` finds its own dials, by `ailments`, by `picture_facts`.
What runs them: `runtime` chosen by name · `folds` torch · `compiled` OpenVINO · `graphs` CUDA · `precision` · `room` whether they fit.
"""

from streamfuse.registry import Registry
from streamfuse.stages import Fuser

RULES = ("average", "maximum", "laplacian", "blend", "salience")
"""Entries that need no weights and read no words."""

WITH_DIALS = ("nano", "upfusion", "lure", "textpixels")
"""Entries whose dials a prompt may turn by hand, or `auto`, in their size `small`."""

FUSERS: Registry[Fuser] = Registry(
    "fuser",
    {
        "average": "streamfuse.fuse.pixelwise:Average",
        "maximum": "streamfuse.fuse.pixelwise:Maximum",
        "laplacian": "streamfuse.fuse.laplacian:Laplacian",
        "blend": "streamfuse.fuse.blend:Blend",
        "salience": "streamfuse.fuse.salience:Salience",
        "nano": "streamfuse.fuse.text_guided:nano",
        "upfusion": "streamfuse.fuse.text_guided:upfusion",
        "lure": "streamfuse.fuse.text_guided:lure",
        "textpixels": "streamfuse.fuse.text_guided:textpixels",
    },
)

__all__ = ["FUSERS", "RULES", "WITH_DIALS"]
