"""What a real camera adds: a lens that is not quite sharp, noise of its own in each frame, and the levels it puts out."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamfuse.frames import Spectrum
from streamfuse.source.scene.canvas import counts
from streamfuse.source.scene.chance import camera_dice, dice
from streamfuse.source.scene.light import Light

ROAM_PX = 64  # a tile of noise is larger than the frame by this, and laid anew at random for each frame
VISIBLE_NOISE = {"day": 1.4, "night": 4.5}  # levels of 255
INFRARED_NOISE_K = 0.09
BELOW_AIR_K, TOP_C = 6.0, 34.0  # temperatures that become levels 0 and 255: from somewhat below the air to a face
BLUR_PX = {Spectrum.VISIBLE: 0.55, Spectrum.INFRARED: 0.85}


class Sensor:
    """The last step of one camera. Noise depends on the seed and on the number of the frame alone."""

    def __init__(self, seed: int, spectrum: Spectrum, size: tuple[int, int], light: Light, bits: int) -> None:
        self._seed, self._spectrum, self._size, self._bits = seed, spectrum, size, bits
        low = float(counts(light.air_c - BELOW_AIR_K))
        self._gain = 255.0 / (float(counts(TOP_C)) - low)
        self._low = low
        if spectrum is Spectrum.VISIBLE:
            deviation = VISIBLE_NOISE["day"] * (1 - light.night) + VISIBLE_NOISE["night"] * light.night
        else:
            deviation = INFRARED_NOISE_K * 100 * (self._gain if bits == 8 else 1.0)
        shape = (size[1] + ROAM_PX, size[0] + ROAM_PX)
        noise = np.rint(dice(seed, f"noise/{spectrum}").standard_normal(shape, np.float32) * deviation)
        kind = np.uint16 if bits == 16 and spectrum is Spectrum.INFRARED else np.uint8
        self._more, self._less = np.maximum(noise, 0).astype(kind), np.maximum(-noise, 0).astype(kind)

    def expose(self, light_HW: NDArray[Any], seq: int) -> NDArray[Any]:
        """Luma, or counts of 0.01 K, as the camera hands them out; a new array."""
        if self._spectrum is Spectrum.INFRARED and self._bits == 8:
            light_HW = cv2.convertScaleAbs(cv2.max(light_HW, self._low), alpha=self._gain, beta=-self._low * self._gain)
        seen = cv2.GaussianBlur(light_HW, (3, 3) if self._spectrum is Spectrum.VISIBLE else (5, 5), BLUR_PX[self._spectrum])
        top, left = camera_dice(self._seed, "noise", self._spectrum, seq).integers(ROAM_PX, size=2)
        where = np.s_[top : top + self._size[1], left : left + self._size[0]]
        cv2.add(seen, self._more[where], seen)
        cv2.subtract(seen, self._less[where], seen)
        return np.asarray(seen)
