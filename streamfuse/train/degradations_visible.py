"""What ails a visible camera: `draw_X` draws everything by chance once, `X` spoils RGB pictures (N, 3, H, W) in [0, 1] with it.

The strength (N, 1, 1, 1) lies in [0, 1]. Results may leave [0, 1]; `degradations` clips. Legend: N items with a fault, H W pixels.
"""

import torch
from torch.nn.functional import avg_pool2d, interpolate

from streamfuse.train.degradations_chance import cloud, convolved, disc, grain, line, normal, turn, uniform

Size = tuple[int, int]
Drawn = tuple[torch.Tensor, ...]
GLOW_CELLS = 16
"""A glow is as coarse as this many cells along an edge."""
LAMPS = 2


def draw_haze(strength: torch.Tensor, size: Size, draw: torch.Generator) -> Drawn:
    """Fog thickens with the distance, which grows towards the top; smoke hangs in patches; most of what is seen is between the two.

    At full strength the coefficients of scattering are those of RESIDE (Li et al. 2019, section III: 0.6 to 1.8).
    """
    count = len(strength)
    patches = cloud(count, size, draw)
    distance = torch.linspace(1.7, 0.3, size[0], device=draw.device).view(1, 1, -1, 1)
    smoke = uniform(0.0, 1.0, count, draw)
    density = torch.lerp(distance * (0.6 + 0.8 * patches), 2.6 * patches * patches.sqrt(), smoke)
    through = (-strength * uniform(0.6, 1.8, count, draw) * density).exp()
    airlight = uniform(0.55, 0.95, count, draw) * (1 + 0.015 * normal(count, 3, (1, 1), draw))
    return through, airlight


def haze(picture: torch.Tensor, through: torch.Tensor, airlight: torch.Tensor) -> torch.Tensor:
    """I = J t + A (1 - t), with t = exp(-beta d): Koschmieder's law (H. Koschmieder, 1924)."""
    return torch.lerp(airlight, picture, through)


def draw_rain(strength: torch.Tensor, size: Size, draw: torch.Generator) -> Drawn:
    """Drops fall one way in a picture, and streak as far as they fall during the exposure."""
    count = len(strength)
    chance = torch.rand(count, 1, *size, generator=draw, device=draw.device)
    density = strength * uniform(0.008, 0.03, count, draw)
    drops = (1 - chance / density.clamp_min(1e-6)).clamp_min(0)
    length = uniform(6.0, 13.0, count, draw)
    streaks = convolved(drops, line(uniform(-0.6, 0.6, count, draw), length)) * length
    cover = (streaks * uniform(0.5, 1.0, count, draw)).clamp_max(0.9)
    return cover, uniform(0.65, 0.95, count, draw), strength * uniform(0.05, 0.25, count, draw)


def rain(picture: torch.Tensor, cover: torch.Tensor, light: torch.Tensor, mist: torch.Tensor) -> torch.Tensor:
    """Streaks as bright as the sky over a picture that the rain behind them greys a little."""
    greyed = torch.lerp(picture, 0.7 * light, mist)
    return torch.lerp(greyed, light, cover)


def draw_blur(strength: torch.Tensor, _size: Size, draw: torch.Generator) -> Drawn:
    """Out of focus, or moved while the shutter was open: one or the other."""
    count = len(strength)
    unfocused = disc(0.3 + strength * uniform(1.4, 2.3, count, draw))
    moved = line(turn(count, draw), 1 + strength * uniform(7.0, 12.0, count, draw))
    return (torch.where(uniform(0, 1, count, draw) < 0.5, unfocused, moved),)


def blur(picture: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Convolution with the kernel of each item."""
    return convolved(picture, kernel)


def draw_darkness(strength: torch.Tensor, size: Size, draw: torch.Generator) -> Drawn:
    """Little light, a tone curve that crushes shadows, and the noise that a sensor has in the dark."""
    count = len(strength)
    gamma = 1 + strength * uniform(0.1, 0.7, count, draw)
    gain = (-strength * uniform(1.0, 2.1, count, draw)).exp() * (1 + 0.04 * strength * normal(count, 3, (1, 1), draw))
    return gamma, gain, strength * uniform(0.002, 0.012, count, draw) * grain(count, 3, size, draw)


def darkness(picture: torch.Tensor, gamma: torch.Tensor, gain: torch.Tensor, dark_noise: torch.Tensor) -> torch.Tensor:
    """Gives gain * x^gamma + noise."""
    return torch.addcmul(dark_noise, gain, picture.clamp_min(0) ** gamma)


def draw_glare(strength: torch.Tensor, size: Size, draw: torch.Generator) -> Drawn:
    """Too long an exposure, lamps that shine into the lens with their halos, and stray light over everything."""
    count = len(strength)
    exposure = 1 + strength * uniform(0.2, 0.9, count, draw)
    lamps = torch.zeros(count, 1, *size, device=draw.device)
    for _ in range(LAMPS):
        lamps += uniform(0.0, 1.3, count, draw) * _halo(count, size, draw)
    colour = 1 + 0.06 * normal(count, 3, (1, 1), draw)
    veil = uniform(0.05, 0.25, count, draw)
    return exposure, strength * (lamps + veil) * colour, strength * uniform(0.2, 0.8, count, draw)


def glare(picture: torch.Tensor, exposure: torch.Tensor, stray: torch.Tensor, glow: torch.Tensor) -> torch.Tensor:
    """Gives exposure * x + stray light + a glow around what is bright: the sensor adds light, and clips."""
    height, width = picture.shape[2:]
    cell = max(1, min(height, width) // GLOW_CELLS)
    bright = avg_pool2d((exposure * picture - 0.75).clamp(0, 0.6), cell, ceil_mode=True, count_include_pad=False)
    spread = interpolate(avg_pool2d(bright, 3, 1, 1, count_include_pad=False), size=(height, width), mode="bilinear")
    return torch.addcmul(torch.addcmul(stray, exposure, picture), glow, spread)


def draw_noise(strength: torch.Tensor, size: Size, draw: torch.Generator) -> Drawn:
    """Grain that is partly the same in all three channels; how much of it grows with the light differs."""
    count = len(strength)
    colour = uniform(0.2, 1.0, count, draw)
    grains = (1 - colour**2).sqrt() * grain(count, 1, size, draw) + colour * grain(count, 3, size, draw)
    return strength * grains, uniform(0.04, 0.1, count, draw), uniform(0.0, 0.1, count, draw)


def noise(picture: torch.Tensor, grains: torch.Tensor, read: torch.Tensor, shot: torch.Tensor) -> torch.Tensor:
    """Gives x + n sqrt(read^2 + shot^2 x): noise of reading, and of counting photons, whose variance grows with the light."""
    return torch.addcmul(picture, grains, torch.addcmul(read**2, shot**2, picture.clamp_min(0)).sqrt())


def _halo(count: int, size: Size, draw: torch.Generator) -> torch.Tensor:
    """(N, 1, H, W) 1 at a lamp somewhere in the picture, falling off as (1 + (r / r0)^2)^-1.5."""
    down = torch.linspace(0, 1, size[0], device=draw.device).view(1, 1, -1, 1) - uniform(0, 1, count, draw)
    across = torch.linspace(0, 1, size[1], device=draw.device).view(1, 1, 1, -1) - uniform(0, 1, count, draw)
    nearness = 1 + (down**2 + across**2) / uniform(0.04, 0.25, count, draw) ** 2
    return (nearness * nearness.sqrt()).reciprocal()
