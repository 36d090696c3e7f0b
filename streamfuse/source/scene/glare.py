"""Glare: the halo that a lens, and fog even more, draws around lamps, headlights and tail-lights. Visible camera only."""

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.source.scene import street
from streamfuse.source.scene.canvas import Canvas
from streamfuse.source.scene.car import SHAPES, Drive
from streamfuse.source.scene.figure import F64
from streamfuse.source.scene.light import Light

SPRITE = 96  # samples along an edge
WHITE_YUV, AMBER_YUV, RED_YUV = (255.0, -6.0, 4.0), (235.0, -38.0, 22.0), (120.0, -32.0, 92.0)
LAMP_HALO_M, HEAD_HALO_M, TAIL_HALO_M = 2.4, 1.9, 0.6


@lru_cache(maxsize=1)
def _sprite() -> NDArray[np.float32]:
    """A bright core, a wide halo that ends within the square, and faint streaks."""
    axis = (np.arange(SPRITE, dtype=np.float32) + 0.5) / SPRITE * 2 - 1
    x, y = np.meshgrid(axis, axis)
    radius = np.hypot(x, y)
    core, halo = np.exp(-((radius / 0.09) ** 2)), 0.30 * np.exp(-radius / 0.20)
    streaks = 0.35 * (np.exp(-np.abs(y) / 0.012 - np.abs(x) / 0.30) + np.exp(-np.abs(x) / 0.012 - np.abs(y) / 0.16))
    return np.asarray((core + halo + streaks) * np.clip((1 - radius) / 0.5, 0, 1), np.float32)


def halo(canvas: Canvas, at_3: F64, radius_m: float, colour: tuple[float, float, float], strength: float) -> None:
    """Add the light of one lamp around the place where it is seen."""
    rim = np.stack([at_3, at_3 + np.array([0.0, 0.0, radius_m])])
    if strength < 0.02 or not canvas.camera.in_front(rim):
        return
    (x, y), (_, top) = canvas.camera.project(rim)
    radius = max(float(y - top), 2.0)
    patch = canvas.patch((x - radius, y - radius), (x + radius, y + radius))
    if patch is None:
        return
    scale = SPRITE / (2 * radius)
    for plane, parts in zip(canvas.planes, (colour[:1], colour[1:]), strict=True):
        part, step = plane.part(patch), plane.step
        left, up = (patch.left + (step - 1) / 2 - x) * scale + SPRITE / 2 - 0.5, (patch.top + (step - 1) / 2 - y) * scale + SPRITE / 2 - 0.5
        mapping = np.array([[scale * step, 0.0, left], [0.0, scale * step, up]])
        glow = cv2.warpAffine(_sprite(), mapping, (part.shape[1], part.shape[0]), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        glow = (glow * strength).reshape(*part.shape[:2], 1)
        part[...] = np.clip(part + (glow * np.array(parts, np.float32)).reshape(part.shape), 0, 255)


def lamps(canvas: Canvas) -> None:
    """The halos of the street lamps."""
    light = canvas.light
    for lamp_x, lamp_y in street.LAMPS_M:
        at = np.array([lamp_x + np.sign(-lamp_x) * street.LAMP_ARM_M, lamp_y, street.LAMP_HEIGHT_M])
        halo(canvas, at, LAMP_HALO_M * _spread(light), AMBER_YUV, 0.9 * light.lamps_on * _clear(canvas, at))


def headlights(canvas: Canvas, drives: Sequence[Drive]) -> None:
    """The halos of the cars' own lamps, where they point towards the camera."""
    light = canvas.light
    for drive in drives:
        shape, coming = SHAPES[drive.kind], drive.direction < 0
        along = shape.nose if coming else shape.tail
        strength = (0.95 if coming else 0.35 + 0.4 * drive.braking) * light.lamps_on
        for side in (-1, 1):
            at = np.array([drive.x + side * (shape.width / 2 - 0.22), drive.y + along * drive.direction, 0.68])
            radius, colour = (HEAD_HALO_M, WHITE_YUV) if coming else (TAIL_HALO_M, RED_YUV)
            halo(canvas, at, radius * _spread(light), colour, strength * _clear(canvas, at))


def _spread(light: Light) -> float:
    return 1 + 1.2 * light.fog


def _clear(canvas: Canvas, at_3: F64) -> float:
    return float(1 - 0.8 * canvas.light.veil(canvas.camera.depth(at_3[None])[0]))
