"""Text-to-Pixels made small: the same network behind the dials, and a full-resolution residual to a classical fusion.

infrared, visible --> front (dials) --+---------------- a classical fusion ---------------+
                                      |                                                  + --> fused
                                      +- extractors, text-guided fusions, codebook, decoder -+

Words reach it twice: as dials, which act on both pictures and lean on the text's vector, and as the vector itself.
"""

import torch

from streamfuse.networks.blend import Blend
from streamfuse.networks.dialled import DialledNetwork
from streamfuse.networks.film import dial_layer
from streamfuse.networks.front import Front
from streamfuse.networks.network import Embeddings, State
from streamfuse.networks.textpixels import Plan, TextPixels, Trace

SMALL = Plan(widths=(16, 32, 64), convolutions=1, codes=256, code_width=64, text_width=64)


class TextPixelsSmall(DialledNetwork, TextPixels):
    """Luma in, luma out."""

    def __init__(self, text_dim: int) -> None:
        super().__init__(text_dim, SMALL, "small")
        self.front = Front(text_dim)
        self.blend = Blend()
        self.lean = dial_layer(SMALL.text_width)

    def with_dials(self, dials_PN: torch.Tensor, words: Embeddings | None = None) -> State:
        """`dials`, and what `TextPixels.encode_text` gives."""
        text_PT = self.lean(self.front.luma(dials_PN))
        if words is not None:
            text_PT = text_PT + self.text_vector(*words)
        return {"dials": dials_PN, **self.said(text_PT)}

    def trace(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor, state: State) -> Trace:
        """The pictures of the losses are those behind the dials."""
        infrared_B1HW, visible_B1HW = self.front(infrared_B1HW, visible_B1HW, state)
        return super().trace(infrared_B1HW, visible_B1HW, state)

    def ground(self, infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor) -> torch.Tensor:
        """The classical fusion."""
        blended: torch.Tensor = self.blend.of_pictures(infrared_B1HW, visible_B1HW)
        return blended
