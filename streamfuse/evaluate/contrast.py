"""SD, SF and AG: contrast of the fused picture alone, blind to where it comes from. Noise raises all three."""

import torch


def standard_deviation(fused_BHW: torch.Tensor) -> torch.Tensor:
    """SD = sqrt(mean (F - mean F)^2). (B,), grey levels.

    Rao, "In-fibre Bragg grating sensors", Meas. Sci. Technol. 8(4), 1997, is what papers on fusion cite.
    """
    return fused_BHW.double().flatten(1).std(1, correction=0)


def spatial_frequency(fused_BHW: torch.Tensor, *, white: int = 255) -> torch.Tensor:
    """SF = sqrt(mean (rows' differences)^2 + mean (columns' differences)^2). (B,), grey levels of `white`.

    Eskicioglu and Fisher, "Image quality measures and their performance", IEEE Trans. Commun. 43(12), 1995.
    """
    fused = fused_BHW.double()
    squares = [fused.diff(dim=axis).square().mean((1, 2)) for axis in (1, 2)]
    return (squares[0] + squares[1]).sqrt() * white / 255


def average_gradient(fused_BHW: torch.Tensor, *, divisor: str = "pixels") -> torch.Tensor:
    """AG = mean sqrt((Gx^2 + Gy^2) / 2), central differences, one-sided at borders. (B,), grey levels per pixel.

    Cui et al., "Detail preserved fusion of visible and infrared images", Opt. Commun. 341, 2015.
    """
    fused = fused_BHW.double()
    down, across = torch.gradient(fused, dim=(1, 2))
    total = ((down.square() + across.square()) / 2).sqrt().sum((1, 2))
    height, width = fused.shape[1:]
    return total / (height * width if divisor == "pixels" else (height - 1) * (width - 1))
