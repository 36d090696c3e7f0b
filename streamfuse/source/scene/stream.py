"""The drawn street as a source: frames with stamps, drop-outs and freezes as set, each drawn at its true instant."""

import hashlib
from collections import Counter
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.errors import SourceError
from streamfuse.frames import Frame, Planes, Spectrum
from streamfuse.results import Detections
from streamfuse.source.scene.camera import Camera
from streamfuse.source.scene.chance import camera_dice
from streamfuse.source.scene.light import Light
from streamfuse.source.scene.picture import Painter
from streamfuse.source.scene.settings import SceneSettings
from streamfuse.source.scene.world import World

VERSION = 1  # raise it when the same settings draw other pixels
JITTER_LIMIT = 3.0  # deviations
SHARED = ("size", "seed", "start_s", "night", "fog", "smoke")  # settings that both cameras of a scene have in common


class SceneSource:
    """One camera in the street. Frame n is the same whatever was read before it."""

    live = False

    def __init__(self, settings: SceneSettings) -> None:
        self.settings = settings
        self.spectrum = settings.spectrum
        self.name = f"scene {settings.seed} {settings.spectrum}"
        self.identity = b""
        self.problems: Counter[str] = Counter()
        light = Light(settings.night, settings.fog)
        self._world = World(settings.seed, light)
        self._visible_camera = Camera.placed(settings.size, settings.size, np.eye(3))
        self._painter: Painter | None = None
        self._next = 0
        self._frozen: tuple[int, NDArray[Any]] | None = None

    def open(self) -> None:
        """Draw what stands still; the first frame is number 0 again."""
        self.close()
        self.problems.clear()
        shared = self.settings.model_dump_json(include=set(SHARED))
        self.identity = hashlib.blake2b(f"scene {VERSION} {shared}".encode(), digest_size=16).digest()
        self._painter = Painter(self.settings, self._world)
        self._next = 0

    def read(self) -> Frame | None:
        """The next frame that does not drop out; None after the last of `frames`."""
        if self._painter is None:
            raise SourceError(f"{self.name}: read before open; call open() first")
        limit = self.settings.frames
        while not limit or self._next < limit:
            seq = self._next
            self._next += 1
            if not self._drops(seq):
                return self._frame(seq, self._painter)
            self.problems["dropout"] += 1
        return None

    def close(self) -> None:
        """Forget the drawn background."""
        self._painter, self._frozen = None, None

    def true_t_s(self, seq: int) -> float:
        """The instant in the life of the street at which frame `seq` was exposed."""
        return self.settings.start_s + seq / self.settings.fps

    def boxes(self, t_s: float) -> Detections:
        """Exact boxes of people and cars at an instant, in visible pixels, clipped to the visible frame."""
        return self._world.boxes(t_s, self._visible_camera)

    def _frame(self, seq: int, painter: Painter) -> Frame:
        shown = self._shown(seq)
        image: NDArray[Any] | Planes
        if self._frozen is not None and self._frozen[0] == shown:
            image = self._frozen[1].copy()
        elif self.spectrum is Spectrum.VISIBLE:
            image = painter.visible(self.true_t_s(shown), shown)
        else:
            image = painter.infrared(self.true_t_s(shown), shown)
            self._frozen = (shown, image)
        return Frame(
            image=image,
            spectrum=self.spectrum,
            t_cap_ns=self._stamp_ns(seq),
            clock="media",
            uncertainty_ns=round(JITTER_LIMIT * self.settings.jitter_ms * NS_PER_MS),
            seq=seq,
            source=self.name,
            matrix="bt601",
            range="full",
            pts=seq,
            time_base=1 / Fraction(self.settings.fps).limit_denominator(10_000),
        )

    def _stamp_ns(self, seq: int) -> int:
        """What the camera's clock says: the true instant, with drift, offset and the error of this stamp."""
        s = self.settings
        error = (
            float(np.clip(camera_dice(s.seed, "jitter", s.spectrum, seq).standard_normal(), -JITTER_LIMIT, JITTER_LIMIT))
            if s.jitter_ms
            else 0.0
        )
        true_s = self.true_t_s(seq)
        return round(true_s * NS_PER_S) + round(true_s * s.drift_ppm * 1e3) + round((s.time_offset_ms + s.jitter_ms * error) * NS_PER_MS)

    def _drops(self, seq: int) -> bool:
        s = self.settings
        return s.drop_rate > 0 and camera_dice(s.seed, "drop", s.spectrum, seq).random() < s.drop_rate

    def _shown(self, seq: int) -> int:
        """The number of the frame whose picture is shown: while the shutter is closed, the last one before."""
        s, true_s = self.settings, self.true_t_s(seq)
        if s.spectrum is Spectrum.VISIBLE or not s.freeze_every_s:
            return seq
        closed_s = floor(true_s / s.freeze_every_s) * s.freeze_every_s
        if closed_s <= 0 or true_s >= closed_s + s.freeze_for_s:
            return seq
        return max(0, ceil((closed_s - s.start_s) * s.fps) - 1)
