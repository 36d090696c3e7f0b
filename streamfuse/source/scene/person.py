"""People: looks drawn by lot, a walking gait, and the figure of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin

import numpy as np

from streamfuse.source.scene.chance import dice
from streamfuse.source.scene.figure import F64, Figure, limbs
from streamfuse.source.scene.palette import BAGS, HAIRS, SHOES, SKINS, TOPS, TROUSERS
from streamfuse.source.scene.street import CAMERA_M

FACE_C, HAND_C, HAIR_C, SHOE_C, BAG_C = 33.5, 30.5, 25.0, 19.0, 14.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One person; lengths in metres, temperatures of the cloth in degrees."""

    height_m: float
    build: float
    """Width, 1 is usual."""
    child: bool
    dress: bool
    coat: bool
    bag: int
    """0 none, 1 backpack, 2 handbag."""
    colours: F64
    """(6, 3): top, trousers, skin, hair, shoes, bag."""
    top_c: float
    trousers_c: float

    @classmethod
    def drawn(cls, seed: int, *numbers: int, child: bool = False) -> "Look":
        """The look that belongs to these numbers."""
        rng = dice(seed, "look", *numbers)
        pick = [palette[rng.integers(len(palette))] for palette in (TOPS, TROUSERS, SKINS, HAIRS, SHOES, BAGS)]
        kind = rng.random(3)
        return cls(
            height_m=float(rng.uniform(1.05, 1.3) if child else np.clip(rng.normal(1.72, 0.07), 1.56, 1.92)),
            build=float(rng.uniform(0.9, 1.15)),
            child=child,
            dress=bool(kind[0] < 0.22),
            coat=bool(0.3 < kind[0] < 0.55),
            bag=0 if kind[1] < 0.5 else 1 if kind[1] < 0.75 else 2,
            colours=np.stack(pick),
            top_c=float(rng.uniform(24.0, 28.0)),
            trousers_c=float(rng.uniform(22.5, 26.0)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Where someone walks: metres, heading as a unit vector, and the way walked so far, which sets the gait."""

    x: float
    y: float
    heading: tuple[float, float]
    walked_m: float
    standing: bool = False


class _Body:
    """Collects rods in the walker's own axes: forward, left, up, in shares of the height."""

    def __init__(self, look: Look, frame: tuple[float, ...]) -> None:
        self.look = look
        self.frame = frame
        self.rods: list[tuple[float, ...]] = []
        self.paint: list[tuple[int, float, float]] = []  # index of the colour, shade, degrees

    def rod(
        self,
        start: tuple[float, float, float],
        end: tuple[float, float, float],
        radii: tuple[float, float],
        paint: tuple[int, float, float],
    ) -> None:
        self.rods.append((*start, *end, *radii))
        self.paint.append(paint)

    def figure(self, polygons: F64, pose: Pose) -> Figure:
        """The rods as polygons (L, corners, 3) with their paint."""
        count, corners = polygons.shape[:2]
        paint = np.array(self.paint)
        return Figure(
            points_K3=polygons.reshape(-1, 3),
            ends=tuple(range(corners, corners * count + 1, corners)),
            albedo_N3=self.look.colours[paint[:, 0].astype(np.intp)] * paint[:, 1:2],
            sunny_N=np.full(count, 0.62),
            openness_N=np.full(count, 0.75),
            glow_N3=np.zeros((count, 3)),
            celsius_N=paint[:, 2],
            foot_3=np.array([pose.x, pose.y, 0.0]),
        )


TOP, TROUSER, SKIN, HAIR, SHOE, BAG = range(6)


def people(walkers: Sequence[tuple[Look, Pose]]) -> list[Figure]:
    """The figures of walkers: rods for limbs, painted from far to near, all facing the camera."""
    bodies = [_posed(look, pose) for look, pose in walkers]
    if not bodies:
        return []
    rods = np.array([rod for body in bodies for rod in body.rods])
    counts = [len(body.rods) for body in bodies]
    # One row per rod: height, build, forward and left on the picture, foot, and the direction across the view.
    frame = np.repeat(np.array([body.frame for body in bodies]), counts, axis=0)
    rods *= frame[:, :1]
    rods[:, [1, 4]] *= frame[:, 1:2]
    right = np.concatenate([frame[:, 6:8], np.zeros((len(rods), 1))], axis=1)
    ends = []
    for i in (0, 3):
        across = rods[:, i] * frame[:, 2] + rods[:, i + 1] * frame[:, 3]
        ends.append(np.stack([frame[:, 4] + across * right[:, 0], frame[:, 5] + across * right[:, 1], rods[:, i + 2]], axis=1))
    radii = rods[:, 6:8] * frame[:, 1:2]
    lowest = np.minimum.reduceat(np.minimum(ends[0][:, 2] - radii[:, 0], ends[1][:, 2] - radii[:, 1]), np.cumsum([0, *counts[:-1]]))
    for end in ends:
        end[:, 2] -= np.repeat(lowest, counts)
    polygons = limbs(ends[0], ends[1], radii, right)
    figures, start = [], 0
    for body, (_, pose) in zip(bodies, walkers, strict=True):
        figures.append(body.figure(polygons[start : start + len(body.rods)], pose))
        start += len(body.rods)
    return figures


def _posed(look: Look, pose: Pose) -> _Body:
    """The rods of one walker, in the order in which they are painted."""
    view_x, view_y = pose.x - CAMERA_M[0], pose.y - CAMERA_M[1]
    away = hypot(view_x, view_y)
    right_x, right_y = view_y / away, -view_x / away
    ahead_x, ahead_y = pose.heading
    sideways = ahead_x * right_x + ahead_y * right_y  # 1: walks to the right of the picture
    coming = -(ahead_x * view_x + ahead_y * view_y) / away  # 1: walks towards the camera; its left is then our right
    near_side = 1 if ahead_y * view_x > ahead_x * view_y else -1  # which half of the body is nearer, 1 the left one

    body = _Body(look, (look.height_m, look.build, sideways, coming, pose.x, pose.y, right_x, right_y))
    phase = 0.0 if pose.standing else pose.walked_m / (0.83 * look.height_m) * 2 * pi
    swing = 0.04 if pose.standing else 0.46
    _arm(body, -near_side, phase, swing, 0.74)
    _leg(body, -near_side, phase, swing, 0.72)
    _leg(body, near_side, phase, swing, 0.95)
    _trunk(body, coming)
    _head(body, coming)
    _arm(body, near_side, phase, swing, 1.08)
    return body


def _leg(body: _Body, side: int, phase: float, swing: float, shade: float) -> None:
    turn = phase + (0.0 if side > 0 else pi)
    thigh = swing * sin(turn)
    shin = thigh - (0.08 + (1.6 * swing * max(0.0, cos(turn)) ** 1.5))
    across = 0.052 * side
    hip = (0.0, across, 0.52)
    knee = (0.245 * sin(thigh), across, 0.52 - 0.245 * cos(thigh))
    ankle = (knee[0] + 0.24 * sin(shin), across * 0.8, knee[2] - 0.24 * cos(shin))
    toe = (ankle[0] + 0.085 * cos(shin), ankle[1], ankle[2] - 0.012 + 0.07 * sin(min(shin, 0.0)))
    bare = body.look.dress
    cloth = (SKIN, shade * 0.9, 29.5) if bare else (TROUSER, shade, body.look.trousers_c)
    body.rod(ankle, toe, (0.026, 0.018), (SHOE, shade, SHOE_C))
    body.rod(hip, knee, (0.062, 0.044), cloth)
    body.rod(knee, ankle, (0.040, 0.027), (cloth[0], shade * 0.93, cloth[2] - 0.6))


def _arm(body: _Body, side: int, phase: float, swing: float, shade: float) -> None:
    turn = phase + (pi if side > 0 else 0.0)
    upper = 0.85 * swing * sin(turn)
    lower = upper + 0.25 + 0.5 * swing * max(0.0, sin(turn))
    shoulder = (0.0, 0.090 * side, 0.780)
    elbow = (0.17 * sin(upper), 0.112 * side, 0.780 - 0.17 * cos(upper))
    wrist = (elbow[0] + 0.14 * sin(lower), 0.116 * side, elbow[2] - 0.14 * cos(lower))
    hand = (wrist[0] + 0.035 * sin(lower), wrist[1], wrist[2] - 0.035 * cos(lower))
    sleeve = (TOP, shade, body.look.top_c - 0.8)
    if body.look.bag == 2 and side > 0:
        body.rod((hand[0], hand[1], hand[2] - 0.03), (hand[0], hand[1], hand[2] - 0.11), (0.05, 0.065), (BAG, shade, BAG_C))
    body.rod(wrist, hand, (0.020, 0.022), (SKIN, shade, HAND_C))
    body.rod(elbow, wrist, (0.030, 0.023), sleeve)
    body.rod(shoulder, elbow, (0.038, 0.031), (TOP, shade * 0.97, body.look.top_c))


def _trunk(body: _Body, coming: float) -> None:
    look = body.look
    backpack = ((-0.085, 0.0, 0.74), (-0.085, 0.0, 0.62), (0.062, 0.07), (BAG, 0.95, BAG_C))
    if look.bag == 1 and coming > 0.1:
        body.rod(*backpack)
    if look.dress:
        body.rod((0.0, 0.0, 0.58), (0.0, 0.0, 0.33), (0.075, 0.105), (TOP, 0.86, look.top_c - 1.5))
    else:
        body.rod((0.0, 0.0, 0.56), (0.0, 0.0, 0.51), (0.082, 0.080), (TROUSER, 0.92, look.trousers_c))
    if look.coat:
        body.rod((0.0, 0.0, 0.60), (0.0, 0.0, 0.40), (0.085, 0.092), (TOP, 0.88, look.top_c - 2.0))
    body.rod((0.0, 0.0, 0.755), (0.0, 0.0, 0.57), (0.090, 0.076), (TOP, 0.95, look.top_c))
    body.rod((0.0, -0.052, 0.790), (0.0, 0.052, 0.790), (0.040, 0.040), (TOP, 1.0, look.top_c - 0.5))
    body.rod((0.0, 0.0, 0.745), (0.0, 0.0, 0.63), (0.052, 0.045), (TOP, 1.14, look.top_c + 0.6))  # where the light falls
    if look.bag == 1 and coming <= 0.1:
        body.rod(*backpack)


def _head(body: _Body, coming: float) -> None:
    size = 1.40 if body.look.child else 1.14
    skull, chin = 0.928, 0.905
    body.rod((0.0, 0.0, 0.82), (0.0, 0.0, 0.88), (0.032, 0.030), (SKIN, 0.8, FACE_C - 0.5))
    hair = ((-0.008, 0.0, skull + 0.012), (-0.012, 0.0, chin + 0.008), (0.058 * size, 0.050 * size), (HAIR, 1.0, HAIR_C))
    if coming < -0.45:
        body.rod((0.0, 0.0, skull - 0.02), (0.0, 0.0, chin - 0.01), (0.045 * size, 0.038 * size), (SKIN, 0.85, FACE_C))
        body.rod(*hair)
        return
    body.rod(*hair)
    front = 0.020 * (1 - abs(coming)) + 0.008
    body.rod((front, 0.0, skull - 0.012), (front, 0.0, chin - 0.008), (0.046 * size, 0.038 * size), (SKIN, 1.05, FACE_C))
    body.rod((-0.012, 0.0, skull + 0.036), (0.018, 0.0, skull + 0.034), (0.036 * size, 0.030 * size), (HAIR, 1.1, HAIR_C))
