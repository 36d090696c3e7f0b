"""Smoke that drifts along the street, thick and thin, and thinner higher up. It hides the visible picture alone."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.source.scene.camera import Camera
from streamfuse.source.scene.canvas import Plane
from streamfuse.source.scene.light import Light
from streamfuse.source.scene.palette import yuv
from streamfuse.source.scene.texture import TILE, Texture

STEP = 4  # pixels to a sample of the field
# Two layers of noise: texels to a picture's width, drift in texels a second (x, y), weight.
LAYERS = ((120.0, (6.5, 3.5), 1.0), (300.0, (19.0, 13.0), 0.5))
MEAN, SPREAD = 0.86, 0.15  # of the share that smoke of strength 1 hides


class Smoke:
    """The smoke of one scene before one camera."""

    def __init__(self, strength: float, camera: Camera, light: Light, texture: Texture) -> None:
        self._strength, self._size, self._tile = strength, camera.size, texture.broad
        width, height = camera.size
        self._shape = ((height + STEP - 1) // STEP, (width + STEP - 1) // STEP)
        rows = np.linspace(0, 1, self._shape[0], dtype=np.float32)[:, None]
        self._envelope = np.clip(0.25 + rows * 3.2, 0.25, 1.0) * np.ones(self._shape, np.float32)
        tone = yuv((light.sky * 0.9 + 0.12 * light.sun + 0.010 * light.lamps_on)[None])[0]
        self._luma = float(tone[0])

    def drift(self, planes: list[Plane], t_s: float) -> None:
        """Lay the smoke of this instant over Y and UV, in place."""
        field = self._layer(0, t_s) + self._layer(1, t_s)
        share = np.clip((MEAN + SPREAD * field) * self._envelope * self._strength, 0.0, 0.97)
        share = np.minimum(share, self._strength)
        luma = self._luma * (1.0 + 0.10 * field)
        self._lay(planes[0], share, np.clip(share * luma, 0, 255))
        self._lay(planes[1], share, share * 128.0)

    def _layer(self, number: int, t_s: float) -> NDArray[np.float32]:
        """Noise as seen now; the tile repeats, so that the drift never ends."""
        across, speed, weight = LAYERS[number]
        scale = across / self._shape[1]
        shift_x, shift_y = (-(v * t_s) % TILE for v in (speed[0], -speed[1]))
        mapping = np.array([[scale, 0.0, shift_x], [0.0, scale, shift_y]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        seen = cv2.warpAffine(self._tile, mapping, self._shape[::-1], flags=flags, borderMode=cv2.BORDER_WRAP)
        return np.asarray(seen * np.float32(weight))

    def _lay(self, plane: Plane, share: NDArray[np.floating], added: NDArray[np.floating]) -> None:
        samples: NDArray[Any] = plane.samples
        size = (samples.shape[1], samples.shape[0])
        through = cv2.resize(np.rint(255 * (1 - share)).astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)
        veil = cv2.resize(np.rint(added).astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)
        if samples.ndim == 3:
            through, veil = cv2.merge([through, through]), cv2.merge([veil, veil])
        cv2.multiply(samples, through, samples, 1 / 255)
        cv2.add(samples, veil, samples)
