"""How far a fused picture is from the one that was wanted.

Legend: B batch, C channels, H W pixels. Pictures in [0, 1]; each loss is a scalar, 0 where both are the same.
"""

import torch
from torch.nn.functional import conv2d

from streamfuse.colour import BLUE, RED, luma_of

EPS = 1e-3
"""Below this difference the Charbonnier loss is quadratic: a quarter of a grey level."""
LOG_FLOOR = 1e-3
"""An MSE, that of 30 dB: what comes nearer is not worth a picture that stays far off."""


def charbonnier(fused_BCHW: torch.Tensor, wanted_BCHW: torch.Tensor) -> torch.Tensor:
    """sqrt(d^2 + eps^2) - eps, mean over pixels (Charbonnier et al. 1994)."""
    return ((fused_BCHW - wanted_BCHW).square() + EPS**2).sqrt().mean() - EPS


def log_error(fused_BCHW: torch.Tensor, wanted_BCHW: torch.Tensor, floor: float = LOG_FLOOR) -> torch.Tensor:
    """(B,) a tenth of ln(MSE + floor): PSNR by another scale, which counts a decibel of a bad picture as one of a good picture.

    Beyond the floor little is gained. Unlike the others, it is not 0 where both are the same.
    """
    return ((fused_BCHW - wanted_BCHW).square().mean((1, 2, 3)) + floor).log() / 10


def gradient_difference(fused_BCHW: torch.Tensor, wanted_BCHW: torch.Tensor) -> torch.Tensor:
    """|dx f - dx w| + |dy f - dy w|, forward differences, mean over pixels (as Mathieu et al. 2016, eq. 6, at alpha 1)."""
    d = fused_BCHW - wanted_BCHW
    return d.diff(dim=3).abs().mean() + d.diff(dim=2).abs().mean()


def chroma_difference(fused_B3HW: torch.Tensor, wanted_B3HW: torch.Tensor) -> torch.Tensor:
    """|Cb - Cb'| + |Cr - Cr'| of BT.601 at full resolution, mean over pixels. What both have in common in luma does not matter."""
    d = fused_B3HW - wanted_B3HW
    red, _, blue = d.split(1, dim=1)  # type: ignore[no-untyped-call]
    luma = luma_of(d)
    blueness, redness = (blue - luma) / (2 * (1 - BLUE)), (red - luma) / (2 * (1 - RED))
    return 2 * torch.stack([blueness, redness]).abs().mean()


SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2  # Wang et al. 2004, for pictures in [0, 1]
SOBEL_X = ((-1.0, 0.0, 1.0), (-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0))


def ssim(a_B1HW: torch.Tensor, b_B1HW: torch.Tensor) -> torch.Tensor:
    """Structural similarity (Wang et al. 2004, eq. 13), Gaussian window, zeros outside the picture; mean, 1 where both are the same.

    In full precision: variances are small differences of squares, of which bf16 leaves nothing.
    """
    with torch.autocast(a_B1HW.device.type, enabled=False):
        return _ssim(a_B1HW.float(), b_B1HW.float())


def _ssim(a_B1HW: torch.Tensor, b_B1HW: torch.Tensor) -> torch.Tensor:
    line = torch.exp(-((torch.arange(SSIM_WINDOW, device=a_B1HW.device) - SSIM_WINDOW // 2) ** 2) / (2 * SSIM_SIGMA**2))
    line = line / line.sum()

    def blurred(x_B1HW: torch.Tensor) -> torch.Tensor:
        pad = SSIM_WINDOW // 2
        along = conv2d(x_B1HW, line.view(1, 1, 1, -1), padding=(0, pad))
        return conv2d(along, line.view(1, 1, -1, 1), padding=(pad, 0))

    mean_a, mean_b = blurred(a_B1HW), blurred(b_B1HW)
    var_a = blurred(a_B1HW * a_B1HW) - mean_a**2
    var_b = blurred(b_B1HW * b_B1HW) - mean_b**2
    cov = blurred(a_B1HW * b_B1HW) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + SSIM_C1) * (2 * cov + SSIM_C2)
    return (likeness / ((mean_a**2 + mean_b**2 + SSIM_C1) * (var_a + var_b + SSIM_C2))).mean()


def sobel(x_B1HW: torch.Tensor) -> torch.Tensor:
    """|gx| + |gy| by Sobel's 3x3 kernels, zeros outside the picture; same shape."""
    with torch.autocast(x_B1HW.device.type, enabled=False):
        kernel = torch.tensor(SOBEL_X, device=x_B1HW.device)
        kernels_2133 = torch.stack([kernel, kernel.T])[:, None]
        return conv2d(x_B1HW.float(), kernels_2133, padding=1).abs().sum(1, keepdim=True)


def upfusion_terms(infrared_B1HW: torch.Tensor, visible_B1HW: torch.Tensor, fused_B1HW: torch.Tensor) -> dict[str, torch.Tensor]:
    """The three terms of UP-Fusion (arXiv 2511.12432; the authors' code), before their weights of 10 each.

    intensity  mean |f - max(v, i)|
    edges      mean |S(f) - max(S(v), S(i))|, S by `sobel`
    structure  1 - (w_v SSIM(v, f) + w_i SSIM(i, f)), w_v = mean S(v) / (mean S(v) + mean S(i)) over the batch
    """
    edges_i, edges_v = sobel(infrared_B1HW), sobel(visible_B1HW)
    share_v = edges_v.mean() / (edges_v.mean() + edges_i.mean()).clamp_min(1e-6)
    similar = share_v * ssim(visible_B1HW, fused_B1HW) + (1 - share_v) * ssim(infrared_B1HW, fused_B1HW)
    return {
        "intensity": (fused_B1HW - torch.maximum(visible_B1HW, infrared_B1HW)).abs().mean(),
        "edges": (sobel(fused_B1HW) - torch.maximum(edges_v, edges_i)).abs().mean(),
        "structure": 1 - similar,
    }
