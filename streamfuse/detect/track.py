"""Track ids by ByteTrack, from the library `trackers` (Apache-2.0). One tracker per stream; ids mean nothing across streams."""

import dataclasses

import numpy as np
from pydantic import Field

from streamfuse.registry import Settings
from streamfuse.results import Detections

LIBRARY_RATE_HZ = 30.0  # the unit of time of `trackers`, to which its motion model is tuned; the stream's own rate does not matter
TICK_NS = 1_000  # stamps that do not grow are moved on by this, and patience is longer by it: rounding of floats decides nothing


class ByteTrackSettings(Settings):
    """How boxes of successive pictures are joined."""

    lost_ms: float = Field(1000.0, gt=0, le=60_000)
    """A track is kept this long after its last box, and gets its id back when the box returns. Longer than from picture to picture."""
    new_score: float = Field(0.4, ge=0, le=1)
    """Least score of a box that starts a track."""
    high_score: float = Field(0.4, ge=0, le=1)
    """Boxes from this score on are joined first; weaker ones may only continue a track that found none of them."""
    min_iou: float = Field(0.1, gt=0, le=1)
    """Least overlap (intersection over union) of a box with the place predicted for its track."""
    min_frames: int = Field(2, ge=1, le=100)
    """Pictures in a row with a box before a track gets an id; until then -1."""


class ByteTrack:
    """Ids from 1 up, never used twice by one instance, not even after `reset`. Boxes pass unchanged, in their order. One thread."""

    def __init__(self, settings: ByteTrackSettings) -> None:
        from trackers import ByteTrackTracker  # noqa: PLC0415  takes a second to import

        self._tracker = ByteTrackTracker(
            lost_track_buffer=(settings.lost_ms / 1e3 + TICK_NS / 1e9) * LIBRARY_RATE_HZ,
            frame_rate=LIBRARY_RATE_HZ,
            track_activation_threshold=settings.new_score,
            minimum_consecutive_frames=settings.min_frames,
            minimum_iou_threshold=settings.min_iou,
            high_conf_det_threshold=settings.high_score,
        )
        self._first_id = 1  # of the library's 0, which comes again after each reset
        self._next_id = 1
        self._first_ns: int | None = None  # since `reset`
        self._last_ns = 0

    def update(self, detections: Detections, t_cap_ns: int) -> Detections:
        """Tracks move and age with the capture time, so pictures may be dropped, or come at any rate."""
        from supervision import Detections as Rows  # noqa: PLC0415  came with `trackers`

        rows = Rows(xyxy=detections.boxes_N4, confidence=detections.scores_N, data={"row": np.arange(len(detections))})
        tracked = self._tracker.update(rows, timestamp=self._seconds(t_cap_ns))
        tracks = np.full(len(detections), -1, np.int32)
        if len(tracked):  # in another order than they went in
            ids = tracked.tracker_id
            tracks[tracked.data["row"]] = np.where(ids < 0, -1, ids + self._first_id)
            self._next_id = max(self._next_id, int(tracks.max()) + 1)
        return dataclasses.replace(detections, tracks_N=tracks)

    def reset(self) -> None:
        """Forget all tracks; new ones get new ids."""
        self._tracker.reset()
        self._first_id = self._next_id
        self._first_ns = None

    def _seconds(self, t_cap_ns: int) -> float:
        """Since the first picture after a reset: UTC would not fit into a float. Always grows, as the library warns of anything else."""
        if self._first_ns is None:
            self._first_ns = self._last_ns = t_cap_ns
        else:
            self._last_ns = max(t_cap_ns, self._last_ns + TICK_NS)
        return (self._last_ns - self._first_ns) / 1e9
