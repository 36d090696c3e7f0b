"""Registration from the scene alone: search, refine the likeliest candidates, keep the best, refine it, and say how sure it is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from streamfuse.align.blocks import Scale, Surfaces, block_surfaces, brought, working
from streamfuse.align.evidence import called_for
from streamfuse.align.fit import Model, Motion, as_homography, fit, spread
from streamfuse.align.grid import through
from streamfuse.align.orientation import Picture, orientation_field, shrunk
from streamfuse.align.search import Candidate, Matrix, candidates, scaling
from streamfuse.errors import RigError

SEARCHED, REFINED = 60, 6  # candidates taken from the search, and those of them that are refined
ROUGH = Scale(longer_px=320, block_px=64, reach_px=12)
MIDDLE = Scale(longer_px=320, block_px=64, reach_px=8)
FINE = Scale(longer_px=640, block_px=128, reach_px=8)
JUDGED_PX = 320  # longer side of infrared when answers are compared
SAME_PX = 10.0  # in infrared pixels: candidates nearer to each other than this would be refined to one answer
LEAST_BLOCKS = 8
SURE_AGREEMENT = 25.0  # 66 pairs of different streets reached 21, right answers 29 and more (tools/bench/registration.py)
SURE_SPREAD_PX = 2.0  # in infrared pixels
NEAR_PX = 8.0  # in infrared pixels: answers nearer to edges on edges than this are asked whether they are anything else
ASTRAY = 0.7  # of the agreement of the free fit: a plain motion that explains less has climbed a wrong peak
PLAIN: dict[Model, tuple[Motion, ...]] = {  # what cameras of one shape may be off by, simplest first
    "affine": ("none", "shift", "similarity", "affine"),
    "homography": ("none", "shift", "similarity", "affine", "homography"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Where infrared lies in the visible picture, and how far to trust it."""

    homography: Matrix
    """3x3, infrared to visible pixels; the last row of an affine is 0 0 1."""
    motion: Motion
    """What it is made of; of `none`, `shift` and `similarity` against edges on edges, for cameras of one shape."""
    agreement: float
    """Correlation of the edge fields times the root of the shared area in pixels at a longer side of 320: chance reaches 21."""
    residual_px: float
    """Visible pixels: how far blocks would still like to move, median; or how unsure the fit is, if that is more."""
    spread_px: float
    """Visible pixels: expected error of the fit inside the shared view, from how much its blocks contradict each other."""
    blocks: int
    """Blocks that the answer rests on."""
    doubts: tuple[str, ...]
    """Why it is not to be trusted; empty where it is."""

    @property
    def sure(self) -> bool:
        """Whether it may be used without a look."""
        return not self.doubts


def register(infrareds: list[Picture], visibles: list[Picture], model: Model = "affine") -> Registration:
    """Find the mapping between two cameras from what they see.

    Grey pictures (H, W) of any depth, taken two by two at one instant by cameras that stand still against each other. More frames of a
    scene that changes make it better, not surer. `RigError` where they share too little to say anything.
    """
    found, best = None, 0.0
    for candidate in distinct(candidates(infrareds, visibles, SEARCHED), infrareds[0]):
        homography = refined(infrareds, visibles, candidate.homography, ROUGH, "affine")
        agreement = agreed(infrareds, visibles, homography) if homography is not None else 0.0
        if homography is not None and agreement > best:
            found, best = homography, agreement
    if found is None:
        raise RigError("the pictures share no edges to be matched by; take them in daylight or with warm things in view, or use points")
    found = _followed(infrareds, visibles, found, (MIDDLE, FINE, FINE), "affine")
    plain = _plain(infrareds, visibles, found, model)
    if plain is not None:
        found, motion = plain
    else:
        found, motion = _bent(infrareds, visibles, found, model)
    return _reported(infrareds, visibles, found, motion)


def distinct(found: list[Candidate], infrared: Picture) -> Iterator[Candidate]:
    """The first of the candidates that differ enough to be worth a refinement each."""
    kept: list[Candidate] = []
    for candidate in found:
        if all(distance_px(candidate.homography, other.homography, infrared) > SAME_PX for other in kept):
            kept.append(candidate)
            yield candidate
        if len(kept) == REFINED:
            return


def distance_px(one: Matrix, other: Matrix, infrared: Picture) -> float:
    """Mean distance between two answers over the infrared picture, in its own pixels."""
    height, width = infrared.shape
    places = np.array([(x, y) for x in (0, width / 2, width) for y in (0, height / 2, height)], np.float64)
    apart = np.linalg.norm(through(one, places) - through(other, places), axis=1).mean()
    return float(apart / _enlargement(one, infrared))


def refined(infrareds: list[Picture], visibles: list[Picture], homography: Matrix, scale: Scale, motion: Motion) -> Matrix | None:
    """A better homography near the one given; None where too little is shared."""
    surfaces = block_surfaces(infrareds, visibles, homography, scale)
    if len(surfaces.values_NSS) < LEAST_BLOCKS:
        return None
    return _moved_by(as_homography(fit(surfaces, motion), surfaces.size), homography, working(infrareds[0], surfaces.size), motion)


def _moved_by(step: Matrix, homography: Matrix, small: Matrix, motion: Motion) -> Matrix:
    """The homography after a step on the working grid; `small` maps infrared pixels to it."""
    better = homography @ np.linalg.inv(small) @ step @ small
    better /= better[2, 2]
    if motion != "homography":
        better[2] = 0, 0, 1
    return np.asarray(better, np.float64)


def agreed(infrareds: list[Picture], visibles: list[Picture], homography: Matrix) -> float:
    """How well edges agree under a homography; see `Registration.agreement`."""
    factor = min(1.0, JUDGED_PX / max(infrareds[0].shape))
    common = energy = other_energy = area = 0.0
    for infrared, visible in zip(infrareds, visibles, strict=True):
        field = orientation_field(shrunk(infrared, factor))
        size = (field.shape[0], field.shape[1])
        warped, seen = brought(visible, homography @ np.linalg.inv(working(infrared, size)), size)
        field, other = field * seen, orientation_field(warped) * seen
        common += float(np.vdot(other, field).real)
        energy += float(np.vdot(field, field).real)
        other_energy += float(np.vdot(other, other).real)
        area = float(seen.sum())
    return float(common / np.sqrt(max(energy * other_energy, np.finfo(float).tiny)) * np.sqrt(area))


def _followed(infrareds: list[Picture], visibles: list[Picture], found: Matrix, scales: tuple[Scale, ...], motion: Motion) -> Matrix:
    """Refined at each scale in turn, as far as enough is shared."""
    for scale in scales:
        better = refined(infrareds, visibles, found, scale, motion)
        found = found if better is None else better
    return found


def _plain(infrareds: list[Picture], visibles: list[Picture], found: Matrix, model: Model) -> tuple[Matrix, Motion] | None:
    """For cameras of one shape that lie nearly edges on edges: exactly so, or off by the least motion that the pictures call for."""
    (h, w), (height, width) = infrareds[0].shape, visibles[0].shape
    same = scaling(width / w, height / h)
    if abs(width / w * h / height - 1) >= 0.01 or distance_px(same, found, infrareds[0]) > NEAR_PX:
        return None
    surfaces = block_surfaces(infrareds, visibles, same, FINE)
    if len(surfaces.values_NSS) < LEAST_BLOCKS:
        return None
    small = working(infrareds[0], surfaces.size)
    there = through(small @ np.linalg.inv(same) @ found @ np.linalg.inv(small), surfaces.centres_N2)
    start_px = (there - surfaces.centres_N2).mean(0)
    motion = called_for(surfaces, PLAIN[model], start_px)
    if motion == "none":
        return same, motion
    step = as_homography(fit(surfaces, motion, start_px), surfaces.size)
    once = _moved_by(step, same, small, motion)
    again = _followed(infrareds, visibles, once, (FINE,), motion)  # which may climb a wrong peak where edges are few
    best = max((once, again), key=lambda homography: agreed(infrareds, visibles, homography))
    astray = agreed(infrareds, visibles, best) < ASTRAY * agreed(infrareds, visibles, found)
    return None if astray else (best, motion)


def _bent(infrareds: list[Picture], visibles: list[Picture], found: Matrix, model: Model) -> tuple[Matrix, Motion]:
    """With perspective, where it is allowed and the pictures call for it."""
    if model == "affine":
        return found, model
    surfaces = block_surfaces(infrareds, visibles, found, FINE)
    if len(surfaces.values_NSS) < LEAST_BLOCKS or called_for(surfaces, ("affine", "homography"), np.zeros(2)) == "affine":
        return found, "affine"
    return _followed(infrareds, visibles, found, (FINE, FINE), "homography"), "homography"


def _reported(infrareds: list[Picture], visibles: list[Picture], homography: Matrix, motion: Motion) -> Registration:
    surfaces = block_surfaces(infrareds, visibles, homography, FINE)
    if len(surfaces.values_NSS) < LEAST_BLOCKS:
        raise RigError("the views of the two cameras share too little; turn them to the same scene, or use points")
    px = _enlargement(homography, infrareds[0]) * infrareds[0].shape[1] / surfaces.size[1]
    # That nothing moved is as unsure as an affine that might have.
    agreement, spread_px = agreed(infrareds, visibles, homography), spread(surfaces, "affine" if motion == "none" else motion) * px
    doubts = []
    if agreement < SURE_AGREEMENT:
        doubts.append(f"the pictures agree too little ({agreement:.0f}, want {SURE_AGREEMENT:.0f}): it may be anywhere")
    if spread_px > SURE_SPREAD_PX * _enlargement(homography, infrareds[0]):
        doubts.append(f"parts of the picture contradict each other by {spread_px:.1f} px")
    return Registration(
        homography=homography,
        motion=motion,
        agreement=agreement,
        residual_px=max(_left_px(surfaces) * px, spread_px),
        spread_px=spread_px,
        blocks=len(surfaces.values_NSS),
        doubts=tuple(doubts),
    )


def _left_px(surfaces: Surfaces) -> float:
    """Median distance of the blocks' own best shifts from none, in working pixels; halves of a pixel count as found."""
    smooth = surfaces.smoothed(1.0).values_NSS
    best = smooth.reshape(len(smooth), -1).argmax(1)
    side = smooth.shape[1]
    shifts_N2 = np.stack([best % side, best // side], 1) - surfaces.reach
    return float(np.median(np.linalg.norm(shifts_N2, axis=1)))


def _enlargement(homography: Matrix, infrared: Picture) -> float:
    """Visible pixels per infrared pixel in the middle of the infrared picture."""
    height, width = infrared.shape
    middle = np.array([[width / 2, height / 2], [width / 2 + 1, height / 2], [width / 2, height / 2 + 1]], np.float64)
    there = through(homography, middle)
    return float(np.sqrt(abs(np.linalg.det(there[1:] - there[0]))))
