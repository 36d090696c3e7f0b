"""What the engine knows of one stream beside its pixels, and how it makes a `Result` of them."""

from dataclasses import dataclass, field
from types import MappingProxyType

from streamfuse.clock import Clock
from streamfuse.flow.clocks import clock_difference
from streamfuse.flow.content import with_content
from streamfuse.flow.meter import Meter
from streamfuse.flow.prompting import Words, told
from streamfuse.flow.recipe import CameraPair
from streamfuse.frames import Pair, Planes, PromptState, Spectrum
from streamfuse.publish.fid import frame_id
from streamfuse.results import CameraReport, Detections, Misalignment, Result
from streamfuse.stages import Aligner


@dataclass(slots=True, kw_only=True, eq=False)
class StreamContext:
    """One per stream. Its words change at a batch boundary."""

    camera_pair: CameraPair
    words: Words
    publisher: bytes
    model: dict[str, str]
    epoch: int = 0
    rig_id: str | None = field(init=False)
    """Name under which the aligner knows the rig."""

    def __post_init__(self) -> None:
        self.rig_id = self.camera_pair.rig.id if self.camera_pair.rig else None

    def watch(self, pair: Pair, align: Aligner) -> Misalignment | None:
        """Measure how well the cameras still fit; by choice, move this stream's rig a little. Others that share its file keep theirs."""
        monitor = self.camera_pair.monitor
        if monitor is None:
            return None
        monitor.see(pair)
        rig = monitor.refined(pair.t_cap_ns)
        if rig is not None:
            self.camera_pair.rig, self.rig_id = rig, f"{pair.stream} refined"
            align.know(self.rig_id, rig)
        return self._misalignment()

    def track(self, pair: Pair, detections: Detections) -> Detections:
        """Ids for the boxes; a break in time forgets all tracks."""
        tracker = self.camera_pair.tracker
        if tracker is None:
            return detections
        if pair.epoch != self.epoch:
            self.epoch = pair.epoch
            tracker.reset()
        return tracker.update(detections, pair.t_cap_ns)

    def result(
        self, pair: Pair, planes: Planes, detections: Detections, latency_us: dict[str, int], drops: dict[str, int], *, prompt: PromptState
    ) -> Result:
        """Everything that a subscriber gets. `prompt`: the one that `planes` were fused under."""
        prompt_id, found = told(prompt)
        rig = self.camera_pair.rig
        return Result(
            stream=pair.stream,
            seq=pair.seq,
            epoch=pair.epoch,
            fid=frame_id(pair.t_cap_ns, self._recording(), pair.stream, pair.epoch, pair.seq),
            t_cap_ns=pair.t_cap_ns,
            t_due_ns=pair.lead.t_due_ns,
            mode=pair.mode,
            infrared=_report(pair, Spectrum.INFRARED),
            visible=_report(pair, Spectrum.VISIBLE),
            skew_ns=pair.skew_ns,
            clocks=with_content(clock_difference(self.camera_pair.infrared, self.camera_pair.visible), self.camera_pair.content),
            image=planes,
            detections=detections,
            rig=rig.id if rig else None,
            residual_px=self._residual_px() if rig else None,
            misalignment=self._misalignment(),
            prompt=prompt_id,
            found=found,
            model=MappingProxyType(self.model),
            latency_us=MappingProxyType(latency_us),
            drops=MappingProxyType(drops),
        )

    def _residual_px(self) -> float | None:
        """As measured while running, or as the calibration left it."""
        monitor, rig = self.camera_pair.monitor, self.camera_pair.rig
        if monitor is not None and monitor.drift is not None:
            return monitor.drift.residual_px
        return rig.residual_px if rig else None

    def _misalignment(self) -> Misalignment | None:
        monitor = self.camera_pair.monitor
        drift = None if monitor is None else monitor.drift
        return None if drift is None else Misalignment(shift_px=drift.shift_px, moved_px=drift.moved_px, alarm=drift.alarm)

    def _recording(self) -> bytes:
        """What makes frame ids the same again in a replay; this publisher where a camera is live."""
        identities = [source.identity for source in self.camera_pair.sources.values()]
        return b"".join(identities) if all(identities) else self.publisher


def _report(pair: Pair, spectrum: Spectrum) -> CameraReport:
    frame = pair.frame(spectrum)
    if frame is None:
        return CameraReport(state="absent")
    return CameraReport(
        state=pair.state(spectrum),
        pts=frame.pts,
        time_base=frame.time_base,
        clock=frame.clock,
        uncertainty_ns=frame.uncertainty_ns,
        age_ns=pair.t_cap_ns - frame.t_cap_ns,
    )


def note(meter: Meter, clock: Clock, pair: Pair, latency_us: dict[str, int]) -> None:
    """Count a result. Age is against the instant it was due, or captured; a recording read as fast as possible has none."""
    lead = pair.lead
    age_ns: int | None = None
    if lead.t_due_ns is not None or lead.clock != "media":
        age_ns = clock.utc_ns() - (lead.t_due_ns or lead.t_cap_ns)
    meter.result(pair.stream, mode=pair.mode, age_ns=age_ns, skew_ns=pair.skew_ns, latency_us=latency_us)
