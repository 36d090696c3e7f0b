"""The ways that people and cars take, and when: people cross in a part of each cycle in which the cars wait."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import floor, hypot

from streamfuse.source.scene import street
from streamfuse.source.scene.chance import dice
from streamfuse.source.scene.person import Pose

CYCLE_S = 32.0
CROSSING_S = 12.0  # people are on the zebra in the first part of a cycle
CROSSINGS = 4  # people who cross in each
BRAKE_MS2, START_MS2 = 2.6, 1.9
CORNER_M = 0.7  # half the way over which people round a corner
DOOR_Y = 57.0  # where those who walk along go in


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One car of each cycle."""

    direction: int
    enter_s: float
    stop_m: float | None = None
    """Way from where it enters to where it waits for people; None: it passes while nobody crosses."""
    leave_s: float = CYCLE_S + CROSSING_S
    likely: float = 0.85


# The zebra is some 2.5 s from where cars come in at the near end, and some 10 s from the far end.
DRIVES = (
    Plan(direction=1, enter_s=13.5, likely=0.95),
    Plan(direction=1, enter_s=20.5, likely=0.9),
    Plan(direction=1, enter_s=29.2, stop_m=18.0, likely=0.9),
    Plan(direction=-1, enter_s=5.0),
    Plan(direction=-1, enter_s=10.5),
    Plan(direction=-1, enter_s=15.5, likely=0.9),
    Plan(direction=-1, enter_s=22.5, stop_m=88.2, likely=0.95),
    Plan(direction=-1, enter_s=25.5, stop_m=81.2, leave_s=CYCLE_S + CROSSING_S + 1.1, likely=0.8),
)


def rolled(since_s: float, speed: float, stop_m: float | None, leave_s: float) -> tuple[float, bool]:
    """Metres rolled so far and whether the brakes are on: cruise, brake to a stop, wait until `leave_s`, start again."""
    if stop_m is None:
        return since_s * speed, False
    brake_s = (stop_m - speed**2 / (2 * BRAKE_MS2)) / speed
    halt_s = brake_s + speed / BRAKE_MS2
    if since_s < brake_s:
        return since_s * speed, False
    if since_s < halt_s:
        return stop_m - BRAKE_MS2 / 2 * (halt_s - since_s) ** 2, True
    if since_s < leave_s:
        return stop_m, True
    start, ramp_s = since_s - leave_s, speed / START_MS2
    return stop_m + (START_MS2 / 2 * start**2 if start < ramp_s else speed * (start - ramp_s / 2)), False


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Someone who walks along a pavement, lap after lap."""

    x: float
    direction: int
    speed: float
    phase: float
    """Share of the lap done at instant 0."""

    def at(self, t_s: float) -> tuple[int, float]:
        """Number of the lap, and metres walked in it."""
        laps = t_s * self.speed / LAP_M + self.phase
        return floor(laps), (laps - floor(laps)) * LAP_M

    def pose(self, way_m: float, mate: int = 0) -> Pose:
        """Where they are; company (`mate` 1) walks beside them."""
        y = street.NEAR_Y + way_m if self.direction > 0 else DOOR_Y - way_m
        return Pose(x=self.x + 0.62 * mate, y=y - 0.15 * mate, heading=(0.0, float(self.direction)), walked_m=way_m + 0.9 * mate)


LAP_M = DOOR_Y - street.NEAR_Y
WALKS = tuple(
    Walk(x=x, direction=direction, speed=speed, phase=phase)
    for x, direction, speed, phase in (
        (-4.5, -1, 1.32, 0.50), (-5.6, 1, 1.41, 0.31), (-5.0, -1, 1.22, 0.78), (-5.9, 1, 1.36, 0.74),
        (7.1, 1, 1.38, 0.40), (7.7, -1, 1.27, 0.44), (6.9, -1, 1.45, 0.12), (7.9, 1, 1.30, 0.80),
    )
)  # fmt: skip
STANDING = (
    Pose(x=8.1, y=18.4, heading=(-0.8, -0.6), walked_m=0.0, standing=True),
    Pose(x=7.5, y=18.1, heading=(0.9, 0.4), walked_m=0.0, standing=True),
)


@dataclass(frozen=True, slots=True)
class Crossing:
    """Someone who comes along one pavement, crosses the zebra and goes on along the other."""

    corners: tuple[tuple[float, float], ...]
    speed: float
    kerb_s: float
    """Instant, within the cycle, at which they step on the road."""
    kerb_m: float
    """Way walked until then."""

    @classmethod
    @lru_cache(maxsize=256)
    def drawn(cls, seed: int, cycle: int, number: int) -> "Crossing":
        """The way of one of the people who cross in this cycle."""
        rng = dice(seed, "crossing", cycle, number)
        to_right = rng.random() < 0.5
        near, far = street.ZEBRA_Y
        y = near + 0.5 + (far - near - 1.0) * (number + 0.5 * float(rng.random())) / CROSSINGS
        xs = (-4.3 - float(rng.random()), 5.2 + float(rng.random()))
        # Those on the left may come from below the camera; on the right all come from farther up the street.
        ends = (street.NEAR_Y if rng.random() < 0.5 else DOOR_Y, DOOR_Y)
        way = [(xs[0], ends[0]), (xs[0], y), (xs[1], y), (xs[1] + 1.6, y + 8.0), (xs[1] + 1.6, ends[1])]
        kerb_x = -3.4 if to_right else 3.4
        if not to_right:
            way.reverse()
        first = [hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(way)]
        turn = 1 if to_right else 2
        return cls(
            tuple(way),
            float(rng.uniform(1.2, 1.5)),
            float(rng.uniform(0.0, 4.5)) + 0.4 * number,
            sum(first[:turn]) + abs(way[turn][0] - kerb_x),
        )

    def pose(self, t_s: float) -> Pose | None:
        """Where they are at an instant of the cycle (it may lie outside); None before they come and after they have gone."""
        way = self.kerb_m + (t_s - self.kerb_s) * self.speed
        before, after = self._point(way - CORNER_M), self._point(way + CORNER_M)
        here = self._point(way)
        if before is None or after is None or here is None:
            return None
        step_x, step_y = after[0] - before[0], after[1] - before[1]
        length = hypot(step_x, step_y)
        x, y = ((a + b + 2 * c) / 4 for a, b, c in zip(before, after, here, strict=True))
        return Pose(x=x, y=y, heading=(step_x / length, step_y / length), walked_m=way)

    def _point(self, way_m: float) -> tuple[float, float] | None:
        if way_m < 0:
            return None
        for (ax, ay), (bx, by) in pairwise(self.corners):
            length = hypot(bx - ax, by - ay)
            if way_m <= length:
                return ax + (bx - ax) * way_m / length, ay + (by - ay) * way_m / length
            way_m -= length
        return None
