"""Cars: bodies of a few kinds as boxes with bevels, painted with glass, wheels, lamps and doors; warm where engines are."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from streamfuse.source.scene.chance import dice
from streamfuse.source.scene.figure import F64, Figure, Sketch
from streamfuse.source.scene.light import SUN
from streamfuse.source.scene.palette import PAINTS, linear
from streamfuse.source.scene.street import CAMERA_M

GLASS, GLASS_SKY, TYRE, RIM = linear(0x2A333A), linear(0x8FA6B5), linear(0x202020), linear(0x9FA3A6)
TRIM, PLATE, LAMP, TAIL = linear(0x222326), linear(0xE2E0CF), linear(0xE9EDF0), linear(0xA01F1F)
HEADLIGHT, TAILLIGHT, BRAKELIGHT = np.array([3.2, 3.0, 2.5]), np.array([0.65, 0.03, 0.02]), np.array([3.0, 0.22, 0.12])
BONNET_C, GRILLE_C, WHEEL_C, TYRE_C, EXHAUST_C = 22.0, 25.0, 20.0, 13.0, 42.0  # degrees above the air, with a warm engine
WHEEL_M = 0.33


@dataclass(frozen=True, slots=True)
class Shape:
    """Outline of a kind of car from the side: metres forward of the middle, and up."""

    width: float
    bonnet: tuple[tuple[float, float], tuple[float, float]]
    """Front edge and rear edge of the bonnet."""
    roof: tuple[tuple[float, float], tuple[float, float]]
    deck: tuple[tuple[float, float], tuple[float, float]]
    """Foot of the rear window, and upper edge of the tail."""
    axles: tuple[float, float]

    @property
    def nose(self) -> float:
        """Foremost point."""
        return self.bonnet[0][0] + 0.06

    @property
    def tail(self) -> float:
        """Rearmost point."""
        return self.deck[1][0] - 0.05


SHAPES = (
    Shape(1.78, ((2.16, 0.74), (0.98, 0.98)), ((0.22, 1.43), (-0.95, 1.43)), ((-1.62, 1.03), (-2.2, 0.97)), (1.38, -1.36)),  # saloon
    Shape(1.74, ((1.92, 0.78), (0.98, 1.00)), ((0.28, 1.48), (-1.45, 1.46)), ((-1.88, 1.02), (-1.97, 0.92)), (1.26, -1.26)),  # hatchback
    Shape(1.86, ((2.15, 0.92), (1.02, 1.14)), ((0.35, 1.70), (-1.75, 1.68)), ((-2.12, 1.16), (-2.22, 1.02)), (1.36, -1.38)),  # off-roader
    Shape(1.95, ((2.38, 0.95), (1.80, 1.22)), ((1.05, 2.02), (-2.36, 2.05)), ((-2.44, 1.20), (-2.48, 1.00)), (1.62, -1.55)),  # van
)


@dataclass(frozen=True, slots=True)
class CarLook:
    """Kind and paint of one car."""

    kind: int
    paint: F64

    @classmethod
    def drawn(cls, seed: int, *numbers: int) -> "CarLook":
        """The look that belongs to these numbers."""
        rng = dice(seed, "car", *numbers)
        return cls(int(rng.choice(len(SHAPES), p=[0.34, 0.32, 0.22, 0.12])), PAINTS[rng.integers(len(PAINTS))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """Where a car is: metres, direction along the street (1 away from the camera), index of its shape, and what it does."""

    x: float
    y: float
    direction: int
    kind: int = 0
    braking: bool = False
    running: bool = True
    """Engine warm and lamps on when it is dark."""


class _Build:
    """Paints one kind of car about its own middle: right, forward, up. Made once per look."""

    def __init__(self, look: CarLook) -> None:
        self.shape, self.paint = SHAPES[look.kind], look.paint
        self.sketch = Sketch()
        self.normals: list[F64] = []
        self.warm: list[float] = []
        self.lights: list[int] = []  # 1 headlight, 2 tail-light

    def face(self, corners: list[tuple[float, float, float]], albedo: F64, warm: float = 0.0, lights: int = 0, shine: float = 0.0) -> None:
        """A flat polygon; `warm` degrees above the air with a warm engine; `shine` is how much sky it mirrors."""
        points = np.array(corners)
        normal = np.cross(points[1] - points[0], points[2] - points[0])
        outward = points.mean(axis=0) - np.array([0.0, np.clip(points[:, 1].mean(), -1.0, 1.0), 0.75])
        normal *= np.sign(normal @ outward) / np.linalg.norm(normal)
        self.normals.append(normal)
        self.warm.append(warm)
        self.lights.append(lights)
        self.sketch.add(points, albedo + shine * linear(0xB8C8D8), 0.0)

    def both(self, corners: list[tuple[float, float, float]], albedo: F64, warm: float = 0.0, lights: int = 0, shine: float = 0.0) -> None:
        """The same on the right and mirrored on the left."""
        for side in (1.0, -1.0):
            self.face([(side * a, b, c) for a, b, c in corners], albedo, warm, lights, shine)

    def body(self) -> None:
        s = self.shape
        self.under()
        half, nose, tail = s.width / 2, s.nose, s.tail
        (by0, bz0), (by1, bz1) = s.bonnet
        (dy0, dz0), (dy1, dz1) = s.deck
        corner = 0.26
        self.both(
            [
                (half, nose - corner, 0.3),
                (half, by0 - corner, bz0),
                (half - 0.03, by1, bz1),
                (half - 0.03, dy0, dz0),
                (half, dy1 + 0.1, dz1),
                (half, tail + corner, 0.3),
            ],
            self.paint,
            2.5,
        )
        self.both(
            [(half, nose - corner, 0.24), (half, nose - corner, 0.4), (half, tail + corner, 0.4), (half, tail + corner, 0.24)], TRIM, 3.0
        )
        shoulder = min(bz0, dz1) - 0.08
        self.both(
            [
                (half, nose - corner - 0.1, shoulder - 0.07),
                (half, nose - corner - 0.1, shoulder),
                (half, tail + corner, shoulder + 0.02),
                (half, tail + corner, shoulder - 0.06),
            ],
            self.paint * 1.15,
            2.5,
            0,
            0.05,
        )
        self._end(nose, by0 - 0.02, bz0, corner, front=True)
        self._end(tail, dy1 + 0.02, dz1, -corner, front=False)
        top = half - 0.05
        self.face([(-top + 0.12, by0, bz0), (top - 0.12, by0, bz0), (top, by1, bz1), (-top, by1, bz1)], self.paint, BONNET_C, 0, 0.10)
        self.face(
            [(-0.5, by0 - 0.05, bz0 + 0.01), (0.5, by0 - 0.05, bz0 + 0.01), (0.42, by1, bz1), (-0.42, by1, bz1)],
            self.paint * 1.06,
            BONNET_C + 3,
            0,
            0.12,
        )
        self.face([(-top, dy0, dz0), (top, dy0, dz0), (top - 0.05, dy1, dz1), (-top + 0.05, dy1, dz1)], self.paint, 1.0, 0, 0.10)

    def under(self) -> None:
        """The ground below: dark, and warmed by the engine."""
        half, nose, tail = self.shape.width / 2, self.shape.nose, self.shape.tail
        self.sketch.add(np.array([(-half, tail, 0.0), (half, tail, 0.0), (half, nose, 0.0), (-half, nose, 0.0)]), TRIM * 0.4, 0.0)
        self.normals.append(np.array([0.0, 0.0, 1.0]))
        self.warm.append(7.0)
        self.lights.append(0)

    def _end(self, end: float, edge: float, top: float, corner: float, *, front: bool) -> None:
        """Front or tail: a middle face, a bevel each side, bumper, lamps, plate, grille or exhaust."""
        half, mid = self.shape.width / 2, self.shape.width / 2 - 0.2
        warm = 8.0 if front else 2.0
        self.both([(half, end - corner, 0.3), (half, edge - corner, top), (mid, edge, top), (mid, end, 0.3)], self.paint, warm)
        self.face([(-mid, end, 0.3), (mid, end, 0.3), (mid, edge, top), (-mid, edge, top)], self.paint, warm)
        self.face([(-mid, end, 0.22), (mid, end, 0.22), (mid, end, 0.42), (-mid, end, 0.42)], TRIM, warm)
        lamp, kind = (LAMP, 1) if front else (TAIL, 2)
        low, high = top - 0.24, top - 0.07
        self.both(
            [(half, end - corner * 0.8, low + 0.03), (half - 0.01, end - corner * 0.8, high), (mid, end, high), (mid, end, low)],
            lamp,
            10.0,
            kind,
        )
        self.both([(mid, end, low), (mid, end, high), (mid - 0.16, end, high), (mid - 0.13, end, low)], lamp, 10.0, kind)
        self.face([(-0.26, end, 0.46), (0.26, end, 0.46), (0.26, end, 0.57), (-0.26, end, 0.57)], PLATE, 1.0)
        if front:
            self.face([(-0.5, end, low), (0.5, end, low), (0.54, end, high), (-0.54, end, high)], TRIM * 0.7, GRILLE_C)
        else:
            self.face([(0.40, end, 0.24), (0.56, end, 0.24), (0.56, end, 0.36), (0.40, end, 0.36)], TRIM, EXHAUST_C)

    def wheels(self) -> None:
        half = self.shape.width / 2 + 0.005
        for axle in self.shape.axles:
            for radius, up, albedo, warm in (
                (0.40, 0.36, TRIM * 0.4, 6.0),
                (WHEEL_M, WHEEL_M, TYRE, TYRE_C),
                (0.215, WHEEL_M, RIM, WHEEL_C),
                (0.07, WHEEL_M, TRIM, WHEEL_C),
            ):
                turns = np.linspace(0, 2 * np.pi, 14, endpoint=False)
                self.both([(half, axle + radius * float(np.cos(t)), max(0.0, up + radius * float(np.sin(t)))) for t in turns], albedo, warm)

    def cabin(self) -> None:
        s = self.shape
        low, high = s.width / 2 - 0.06, s.width / 2 - 0.27
        (wy, wz), (fy, fz), (ry, rz), (by, bz) = s.bonnet[1], s.roof[0], s.roof[1], s.deck[0]
        self.both([(low, wy, wz), (high, fy, fz), (high, ry, rz), (low, by, bz)], self.paint, 1.0)

        def at(along: float, up: float) -> tuple[float, float, float]:
            """A point of the side: `along` 0 at the rear edge to 1 at the front edge, `up` 0 to 1."""
            rear, front = by + (ry - by) * up, wy + (fy - wy) * up
            return (low + (high - low) * up, rear + (front - rear) * along, bz + (rz - bz) * up + (wz - bz) * (1 - up) * along)

        for first, last in ((0.10, 0.50), (0.54, 0.90)):
            self.both([at(first, 0.10), at(first, 0.86), at(last, 0.86), at(last, 0.10)], GLASS, 1.5, 0, 0.05)
            self.both([at(first, 0.55), at(first, 0.86), at(last, 0.86), at(last, 0.70)], GLASS_SKY * 0.55, 1.0)
        for y0, z0, y1, z1, warm in ((wy, wz, fy, fz, 4.0), (by, bz, ry, rz, 2.0)):
            self.face([(-low, y0, z0), (low, y0, z0), (high, y1, z1), (-high, y1, z1)], self.paint * 0.8, 1.0)
            sheet = [
                (side * (low + (high - low) * t) * 0.92, y0 + (y1 - y0) * t, z0 + (z1 - z0) * t)
                for side, t in ((-1, 0.08), (1, 0.08), (1, 0.92), (-1, 0.92))
            ]
            self.face(sheet, GLASS, warm, 0, 0.04)
            band = [
                (side * (low + (high - low) * t) * 0.92, y0 + (y1 - y0) * t, z0 + (z1 - z0) * t)
                for side, t in ((-1, 0.5), (1, 0.72), (1, 0.92), (-1, 0.92))
            ]
            self.face(band, GLASS_SKY * 0.6, warm - 1.0)
        self.face([(-high, fy, fz), (high, fy, fz), (high, ry, rz), (-high, ry, rz)], self.paint, -3.0, 0, 0.14)


Model: TypeAlias = tuple[Figure, F64, F64, F64, F64]


@lru_cache(maxsize=64)
def _model(kind: int, paint: tuple[float, ...]) -> Model:
    build = _Build(CarLook(kind, np.array(paint)))
    build.body()
    build.wheels()
    build.cabin()
    figure = build.sketch.figure(np.zeros(3))
    anchors = np.stack([points[0] for points in build.sketch.points])
    return figure, np.stack(build.normals), anchors, np.array(build.warm), np.array(build.lights)


def car(look: CarLook, drive: Drive, air_c: float, lamps_on: float) -> Figure:
    """The figure of a car: only the faces turned to the camera, each lit by the way it faces."""
    model, normals, anchors, warm, lights = _model(look.kind, tuple(look.paint))
    turn, centre = np.array([drive.direction, drive.direction, 1.0]), np.array([drive.x, drive.y, 0.0])
    facing = np.einsum("ij,ij->i", normals * turn, np.array(CAMERA_M) - (anchors * turn + centre))
    keep = np.flatnonzero(facing > 0)
    starts = np.concatenate([[0], model.ends[:-1]])
    picked = [np.arange(starts[i], model.ends[i]) for i in keep]
    normals, lights = normals[keep] * turn, lights[keep]
    glow = np.zeros((len(keep), 3))
    if drive.running:
        glow[lights == 1] = HEADLIGHT * lamps_on
        glow[lights == 2] = BRAKELIGHT if drive.braking else TAILLIGHT * lamps_on
    warmth = warm[keep] if drive.running else np.where(warm[keep] < 0, -3.5, -1.2)
    return Figure(
        points_K3=model.points_K3[np.concatenate(picked)] * turn + centre,
        ends=tuple(np.cumsum([len(p) for p in picked]).tolist()),
        albedo_N3=model.albedo_N3[keep],
        sunny_N=np.maximum(normals @ SUN, 0.0),
        openness_N=0.62 + 0.38 * normals[:, 2],
        glow_N3=glow,
        celsius_N=air_c + warmth,
        foot_3=centre,
    )
