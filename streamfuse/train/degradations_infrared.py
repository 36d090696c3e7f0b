"""What ails an infrared camera: `draw_X` draws everything by chance once, `X` spoils pictures (N, 1, H, W) in [0, 1] with it.

The strength (N, 1, 1, 1) lies in [0, 1]. Results may leave [0, 1]; `degradations` clips. Legend: N items with a fault, H W pixels.
"""

import torch
from torch.nn.functional import interpolate

from streamfuse.train.degradations_chance import cloud, grain, normal, uniform

Size = tuple[int, int]
Drawn = tuple[torch.Tensor, ...]
COARSEST = 3.0
"""How many pixels more than one, at most, a pixel of a coarse camera covers along an edge."""


def draw_low_contrast(strength: torch.Tensor, _size: Size, draw: torch.Generator) -> Drawn:
    """Everything is about as warm as everything else: the grey levels fill a narrow band, which lies anywhere."""
    count = len(strength)
    span = 1 - strength * uniform(0.6, 0.88, count, draw)
    return span, uniform(0.1, 0.9, count, draw) * (1 - span)


def low_contrast(picture: torch.Tensor, span: torch.Tensor, floor: torch.Tensor) -> torch.Tensor:
    """Gives floor + span * x."""
    return torch.addcmul(floor, span, picture)


def draw_stripes(strength: torch.Tensor, size: Size, draw: torch.Generator) -> Drawn:
    """Each column of a microbolometer has its own amplifier, with its own offset and gain; at times rows have too."""
    count, (height, width) = len(strength), size
    narrow = normal(count, 1, (1, width), draw)
    broad = interpolate(normal(count, 1, (1, max(2, width // 10)), draw), size=(1, width), mode="bicubic")
    columns = torch.lerp(narrow, broad, uniform(0.0, 0.6, count, draw))
    rows = normal(count, 1, (height, 1), draw) * (uniform(0, 1, count, draw) < 0.25) * uniform(0.1, 0.25, count, draw)
    offset = strength * uniform(0.06, 0.13, count, draw) * (columns + rows)
    gain = 1 + strength * uniform(0.0, 0.1, count, draw) * normal(count, 1, (1, width), draw)
    return gain, offset


def stripes(picture: torch.Tensor, gain: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
    """Gives gain * x + offset, the same all along a column or row."""
    return torch.addcmul(offset, gain, picture)


def draw_noise(strength: torch.Tensor, size: Size, draw: torch.Generator) -> Drawn:
    """Grain, the same in the dark and in the light, in patches a little stronger."""
    count = len(strength)
    level = strength * uniform(0.06, 0.14, count, draw)
    return (level * (0.7 + 0.6 * cloud(count, size, draw, octaves=1)) * grain(count, 1, size, draw),)


def noise(picture: torch.Tensor, grains: torch.Tensor) -> torch.Tensor:
    """Gives x + n."""
    return picture + grains


def draw_low_resolution(strength: torch.Tensor, size: Size, draw: torch.Generator) -> Drawn:
    """A camera of up to four times fewer pixels along an edge, enlarged: two matrices, since rows and columns do not mix."""
    count = len(strength)
    cell = 1 + COARSEST * strength * uniform(0.6, 1.0, count, draw)
    softness = 0.2 + (1 - 1 / cell) * uniform(0.2, 0.45, count, draw)
    return tuple(_coarse(length, cell[:, 0], softness[:, 0], uniform(0, 1, count, draw)[:, 0])[:, None] for length in size)


def low_resolution(picture: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Gives R x C^T."""
    return rows @ picture @ columns.mT


def _coarse(length: int, cell_N11: torch.Tensor, softness_N11: torch.Tensor, phase_N11: torch.Tensor) -> torch.Tensor:
    """(N, length, length): weighs pixels into cells with a Gaussian of `softness` cells, then interpolates linearly between cells."""
    pixels = torch.arange(length, dtype=cell_N11.dtype, device=cell_N11.device)
    centres = (pixels.view(1, -1, 1) - phase_N11) * cell_N11  # more of them than there are cells: the rest lies outside
    apart = (pixels.view(1, 1, -1) - centres) / cell_N11
    down = (-0.5 * (apart / softness_N11) ** 2).exp()
    down = down / down.sum(2, keepdim=True).clamp_min(1e-12)
    up = (1 - apart.abs()).clamp_min(0).mT * (centres.mT > -cell_N11) * (centres.mT < length - 1 + cell_N11)
    return up / up.sum(2, keepdim=True) @ down
