"""SSIM and MS-SSIM: structure that the fused picture has in common with each camera."""

from typing import NamedTuple

import torch
from torch.nn.functional import avg_pool2d, pad

from streamfuse.evaluate.window import Taps, gaussian, uniform, windowed

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Of MS-SSIM's five scales; table in section 3.2 of the paper."""
LEAST_EDGE_PX = 176
"""Of MS-SSIM: at the fifth scale, a sixteenth, the window of 11 must fit."""


class Form(NamedTuple):
    """One of the published forms."""

    taps: Taps
    levels: float
    """The range L of the constants (0.01 L)^2 and (0.03 L)^2."""
    sources: str
    """`mean` or `sum` over both."""
    border: str
    """`valid`: whole windows only; `replicate`: the edge pixels go on."""
    sample: bool = False
    """Variances over n - 1."""
    odd: str = "dropped"
    """The last row or column of an odd size, between scales: `dropped`, or `padded` with one of zeros before the first."""


GAUSSIAN = gaussian(11, 1.5)
FORMS = {
    "mean": Form(GAUSSIAN, 255, "mean", "valid"),
    "sum": Form(GAUSSIAN, 255, "sum", "valid"),
    "cddfuse": Form(uniform(7), 2, "sum", "valid", sample=True),
    "matlab": Form(GAUSSIAN, 1, "mean", "replicate"),
    "zoo": Form(GAUSSIAN, 1, "sum", "valid", odd="padded"),
}


def structural_similarity(
    infrared_BHW: torch.Tensor, visible_BHW: torch.Tensor, fused_BHW: torch.Tensor, *, form: str = "mean"
) -> torch.Tensor:
    """SSIM = mean over windows and sources of (2 mx mf + C1)(2 sxf + C2) / ((mx^2 + mf^2 + C1)(sx^2 + sf^2 + C2)). (B,), -1 to 1.

    Gaussian window of 11 pixels, sigma 1.5, whole windows only, C1 = (0.01 L)^2, C2 = (0.03 L)^2, L = 255. Wang et al., "Image quality
    assessment: from error visibility to structural similarity", IEEE Trans. Image Process. 13(4), 2004. `form`: a published variant.
    """
    chosen, fused = FORMS[form], fused_BHW.double()
    parts = [_means(source.double(), fused, chosen)[0] for source in (infrared_BHW, visible_BHW)]
    return _over(parts, chosen)


def multi_scale_similarity(
    infrared_BHW: torch.Tensor, visible_BHW: torch.Tensor, fused_BHW: torch.Tensor, *, form: str = "mean"
) -> torch.Tensor:
    """MS-SSIM = product over five scales of cs^w, and of SSIM^w at the coarsest; mean over the sources. (B,), 0 to 1.

    cs = (2 sxf + C2) / (sx^2 + sf^2 + C2), negative means count 0; each scale is the one before, averaged over 2 x 2. Wang, Simoncelli and
    Bovik, "Multiscale structural similarity for image quality assessment", Asilomar 2003. Pictures of 176 pixels at least.
    """
    chosen, fused = FORMS[form], fused_BHW.double()
    return _over([_scales(source.double(), fused, chosen) for source in (infrared_BHW, visible_BHW)], chosen)


def _scales(source_BHW: torch.Tensor, fused_BHW: torch.Tensor, form: Form) -> torch.Tensor:
    product = torch.ones(len(source_BHW), dtype=torch.float64, device=source_BHW.device)
    for i, weight in enumerate(SCALE_WEIGHTS):
        whole, structure = _means(source_BHW, fused_BHW, form)
        product = product * (whole if i == len(SCALE_WEIGHTS) - 1 else structure).clamp_min(0) ** weight
        source_BHW, fused_BHW = _halved(source_BHW, form), _halved(fused_BHW, form)
    return product


def _halved(x_BHW: torch.Tensor, form: Form) -> torch.Tensor:
    margin = (x_BHW.shape[1] % 2, x_BHW.shape[2] % 2) if form.odd == "padded" else 0
    return avg_pool2d(x_BHW[:, None], 2, padding=margin)[:, 0]


def _means(x_BHW: torch.Tensor, y_BHW: torch.Tensor, form: Form) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean of SSIM and of its part without the means, over all windows: (B,), (B,)."""
    if form.border == "replicate":
        margin = (len(form.taps) // 2,) * 4
        x_BHW, y_BHW = (pad(z[:, None], margin, mode="replicate")[:, 0] for z in (x_BHW, y_BHW))
    mean_x, mean_y = windowed(x_BHW, form.taps), windowed(y_BHW, form.taps)
    square_x, square_y, product = mean_x.square(), mean_y.square(), mean_x * mean_y
    count = len(form.taps) ** 2
    scale = count / (count - 1) if form.sample else 1.0
    spread = (windowed(x_BHW.square(), form.taps) - square_x + windowed(y_BHW.square(), form.taps) - square_y) * scale
    shared = (windowed(x_BHW * y_BHW, form.taps) - product) * scale
    c1, c2 = (0.01 * form.levels) ** 2, (0.03 * form.levels) ** 2
    structure = (2 * shared + c2) / (spread + c2)
    return ((2 * product + c1) / (square_x + square_y + c1) * structure).mean((1, 2)), structure.mean((1, 2))


def _over(parts: list[torch.Tensor], form: Form) -> torch.Tensor:
    total = parts[0] + parts[1]
    return total / 2 if form.sources == "mean" else total
