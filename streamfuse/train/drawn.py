"""The drawn street as training pairs: pixels of both cameras and exact boxes, without a file."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamfuse.errors import ConfigError
from streamfuse.frames import Planes, Spectrum
from streamfuse.results import Detections
from streamfuse.source.scene import SceneSettings, SceneSource
from streamfuse.train.boxes import CLASSES
from streamfuse.train.split import Light
from streamfuse.video import to_rgb

PER_STREET = 4
"""Pairs of one street and light: drawing what stands still costs more than a frame."""
APART_S = 7.0
"""Between two pairs of one street: others walk by then."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnPair:
    """One instant of the street."""

    name: str
    light: Light
    infrared_HW: NDArray[np.uint8]
    visible_HW3: NDArray[np.uint8]
    """RGB."""
    boxes: Detections
    """Persons and cars; `names` is `streamfuse.train.boxes.CLASSES`."""


def scene_pairs(count: int, seed: int, *, size: tuple[int, int] = (640, 480), fog: float = 0.0, smoke: float = 0.0) -> Iterator[DrawnPair]:
    """`count` pairs of (width, height) pixels, every second street at night; the same for the same arguments.

    `fog` and `smoke` are the worst that is drawn, from 0 to 1; at 0 both pictures are clear.

    Raises:
        ConfigError: `count` is not at least 1.
    """
    if count < 1:
        raise ConfigError(f"count is how many pairs to draw and must be at least 1, got {count}")
    for street in range(-(-count // PER_STREET)):
        draw = np.random.default_rng((seed, street))
        night = float(draw.uniform(0.5, 1.0)) if street % 2 else 0.0
        shared = SceneSettings(
            size=size,
            seed=int(draw.integers(2**31)),
            fps=1 / APART_S,
            frames=min(PER_STREET, count - street * PER_STREET),
            start_s=float(draw.uniform(0.0, 1000.0)),
            night=night,
            fog=fog * float(draw.random()),
            smoke=smoke * float(draw.random()),
        )
        yield from _street(shared, f"scene/{seed}-{street}", "night" if night else "day")


def _street(shared: SceneSettings, name: str, light: Light) -> Iterator[DrawnPair]:
    seen, warm = (SceneSource(shared.model_copy(update={"spectrum": spectrum})) for spectrum in (Spectrum.VISIBLE, Spectrum.INFRARED))
    seen.open()
    warm.open()
    while (visible := seen.read()) is not None and (infrared := warm.read()) is not None:
        assert isinstance(visible.image, Planes)
        assert not isinstance(infrared.image, Planes)
        yield DrawnPair(
            name=f"{name}-{visible.seq}",
            light=light,
            infrared_HW=infrared.image,
            visible_HW3=to_rgb(visible.image, visible.matrix, visible.range),
            boxes=_renamed(seen.boxes(seen.true_t_s(visible.seq))),
        )


def _renamed(boxes: Detections) -> Detections:
    """In the table of classes that training uses."""
    numbers = np.array([CLASSES.index(name) for name in boxes.names], np.int32)
    return Detections(
        boxes_N4=boxes.boxes_N4,
        scores_N=boxes.scores_N,
        classes_N=numbers[boxes.classes_N],
        tracks_N=boxes.tracks_N,
        names=CLASSES,
    )
