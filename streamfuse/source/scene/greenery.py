"""What stands in the street besides houses: trees and lamp posts."""

import numpy as np

from streamfuse.source.scene import street
from streamfuse.source.scene.chance import dice
from streamfuse.source.scene.figure import F64, Figure, Sketch, limbs
from streamfuse.source.scene.palette import linear

BARK, IRON, GLOBE = linear(0x5A4A3C), linear(0x3A4043), linear(0xDADFE0)
LEAVES_DARK, LEAVES_LIGHT = linear(0x2F4A26), linear(0x7D944A)
LAMP_GLOW = np.array([7.0, 5.2, 2.9])
CLUMPS = 190  # of leaves in a crown


def facing(x: float, y: float) -> F64:
    """Unit vector across the view towards this place, horizontal."""
    view = np.array([x - street.CAMERA_M[0], y - street.CAMERA_M[1]])
    return np.asarray(np.array([view[1], -view[0], 0.0]) / np.hypot(*view))


def tree(seed: int, number: int, air_c: float) -> Figure:
    """A trunk with a few branches, and a crown of clumps of leaves, darker below and on the side away from the sun."""
    x, y = street.TREES_M[number]
    rng, right, foot = dice(seed, "tree", number), facing(x, y), np.array([x, y, 0.0])
    up = np.array([0.0, 0.0, 1.0])
    fork = foot + street.FORK_Z_M * up
    forks = [fork + rng.uniform(-1.0, 1.0) * right + rng.uniform(0.9, 1.9) * up for _ in range(5)]
    rods = limbs(
        np.stack([foot, foot + 0.05 * right, *[fork - 0.1 * up] * 5]),
        np.stack([fork, fork + 0.03 * right, *forks]),
        np.array([[street.TRUNK_RADIUS_M, 0.11], [0.06, 0.03], *[[0.08, 0.03]] * 5]),
        np.tile(right, (7, 1)),
    )
    sketch = Sketch()
    for i, rod in enumerate(rods):
        sketch.add(rod, BARK * (1.3 if i == 1 else 0.9), air_c + 1.0, sunny=0.35)
    centre = foot + street.CROWN_Z_M * up
    angle, reach = rng.uniform(0, 2 * np.pi, CLUMPS), np.sqrt(rng.random(CLUMPS)) * street.CROWN_RADIUS_M
    lobes = 1 + 0.13 * np.sin(3 * angle + number) + 0.08 * np.sin(7 * angle + 2 * number)
    spots = centre + np.outer(np.cos(angle) * reach * lobes, right) + np.outer(np.sin(angle) * reach * lobes * 1.05, up)
    size = rng.uniform(0.14, 0.36, CLUMPS)
    light = (
        0.5
        + 0.5 * np.clip((-0.5 * np.cos(angle) + 0.8 * np.sin(angle)) * reach / street.CROWN_RADIUS_M, -1, 1)
        + rng.normal(0, 0.12, CLUMPS)
    )
    turns = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    core = centre + 0.82 * street.CROWN_RADIUS_M * (np.outer(np.cos(turns), right) + np.outer(np.sin(turns), up))
    sketch.add(core, LEAVES_DARK, air_c - 0.8, sunny=0.2, openness=0.4)
    order = np.argsort(light + rng.normal(0, 0.15, CLUMPS))
    turns = np.linspace(0, 2 * np.pi, 7, endpoint=False)
    for i in order:
        ring = turns + rng.uniform(0, 1)
        radius = size[i] * rng.uniform(0.75, 1.2, len(turns))
        blob = spots[i] + np.outer(np.cos(ring) * radius, right) + np.outer(np.sin(ring) * radius * 0.8, up)
        share = float(np.clip(light[i], 0.0, 1.0))
        tint = (LEAVES_DARK + (LEAVES_LIGHT - LEAVES_DARK) * share) * rng.uniform(0.85, 1.15)
        sketch.add(blob, tint, air_c - 0.8 + 2.2 * share + rng.normal(0, 0.35), sunny=0.15 + 0.6 * share, openness=0.3 + 0.6 * share)
    return sketch.figure(foot)


def lamp_post(number: int, air_c: float, lamps_on: float) -> Figure:
    """A slender post with an arm over the road and a head that glows at night."""
    x, y = street.LAMPS_M[number]
    right, foot, up = facing(x, y), np.array([x, y, 0.0]), np.array([0.0, 0.0, 1.0])
    arm = np.array([np.sign(-x) * street.LAMP_ARM_M, 0.0, 0.0])
    top = foot + street.LAMP_HEIGHT_M * up
    sketch = Sketch()
    starts = np.stack([foot, foot + 0.02 * right, foot, top, top + arm * 0.72])
    ends = np.stack([top, top, foot + 0.9 * up, top + arm, top + arm * 1.12])
    widths = np.array([[0.075, 0.045], [0.02, 0.012], [0.11, 0.10], [0.04, 0.035], [0.075, 0.085]])
    for i, rod in enumerate(limbs(starts, ends, widths, np.tile(right, (5, 1)))):
        head = i == 4
        sketch.add(
            rod,
            (IRON * 1.6, IRON * 2.4, IRON * 1.3, IRON * 1.6, GLOBE * 0.8)[i],
            air_c + (16.0 * lamps_on if head else 0.5),
            sunny=0.6,
            glow=LAMP_GLOW * lamps_on if head else None,
        )
    return sketch.figure(foot)
