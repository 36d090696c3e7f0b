"""Registration from the scene alone: search, refine the likeliest candidates, keep the best, refine it, and say how sure it is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from streamfuse.align.blocks import Scale, Surfaces, block_surfaces, brought, working
from streamfuse.align.fit import Model, as_homography, fit, spread
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
AS_GOOD = 0.9  # share of the best agreement at which cameras of one size count as aligned already


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """Where infrared lies in the visible picture, and how far to trust it."""

    homography: Matrix
    """3x3, infrared to visible pixels; the last row of an affine is 0 0 1."""
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
    for scale in (MIDDLE, FINE, FINE):
        better = refined(infrareds, visibles, found, scale, model)
        found = found if better is None else better
    return _reported(infrareds, visibles, _plainer(infrareds, visibles, found), model)


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


def refined(infrareds: list[Picture], visibles: list[Picture], homography: Matrix, scale: Scale, model: Model) -> Matrix | None:
    """A better homography near the one given; None where too little is shared."""
    surfaces = block_surfaces(infrareds, visibles, homography, scale)
    if len(surfaces.values_NSS) < LEAST_BLOCKS:
        return None
    small = working(infrareds[0], surfaces.size)
    better = homography @ np.linalg.inv(small) @ as_homography(fit(surfaces, model), surfaces.size) @ small
    better /= better[2, 2]
    if model == "affine":
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


def _plainer(infrareds: list[Picture], visibles: list[Picture], found: Matrix) -> Matrix:
    """The identity for cameras of one size where it explains the pictures about as well: a fit always finds a little more."""
    (h, w), (height, width) = infrareds[0].shape, visibles[0].shape
    same = scaling(width / w, height / h)
    if abs(width / w * h / height - 1) < 0.01 and agreed(infrareds, visibles, same) >= AS_GOOD * agreed(infrareds, visibles, found):
        return same
    return found


def _reported(infrareds: list[Picture], visibles: list[Picture], homography: Matrix, model: Model) -> Registration:
    surfaces = block_surfaces(infrareds, visibles, homography, FINE)
    if len(surfaces.values_NSS) < LEAST_BLOCKS:
        raise RigError("the views of the two cameras share too little; turn them to the same scene, or use points")
    px = _enlargement(homography, infrareds[0]) * infrareds[0].shape[1] / surfaces.size[1]
    agreement, spread_px = agreed(infrareds, visibles, homography), spread(surfaces, model) * px
    doubts = []
    if agreement < SURE_AGREEMENT:
        doubts.append(f"the pictures agree too little ({agreement:.0f}, want {SURE_AGREEMENT:.0f}): it may be anywhere")
    if spread_px > SURE_SPREAD_PX * _enlargement(homography, infrareds[0]):
        doubts.append(f"parts of the picture contradict each other by {spread_px:.1f} px")
    return Registration(
        homography=homography,
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
