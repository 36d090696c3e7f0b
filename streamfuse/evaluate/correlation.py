"""CC, SCD and PSNR: how far the fused picture goes with both cameras, pixel by pixel."""

import torch


def correlation(infrared_BHW: torch.Tensor, visible_BHW: torch.Tensor, fused_BHW: torch.Tensor) -> torch.Tensor:
    """CC = (r(A, F) + r(B, F)) / 2 with Pearson's r. (B,), -1 to 1. A flat picture correlates with nothing: 0.

    Deshmukh and Bhosale, "Image fusion and image quality assessment of fused images", Int. J. Image Process. 4(5), 2010.
    """
    return (pearson(infrared_BHW, fused_BHW) + pearson(visible_BHW, fused_BHW)) / 2


def sum_of_correlations_of_differences(infrared_BHW: torch.Tensor, visible_BHW: torch.Tensor, fused_BHW: torch.Tensor) -> torch.Tensor:
    """SCD = r(F - B, A) + r(F - A, B). (B,), -2 to 2: what is there beyond one camera should be the other.

    Aslantas and Bendes, "A new image quality metric for image fusion", AEU Int. J. Electron. Commun. 69(12), 2015.
    """
    a, b, fused = infrared_BHW.double(), visible_BHW.double(), fused_BHW.double()
    return pearson(fused - b, a) + pearson(fused - a, b)


def peak_signal_to_noise(
    infrared_BHW: torch.Tensor, visible_BHW: torch.Tensor, fused_BHW: torch.Tensor, *, peak: str = "peak"
) -> torch.Tensor:
    """PSNR = 10 log10(255^2 / MSE), MSE = (mean (A - F)^2 + mean (B - F)^2) / 2. (B,), dB; infinite where all three are equal.

    Jagalingam and Hegde, "A review of quality metrics for fused image", Aquat. Procedia 4, 2015.
    """
    fused = fused_BHW.double()
    errors = [(source.double() - fused).square().mean((1, 2)) for source in (infrared_BHW, visible_BHW)]
    error = (errors[0] + errors[1]) / 2
    if peak == "maximum":
        return 10 * torch.log10(fused.amax((1, 2)) ** 2 / error)
    return 10 * torch.log10((255 * 255 if peak == "zoo" else 255) ** 2 / error)


def pearson(x_BHW: torch.Tensor, y_BHW: torch.Tensor) -> torch.Tensor:
    """Pearson's r = cov(x, y) / sqrt(var x var y) of each picture. (B,); 0 where one of them is flat."""
    x, y = (z.double().flatten(1) for z in (x_BHW, y_BHW))
    x, y = x - x.mean(1, keepdim=True), y - y.mean(1, keepdim=True)
    spread = (x.square().sum(1) * y.square().sum(1)).sqrt()
    return torch.where(spread > 0, (x * y).sum(1) / spread, 0)
