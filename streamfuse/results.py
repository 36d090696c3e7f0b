"""The nouns that leave the device: boxes, and the result that a subscriber gets. Frozen and checked like those of `frames`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from streamfuse.errors import FrameError
from streamfuse.frames import CameraState, ClockKind, Mode, Noun, Planes

if TYPE_CHECKING:
    import supervision


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Detections(Noun):
    """Boxes of one picture, on the host, in pixels of the fused frame."""

    boxes_N4: NDArray[np.float32]
    """x1, y1, x2, y2; (0, 0) is the top left corner of the top left pixel."""
    scores_N: NDArray[np.float32]
    """In [0, 1]."""
    classes_N: NDArray[np.int32]
    tracks_N: NDArray[np.int32]
    """Track ids, unique within a stream; -1 where there is none."""
    names: tuple[str, ...]
    """The class table: `names[classes_N[i]]`."""

    def __post_init__(self) -> None:
        count = len(self.boxes_N4)
        if self.boxes_N4.shape != (count, 4) or not count == len(self.scores_N) == len(self.classes_N) == len(self.tracks_N):
            raise FrameError(f"boxes, scores, classes and tracks do not go together: {self!r}")

    def __len__(self) -> int:
        return len(self.boxes_N4)

    @classmethod
    def none(cls, names: tuple[str, ...] = ()) -> "Detections":
        """No boxes."""
        empty = np.zeros(0, np.int32)
        return cls(boxes_N4=np.zeros((0, 4), np.float32), scores_N=np.zeros(0, np.float32), classes_N=empty, tracks_N=empty, names=names)

    def to_supervision(self) -> "supervision.Detections":
        """The same as `supervision.Detections`, with `class_name` in `data`."""
        import supervision  # noqa: PLC0415  heavy, and only wanted here

        return supervision.Detections(
            xyxy=self.boxes_N4,
            confidence=self.scores_N,
            class_id=self.classes_N.astype(int),
            tracker_id=self.tracks_N.astype(int),
            data={"class_name": np.array([self.names[i] for i in self.classes_N], dtype=object)},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReport:
    """What is known of one camera's part in a result."""

    state: CameraState
    pts: int | None = None
    time_base: Fraction | None = None
    clock: ClockKind | None = None
    uncertainty_ns: int | None = None
    age_ns: int | None = None
    """How much older than the result's capture instant this camera's picture is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockDifference:
    """How the times of day that the two cameras state differ, visible minus infrared; of no effect where they are not used."""

    offset_ns: int
    drift_ppm: float
    confidence: float
    """0 to 1: grows with the time that it was measured over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misalignment:
    """How infrared lies on the visible picture, as measured while running, under the rig in use or none."""

    shift_px: tuple[float, float]
    """x, y in visible pixels: infrared shows things so much right of and below where the visible picture has them."""
    moved_px: float
    """Distance from the shift that was measured first."""
    alarm: bool
    """A camera was knocked, or the rig is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfSet:
    """What an `auto` prompt found to ail the cameras; nothing where they are well."""

    dials: Mapping[str, float] = field(default_factory=dict)
    """Turned for it, by name. Those set by hand beside it stand instead."""
    why: tuple[str, ...] = ()
    """A reason for each, in the same order: `visible dark: mean 0.07`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Result(Noun):
    """Everything a subscriber gets for one instant of one stream. On the host and immutable."""

    stream: str
    seq: int
    """Number of the pair in its stream."""
    epoch: int
    fid: bytes
    """16 bytes in the layout of UUIDv7; the same again when the same recording is replayed."""
    t_cap_ns: int
    t_due_ns: int | None
    mode: Mode
    infrared: CameraReport
    visible: CameraReport
    skew_ns: int | None
    """t_visible - t_infrared; None where one is missing."""
    clocks: ClockDifference | None = None
    """None where one of the cameras states no time of day, or is a recording."""
    image: Planes
    """The fused picture, YUV 4:2:0, BT.601 full range."""
    detections: Detections
    rig: str | None
    residual_px: float | None
    misalignment: Misalignment | None = None
    """None until it was measured."""
    prompt: str
    """Id of the prompt; `auto` where it finds its own dials."""
    found: SelfSet | None = None
    """What it found; None for prompts that do not look."""
    model: Mapping[str, str]
    """`network`, `detector`, `precision`."""
    latency_us: Mapping[str, int]
    """Microseconds spent per stage, hand-overs included, by name of the stage."""
    drops: Mapping[str, int]
    """Frames and pairs lost since the last result of this stream, by `stage.reason`."""
    ext: Mapping[str, Any] = field(default_factory=dict)
    """Users' own keys; msgpack must be able to hold the values."""
