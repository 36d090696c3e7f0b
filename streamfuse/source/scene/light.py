"""Sun, sky, street lamps and fog: how much light and warmth reaches a point of the street, by day and by night."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamfuse.source.scene import street
from streamfuse.source.scene.palette import linear

SUN = np.array([-0.40, -0.48, 0.78]) / np.linalg.norm([-0.40, -0.48, 0.78])  # towards the sun: from the left, behind the camera
SUN_LIGHT = np.array([2.05, 1.86, 1.52])
SKY_LIGHT = {"day": np.array([0.40, 0.48, 0.62]), "night": np.array([0.0055, 0.0075, 0.0140])}
LAMP_LIGHT = np.array([1.0, 0.70, 0.36]) * 9.0  # at 1 m below a lamp
AIR_C = {"day": 10.0, "night": 4.0}
FOG_PER_M = 0.075  # extinction at strength 1: sight of some 40 m
FOG_INFRARED = 0.22  # long waves are weakened less by small droplets
PENUMBRA_M = 0.30


@dataclass(frozen=True)
class Light:
    """The weather of one scene. Points are (N, 3) metres; light is linear RGB."""

    night: float
    fog: float

    @property
    def sky(self) -> NDArray[np.float64]:
        """Light from everywhere; falls with dusk by equal ratios, as the eye counts."""
        return np.asarray(SKY_LIGHT["day"] ** (1 - self.night) * SKY_LIGHT["night"] ** self.night)

    @property
    def sun(self) -> NDArray[np.float64]:
        """Light of the sun on a surface that faces it; fog takes it away too."""
        return np.asarray(SUN_LIGHT * self.sun_share)

    @property
    def lamps_on(self) -> float:
        """0 by day, 1 from dusk on."""
        return float(np.clip((self.night - 0.25) / 0.3, 0.0, 1.0))

    @property
    def lamp_light(self) -> NDArray[np.float64]:
        """Light of one lamp, see `lamplit`."""
        return LAMP_LIGHT * self.lamps_on

    @property
    def sun_share(self) -> float:
        """How strong shadows are: 1 under a clear sky, 0 at night."""
        return float((1 - self.night) ** 3 * (1 - 0.85 * self.fog))

    @property
    def air_c(self) -> float:
        """Temperature of the air."""
        return AIR_C["day"] * (1 - self.night) + AIR_C["night"] * self.night

    @property
    def fog_light(self) -> NDArray[np.float64]:
        """What fog looks like where nothing shines through it."""
        return np.asarray(self.sky * np.array([1.15, 1.08, 0.98]) + linear(0xFFB46A) * 0.012 * self.lamps_on)

    def sunlit(self, points_N3: NDArray[np.floating]) -> NDArray[np.floating]:
        """Share of the sun that the houses on the left and the trees let through, 0 to 1."""
        x, y, z = points_N3[:, 0], points_N3[:, 1], points_N3[:, 2]
        way = (x - street.FACADE_LEFT_X) / -SUN[0]
        over = z + way * SUN[2] - roofline(street.HOUSES_LEFT, y + way * SUN[1])
        share = np.clip(over / PENUMBRA_M + 0.5, 0.0, 1.0)
        for tree_x, tree_y in street.TREES_M:
            shade = np.flatnonzero((np.abs(y - tree_y - 1.4) < 3.8) & (np.abs(x - tree_x - 1.2) < 3.4))  # where its shadow can fall
            if not len(shade):
                continue
            to_x, to_y, to_z = tree_x - x[shade], tree_y - y[shade], street.CROWN_Z_M - z[shade]
            along = to_x * SUN[0] + to_y * SUN[1] + to_z * SUN[2]
            gap = np.sqrt(np.maximum(to_x**2 + to_y**2 + to_z**2 - along**2, 0.0))
            share[shade] *= 1 - 0.82 * np.clip((street.CROWN_RADIUS_M - gap) / 0.7, 0.0, 1.0) * (along > 0)
        return np.asarray(share)

    def lamplit(self, points_N3: NDArray[np.floating]) -> NDArray[np.floating]:
        """Light of the street lamps, for each metre of distance weaker, aimed downwards; 1 means `LAMP_LIGHT`."""
        total = np.zeros(len(points_N3), points_N3.dtype)
        for lamp_x, lamp_y in street.LAMPS_M:
            head_x = lamp_x + np.sign(-lamp_x) * street.LAMP_ARM_M
            down = np.maximum(street.LAMP_HEIGHT_M - points_N3[:, 2], 0.0)
            square = (points_N3[:, 0] - head_x) ** 2 + (points_N3[:, 1] - lamp_y) ** 2 + down**2 + 0.3
            total += down**1.5 / square**1.75
        return total

    def veil(self, depth_N: NDArray[np.floating] | float, *, infrared: bool = False) -> NDArray[np.floating]:
        """Share of what lies at a depth that the fog hides, 0 to 1."""
        strength = self.fog * FOG_PER_M * (FOG_INFRARED if infrared else 1.0)
        return np.asarray(1.0 - np.exp(-strength * depth_N))


def roofline(houses: tuple[tuple[float, int], ...], along: NDArray[np.floating]) -> NDArray[np.floating]:
    """Height in metres of a terrace of houses, chimneys included."""
    starts = np.array([start for start, _ in houses])
    tops = np.array([street.GROUND_STOREY_M + (storeys - 1) * street.STOREY_M + 0.7 for _, storeys in houses])
    index = np.clip(np.searchsorted(starts, along, side="right") - 1, 0, len(houses) - 1)
    chimney = np.abs(along - starts[index] - 2.2) < 0.45
    return np.asarray(tops[index] + 1.1 * chimney, dtype=along.dtype)
