"""The content check while cameras run: sees frames on their camera's thread, looks now and then on its own, and corrects if asked."""

import dataclasses
import logging
import threading
from collections.abc import Sequence
from typing import Any

from streamfuse.clock import NS_PER_MS, NS_PER_S, Clock
from streamfuse.flow.meter import Meter
from streamfuse.flow.worker import Worker
from streamfuse.frames import Frame, Spectrum
from streamfuse.results import ClockDifference
from streamfuse.sync.content import ContentCheck
from streamfuse.sync.content_lag import Lag

logger = logging.getLogger(__name__)

POLL_S = 0.2
SLEW = 0.02  # seconds of correction per second: a stream's rate changes by 2 %, and no frame overtakes another
AGREE_S = 0.04  # two looks in a row that are sure and this near each other are believed
WORTH_S = 0.01  # a correction changes by this much at least
WORTH_TELLING_S = 0.02


class ContentWatch:
    """One per pair. `take` is called by the cameras' threads, `run` is a thread's body."""

    def __init__(self, check: ContentCheck, *, stream: str, clock: Clock, meter: Meter) -> None:
        self._check = check
        self._stream = stream
        self._clock = clock
        self._meter = meter
        self._before: Lag | None = None
        self._warned_s = 0.0
        self._wanted_ns = 0  # what is to be added to infrared's times beside `time_offset_ms`
        self._applied_ns = 0
        self._last_ns: int | None = None

    def take(self, frame: Frame) -> Frame:
        """Show it to the check, by the stamp that its camera gave it; infrared comes back with the corrected one."""
        self._check.see(frame)
        return self._corrected(frame) if frame.spectrum is Spectrum.INFRARED else frame

    def run(self, cameras: Sequence[Worker], stopping: threading.Event) -> None:
        """Look every so often, until the cameras have ended."""
        every_ns = round(self._check.settings.every_s * NS_PER_S)
        due_ns = self._clock.now_ns() + every_ns
        while any(camera.alive for camera in cameras) and not stopping.wait(POLL_S):
            if self._clock.now_ns() >= due_ns:
                due_ns = self._clock.now_ns() + every_ns
                self.look()

    def look(self) -> None:
        """Compare, tell, and set the correction."""
        lag, before = self._check.look(), self._before
        self._before = lag
        self._meter.content(self._stream, _told(lag, (self._check.known_s + self._applied_ns / NS_PER_S)))
        if not (lag.sure and before is not None and before.sure and abs(lag.offset_s - before.offset_s) <= AGREE_S):
            return
        left_s = lag.offset_s - self._check.known_s
        if self._check.settings.apply:
            if abs(left_s - self._wanted_ns / NS_PER_S) > WORTH_S:
                self._wanted_ns = round(left_s * NS_PER_S)
                logger.info("%s: infrared's times are corrected by %+.0f ms, slowly", self._stream, left_s * 1000)
        elif abs(left_s) > WORTH_TELLING_S and abs(left_s - self._warned_s) > WORTH_TELLING_S:
            self._warned_s = left_s
            logger.warning(
                "%s: by what moves in both, the cameras' times are %+.0f ms apart; set time_offset_ms: %.0f",
                self._stream,
                left_s * 1000,
                lag.offset_s * 1000,
            )

    def _corrected(self, frame: Frame) -> Frame:
        passed_ns = 0 if self._last_ns is None else max(0, frame.t_cap_ns - self._last_ns)
        self._last_ns = frame.t_cap_ns
        most_ns = round(SLEW * passed_ns)
        self._applied_ns += min(max(self._wanted_ns - self._applied_ns, -most_ns), most_ns)
        return dataclasses.replace(frame, t_cap_ns=frame.t_cap_ns + self._applied_ns) if self._applied_ns else frame


def with_content(clocks: ClockDifference | None, check: ContentCheck | None) -> ClockDifference | None:
    """What goes out as `sync`: the offset by content where it was looked for, else by the times of day; the drift is the clocks'."""
    lag = None if check is None else check.found
    if lag is None:
        return clocks
    drift_ppm = 0.0 if clocks is None else clocks.drift_ppm
    return ClockDifference(offset_ns=round(lag.offset_s * NS_PER_S), drift_ppm=drift_ppm, confidence=lag.confidence)


def _told(lag: Lag, corrected_s: float) -> dict[str, Any]:
    return {
        "offset_ms": round(lag.offset_s * NS_PER_S / NS_PER_MS, 1),
        "sigma_ms": round(lag.sigma_s * NS_PER_S / NS_PER_MS, 1),
        "confidence": round(lag.confidence, 2),
        "reason": lag.reason,
        "corrected_ms": round(corrected_s * NS_PER_S / NS_PER_MS, 1),
    }
