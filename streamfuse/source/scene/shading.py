"""Light that moves over the ground: shadows of figures, the dark where they stand, the beams of headlights. Visible camera only."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.source.scene.camera import NEAREST_M
from streamfuse.source.scene.canvas import SHIFT, Canvas
from streamfuse.source.scene.car import Drive
from streamfuse.source.scene.figure import F64, Crowd
from streamfuse.source.scene.light import SUN

STEP = 2  # pixels to a sample of the map: shadows are soft
ONE = 64  # the level of the map that changes nothing; 255 is four times the light
SHADOW, CONTACT, BEAM = 0.46, 0.30, 2.6
TOUCH_M, AROUND_M = 0.10, 0.10  # what is lower than this stands on the ground; so far around it is dark
FAINT = 0.96  # shades that leave more than this are left out
BEAM_BLUR_PX = 7.0  # at 640 pixels across
BEAM_M = ((1.0, 0.9), (9.0, 2.0), (16.0, 2.2))  # half width of the beam by distance from the car's middle


class Shading:
    """Collects on a coarse map, then multiplies the picture by it."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas, self._camera, self._light = canvas, canvas.camera, canvas.light

    def cast(self, crowd: Crowd, drives: Sequence[Drive] = ()) -> None:
        """Darken and lighten the ground around these figures and cars."""
        if not self._canvas.visible:
            return
        width, height = self._camera.size
        levels = np.full(((height + STEP - 1) // STEP, (width + STEP - 1) // STEP), ONE, np.uint8)
        if self._light.lamps_on and drives:
            self._beams(levels, drives)
            levels = cv2.GaussianBlur(levels, (0, 0), BEAM_BLUR_PX * width / 640 / STEP)
        clear: F64 = 1.0 - np.asarray(self._light.veil(self._camera.depth(crowd.feet_F3)), np.float64)
        self._contacts(levels, crowd, 1 - CONTACT * clear**2)  # what fog adds on the way is not darkened
        if self._light.sun_share:
            sun = self._light.sunlit(crowd.feet_F3) * self._light.sun_share * clear**2
            self._shadows(levels, crowd, 1 - SHADOW * sun)
        soft = cv2.GaussianBlur(levels, (3, 3), 0.8)
        full = cv2.resize(soft, (levels.shape[1] * STEP, levels.shape[0] * STEP), interpolation=cv2.INTER_LINEAR)[:height, :width]
        luma = self._canvas.planes[0].samples
        cv2.multiply(luma, full, luma, 1 / ONE)

    def _corners(self, points_K3: F64) -> NDArray[np.int32]:
        """Where points of the ground lie on the map."""
        return np.rint(((self._camera.project(points_K3) + 0.5) / STEP - 0.5) * (1 << SHIFT)).astype(np.int32)

    def _shadows(self, levels: NDArray[np.uint8], crowd: Crowd, keep_F: F64) -> None:
        fallen = crowd.points_K3 - crowd.points_K3[:, 2:] * (SUN / SUN[2])
        before = crowd.least(self._camera.depth(fallen)) > NEAREST_M
        for figure, corners, keep, seen in zip(crowd.figures, crowd.each(self._corners(fallen)), keep_F.tolist(), before, strict=True):
            if seen and keep < FAINT:
                start = 0
                for end in figure.ends:
                    cv2.fillConvexPoly(levels, corners[start:end], round(ONE * keep), cv2.LINE_8, SHIFT)
                    start = end

    def _contacts(self, levels: NDArray[np.uint8], crowd: Crowd, keep_F: F64) -> None:
        """The dark around feet and wheels, on the ground."""
        x, y, aloft = crowd.points_K3[:, 0], crowd.points_K3[:, 1], crowd.points_K3[:, 2] > TOUCH_M
        x0, y0 = (crowd.least(np.where(aloft, np.inf, axis)) - AROUND_M for axis in (x, y))
        x1, y1 = (crowd.most(np.where(aloft, -np.inf, axis)) + AROUND_M for axis in (x, y))
        flat = np.zeros_like(x0)
        rectangles = np.stack(
            [np.stack(corner, axis=-1) for corner in ((x0, y0, flat), (x1, y0, flat), (x1, y1, flat), (x0, y1, flat))], axis=1
        )
        before = self._camera.depth(rectangles.reshape(-1, 3)).reshape(-1, 4).min(axis=1) > NEAREST_M
        for corners, keep, seen in zip(self._corners(rectangles.reshape(-1, 3)).reshape(-1, 4, 2), keep_F.tolist(), before, strict=True):
            if seen and keep < FAINT:
                cv2.fillConvexPoly(levels, corners, round(ONE * keep), cv2.LINE_8, SHIFT)

    def _beams(self, levels: NDArray[np.uint8], drives: Sequence[Drive]) -> None:
        for drive in drives:
            for (from_m, from_half), (to_m, to_half) in pairwise(BEAM_M):
                corners = np.array(
                    [
                        (drive.x + half, max(drive.y + drive.direction * way, 1.0), 0.0)
                        for way, half in ((from_m, -from_half), (from_m, from_half), (to_m, to_half), (to_m, -to_half))
                    ]
                )
                depth = float(self._camera.depth(corners[:1])[0])
                gain = 1 + (BEAM - 1) * self._light.lamps_on * float(1 - self._light.veil(depth)) * (1.0 if from_m < 5 else 0.5)
                cv2.fillConvexPoly(levels, self._corners(corners), round(ONE * gain), cv2.LINE_8, SHIFT)
