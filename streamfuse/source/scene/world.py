"""Who is where at which instant. Any instant can be asked for, in any order: nothing here remembers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import floor
from typing import TypeAlias

import numpy as np

from streamfuse.results import Detections
from streamfuse.source.scene import street
from streamfuse.source.scene.camera import Camera
from streamfuse.source.scene.car import CarLook, Drive, car
from streamfuse.source.scene.chance import dice
from streamfuse.source.scene.figure import Figure
from streamfuse.source.scene.greenery import lamp_post, tree
from streamfuse.source.scene.light import Light
from streamfuse.source.scene.person import Look, Pose, people
from streamfuse.source.scene.route import CROSSINGS, CYCLE_S, DRIVES, STANDING, WALKS, Crossing, Walk, rolled

NAMES = ("person", "car")
PERSON, CAR = range(2)
Box: TypeAlias = tuple[float, float, float, float]

SMALLEST_PX = 3.0  # narrower or lower boxes are left out
DENSE_SHARE = 0.85  # of a crown's radius: half the edge of the square that lets nothing through
HIDDEN_SHARE = 0.5  # of its box behind a nearer one: left out as well

looks = lru_cache(maxsize=512)(Look.drawn)
car_looks = lru_cache(maxsize=256)(CarLook.drawn)


@lru_cache(maxsize=512)
def luck(seed: int, purpose: str, *numbers: int) -> tuple[float, ...]:
    """Three chances from 0 to 1."""
    return tuple(dice(seed, purpose, *numbers).random(3).tolist())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Actor:
    """Someone or something that has a box."""

    kind: int
    figure: Figure
    track: int
    drive: Drive | None = None


@dataclass(frozen=True)
class World:
    """The street's life for one seed and weather."""

    seed: int
    light: Light

    def trees(self) -> list[Figure]:
        """The trees of the street."""
        return [tree(self.seed, i, self.light.air_c) for i in range(len(street.TREES_M))]

    def furniture(self) -> list[Figure]:
        """What else never moves: lamp posts and parked cars."""
        posts = [lamp_post(i, self.light.air_c, self.light.lamps_on) for i in range(len(street.LAMPS_M))]
        return posts + [actor.figure for actor in self._parked()]

    def _parked(self) -> list[Actor]:
        drives = [Drive(x=street.PARKED_X, y=y, direction=1, running=False) for y in street.PARKED_Y]
        return [self._car(drive, -1 - i, i) for i, drive in enumerate(drives)]

    @lru_cache(maxsize=8)  # noqa: B019  few and small; both cameras of a pair mostly ask for the same instant, one after the other
    def actors(self, t_s: float) -> tuple[Actor, ...]:
        """Everyone who moves, and the cars, at this instant."""
        walkers = list(self._walkers(t_s))
        figures = people([(look, pose) for look, pose, _ in walkers])
        walking = (Actor(kind=PERSON, figure=figure, track=track) for figure, (_, _, track) in zip(figures, walkers, strict=True))
        return (*walking, *self._cars(t_s))

    def boxes(self, t_s: float, camera: Camera) -> Detections:
        """Boxes of people and cars in the camera's pixels, clipped to its frame; what is as good as hidden is left out."""
        found: list[tuple[float, Actor | None, Box]] = [(depth, None, box) for depth, box in _trees(camera)]
        for actor in (*self.actors(t_s), *self._parked()):
            depth = float(camera.depth(actor.figure.points_K3).min())
            box = _box(actor.figure, camera) if depth > 1.0 else None
            if box is not None:
                found.append((depth, actor, box))
        found.sort(key=lambda item: item[0])
        kept = [
            (a, box) for i, (_, a, box) in enumerate(found) if a and all(_share(box, nearer) < HIDDEN_SHARE for _, _, nearer in found[:i])
        ]
        if not kept:
            return Detections.none(NAMES)
        return Detections(
            boxes_N4=np.array([box for _, box in kept], np.float32),
            scores_N=np.ones(len(kept), np.float32),
            classes_N=np.array([actor.kind for actor, _ in kept], np.int32),
            tracks_N=np.array([actor.track for actor, _ in kept], np.int32),
            names=NAMES,
        )

    def _cars(self, t_s: float) -> Iterator[Actor]:
        now = floor(t_s / CYCLE_S)
        for cycle in range(now - 2, now + 1):
            for number, plan in enumerate(DRIVES):
                late, speed, present = luck(self.seed, "drive", cycle, number)
                if present > plan.likely:
                    continue
                since = t_s - cycle * CYCLE_S - plan.enter_s - 0.6 * late
                way, braking = rolled(since, 8.8 + 0.5 * speed, plan.stop_m, plan.leave_s - plan.enter_s - 0.6 * late)
                y = street.FAR_Y - way if plan.direction < 0 else street.NEAR_Y + way
                if since >= 0 and street.VISIBLE_Y < y < street.FAR_Y:
                    drive = Drive(x=street.LANE_X * plan.direction, y=y, direction=plan.direction, braking=braking)
                    yield self._car(drive, 1000 + (cycle % 4096) * 16 + number, cycle, number)

    def _car(self, drive: Drive, track: int, *numbers: int) -> Actor:
        look = car_looks(self.seed, *numbers)
        figure = car(look, drive, self.light.air_c, self.light.lamps_on)
        return Actor(kind=CAR, figure=figure, track=abs(track), drive=replace(drive, kind=look.kind))

    def _walkers(self, t_s: float) -> Iterator[tuple[Look, Pose, int]]:
        for number, walk in enumerate(WALKS):
            yield from self._along(walk, number, t_s)
        now = floor(t_s / CYCLE_S)
        for cycle in range(now - 1, now + 3):
            for number in range(CROSSINGS):
                crossing = Crossing.drawn(self.seed, cycle, number)
                pose = crossing.pose(t_s - cycle * CYCLE_S)
                if pose is not None and pose.y > street.VISIBLE_Y:
                    yield looks(self.seed, 1, cycle, number), pose, 100_000 + (cycle % 4096) * 16 + number
        for number, pose in enumerate(STANDING):
            yield looks(self.seed, 2, number), pose, 900 + number

    def _along(self, walk: Walk, number: int, t_s: float) -> Iterator[tuple[Look, Pose, int]]:
        """Someone who walks along, with or without company; each lap it is someone else."""
        lap, way = walk.at(t_s)
        company = luck(self.seed, "company", number, lap)[0]
        for mate in range(2 if company < 0.3 else 1):
            pose = walk.pose(way, mate)
            if pose.y > street.VISIBLE_Y:
                yield (
                    looks(self.seed, 0, number, lap, mate, child=mate == 1 and company < 0.12),
                    pose,
                    1_000_000 + (lap % 4096) * 64 + number * 2 + mate,
                )


def _trees(camera: Camera) -> Iterator[tuple[float, Box]]:
    """Depth, and as boxes the trunk and the dense part of the crown, of each tree: they hide what is behind."""
    for x, y in street.TREES_M:
        heights = np.array([[x, y, z] for z in (0.0, street.FORK_Z_M, street.CROWN_Z_M)])
        depth = float(camera.depth(heights[:1])[0])
        (u0, v0), (u1, v1), (u2, v2) = camera.project(heights).tolist()
        px_per_m = (v0 - v1) / street.FORK_Z_M
        trunk, crown = street.TRUNK_RADIUS_M * px_per_m, DENSE_SHARE * street.CROWN_RADIUS_M * px_per_m
        yield depth, (min(u0, u1) - trunk, v1, max(u0, u1) + trunk, v0)
        yield depth, (u2 - crown, v2 - crown, u2 + crown, v2 + crown)


def _box(figure: Figure, camera: Camera) -> Box | None:
    """The box around a figure; (0, 0) is the corner of the first pixel, whose centre has the coordinates (0, 0) in `Camera`."""
    pixels = camera.project(figure.points_K3) + 0.5
    x1, y1 = np.maximum(pixels.min(axis=0), 0.0)
    x2, y2 = np.minimum(pixels.max(axis=0), camera.size)
    return (float(x1), float(y1), float(x2), float(y2)) if x2 - x1 >= SMALLEST_PX and y2 - y1 >= SMALLEST_PX else None


def _share(box: Box, nearer: Box) -> float:
    """Share of `box` that lies in `nearer`."""
    wide = min(box[2], nearer[2]) - max(box[0], nearer[0])
    high = min(box[3], nearer[3]) - max(box[1], nearer[1])
    return max(wide, 0.0) * max(high, 0.0) / ((box[2] - box[0]) * (box[3] - box[1]))
