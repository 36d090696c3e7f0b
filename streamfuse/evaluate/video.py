"""BiSWE, MS2R and warping error: does the fused video move as the cameras' did, without flicker. Legend: T frames, H W pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from streamfuse.errors import FrameError
from streamfuse.evaluate.motion import Field, Flow, consistent, flow, unoccluded, warped

DIS = "dis-medium"
VIDEO_METRICS = {
    "BiSWE": "bidirectional self-warping error, grey levels",
    "MS2R": "motion smoothness with dual reference, pixels",
    "Ewarp": "warping error by visible flow, x 1000",
    "BiSWE/SD": "BiSWE over the contrast of the fused video",
}
"""Lower is better for all."""
OF_MAXIMUM = "of maximum"
"""In reports: BiSWE/SD over that of the rule `maximum` in the same recording."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Motion:
    """Flow between neighbours of one video: `there[t]` from frame t to t + 1, `back[t]` from t + 1 to t."""

    there: list[Field]
    back: list[Field] = field(default_factory=list)

    @classmethod
    def of(cls, frames_THW: Sequence[Grey], find: Flow) -> "Motion":
        """In both directions."""
        return cls([find(a, b) for a, b in pairwise(frames_THW)], [find(b, a) for a, b in pairwise(frames_THW)])


class VideoMeter:
    """Measures any number of fused videos of one recording: the cameras' flow is found once.

    Frames are consecutive, grey (H, W) uint8, three at least: infrared on the visible grid, and luma of the visible camera.
    """

    def __init__(self, infrared_THW: Sequence[Grey], visible_THW: Sequence[Grey], flow_name: str = DIS) -> None:
        if len(infrared_THW) != len(visible_THW) or len(visible_THW) < 3:
            raise FrameError(f"want three or more frames of both cameras, got {len(infrared_THW)} and {len(visible_THW)}")
        self.flow_name = flow_name
        self._find = flow(flow_name)
        self._visible_THW = visible_THW
        self._infrared, self._visible = Motion.of(infrared_THW, self._find), Motion.of(visible_THW, self._find)
        self._steady = [
            (consistent(a, b) & consistent(c, d), consistent(b, a) & consistent(d, c))
            for a, b, c, d in zip(self._infrared.there, self._infrared.back, self._visible.there, self._visible.back, strict=True)
        ]

    def measure(self, fused_THW: Sequence[Grey]) -> dict[str, float]:
        """All of `VIDEO_METRICS`, for a fused video (luma) of the same frames."""
        if len(fused_THW) != len(self._visible_THW):
            raise FrameError(f"want {len(self._visible_THW)} fused frames, got {len(fused_THW)}")
        motion = Motion.of(fused_THW, self._find)
        error = self._self_warping(fused_THW, motion)
        contrast = float(np.mean([frame.std() for frame in fused_THW]))
        return {
            "BiSWE": error,
            "MS2R": self._smoothness(motion),
            "Ewarp": 1000 * self._warping(fused_THW),
            "BiSWE/SD": error / contrast if contrast else float("nan"),
        }

    def _self_warping(self, fused_THW: Sequence[Grey], motion: Motion) -> float:
        """BiSWE: mean |F_t - F_(t-1) warped| + mean |F_t - F_(t+1) warped| by the fused video's own flow, where both cameras' flow is sure.

        Mean over t, grey levels. "UniVF and VF-Bench", NeurIPS 2025, and its code; there with SEA-RAFT.
        """
        errors = []
        for t in range(1, len(fused_THW) - 1):
            _, sure_before = self._steady[t - 1]
            sure_after, _ = self._steady[t]
            before = np.abs(fused_THW[t] - warped(fused_THW[t - 1], motion.back[t - 1]))
            after = np.abs(fused_THW[t] - warped(fused_THW[t + 1], motion.there[t]))
            errors.append(_mean(before, sure_before) + _mean(after, sure_after))
        return float(np.mean(errors))

    def _smoothness(self, motion: Motion) -> float:
        """MS2R: mean over both cameras of |second difference of the fused flow - that of the camera's|. Pixels; same source."""
        bends = [b - a for a, b in pairwise(motion.there)]
        cameras = [[b - a for a, b in pairwise(camera.there)] for camera in (self._infrared, self._visible)]
        return float(np.mean([np.abs(mine - theirs).mean() for camera in cameras for mine, theirs in zip(bends, camera, strict=True)]))

    def _warping(self, fused_THW: Sequence[Grey]) -> float:
        """E_warp: mean (F_t - F_(t+1) warped)^2 on 0..1 by the visible camera's flow, where nothing is occluded.

        Lai et al., "Learning blind video temporal consistency", ECCV 2018, section 4.1; there with FlowNet2.
        """
        errors = []
        for t, (there, back) in enumerate(zip(self._visible.there, self._visible.back, strict=True)):
            difference = (fused_THW[t] - warped(fused_THW[t + 1], there)) / 255
            errors.append(_mean(np.square(difference), unoccluded(there, back)))
        return float(np.mean(errors))


def _mean(values_HW: NDArray[np.float32], where_HW: NDArray[np.bool_]) -> float:
    return float(values_HW[where_HW].mean()) if where_HW.any() else 0.0
