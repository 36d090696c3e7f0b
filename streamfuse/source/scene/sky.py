"""The sky: brighter towards the horizon, with clouds by day, a few stars and the glow of the town by night. Cold in infrared."""

import numpy as np
from numpy.typing import NDArray

from streamfuse.source.scene.light import Light
from streamfuse.source.scene.palette import linear
from streamfuse.source.scene.texture import Texture

ZENITH, HORIZON, CLOUD = linear(0x4E86C2) * 1.3, linear(0xC9DCEA) * 1.25, linear(0xFFFFFF) * 1.35
NIGHT_ZENITH, NIGHT_HORIZON = linear(0x0B1226), linear(0x2A2B3A)
HORIZON_C, ZENITH_C = -1.0, -24.0


def sky(directions_N3: NDArray[np.float32], light: Light, texture: Texture) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Light (N, 3) and apparent temperature (N,) of the sky in these directions."""
    flat = np.hypot(directions_N3[:, 0], directions_N3[:, 1])
    climb = np.clip(directions_N3[:, 2] / flat, 0.0, 1.0)
    to_plane = 1.0 / (climb + 0.12)  # clouds lie on a plane above, so they crowd together at the horizon
    u, v = directions_N3[:, 0] / flat * to_plane, directions_N3[:, 1] / flat * to_plane
    puffs = texture.at(texture.broad, u, v * 0.6, 34.0) + 0.5 * texture.at(texture.broad, u + 3, v, 90.0)
    cloud = np.clip((puffs - 0.1) / 1.5, 0.0, 1.0) ** 1.2 * 0.85
    rise = np.clip(climb * 3.2, 0.0, 1.0)[:, None] ** 0.8
    day = HORIZON * (1 - rise) + ZENITH * rise
    day += cloud[:, None] * (CLOUD - day)
    dark = NIGHT_HORIZON * (1 - rise) + NIGHT_ZENITH * rise + 0.006 * cloud[:, None]
    stars = (texture.at(texture.dots, u * 3, v * 3, 60.0) > 3.4) & (cloud < 0.1)
    dark[stars] += 0.25
    share = light.night**0.6
    seen = day ** (1 - share) * dark**share
    celsius = HORIZON_C + (ZENITH_C - HORIZON_C) * rise[:, 0] + 9.0 * cloud
    return seen.astype(np.float32), celsius.astype(np.float32)
