"""`Result` -> headers. One `Composer` per stream counts the messages of each topic and knows what the stream is."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from streamfuse.publish.topic import Kind
from streamfuse.publish.wire import (
    VERSION,
    AutoReport,
    BothTimes,
    Box,
    CameraTimes,
    EosHeader,
    FitReport,
    HelloHeader,
    Part,
    ResultHeader,
    RigReport,
    StatHeader,
    SyncReport,
)
from streamfuse.results import CameraReport, ClockDifference, Detections, Misalignment, Result


class Publisher(NamedTuple):
    """What is the same in all messages of a publisher."""

    pub: bytes
    """16 bytes, new with each boot."""
    software: str
    codec: str
    policy: str


class About(NamedTuple):
    """What `hello` tells of a stream once its first result is there."""

    size: tuple[int, int]
    classes: tuple[str, ...]
    prompt: str
    model: Mapping[str, str]


class Composer:
    """Headers of one stream."""

    def __init__(self, stream: str, publisher: Publisher) -> None:
        self.stream = stream
        self._publisher = publisher
        self._seq: Counter[Kind] = Counter()
        self._epoch = 0
        self._about: About | None = None

    def learn(self, result: Result) -> bool:
        """Take in what the result shows of its stream; True if `hello` now says something else than before."""
        self._epoch = result.epoch
        about = About(result.image.size, result.detections.names, result.prompt, result.model)
        changed, self._about = about != self._about, about
        return changed

    def skip(self, kind: Kind) -> None:
        """Count a message that nobody subscribes to, so that `seq` means the same to every reader."""
        self._seq[kind] += 1

    def result(self, kind: Kind, result: Result, t_pub_ns: int, parts: list[Part]) -> ResultHeader:
        """Header of the next `det` or `img`."""
        return ResultHeader(
            **self._start(kind, t_pub_ns),
            ext=dict(result.ext),
            fid=result.fid,
            t_cap=result.t_cap_ns,
            t_due=result.t_due_ns,
            ts=BothTimes(infrared=_times(result.infrared), visible=_times(result.visible)),
            dt=result.skew_ns,
            sync=_sync(result.clocks),
            mode=result.mode,
            rig=None if result.rig is None else RigReport(id=result.rig, residual=result.residual_px),
            fit=_fit(result.misalignment),
            prompt=result.prompt,
            auto=None if result.found is None else AutoReport(dials=dict(result.found.dials), why=list(result.found.why)),
            model=dict(result.model),
            det=_boxes(result.detections),
            cls=class_table_id(result.detections.names),
            parts=parts,
            lat=dict(result.latency_us),
            drop=dict(result.drops),
        )

    def hello(self, t_pub_ns: int) -> HelloHeader:
        """Header of a new `hello`."""
        about = self._about
        return HelloHeader(
            **self._start("hello", t_pub_ns),
            software=self._publisher.software,
            codec=self._publisher.codec,
            policy=self._publisher.policy,
            size=None if about is None else about.size,
            cls=None if about is None else class_table_id(about.classes),
            classes=None if about is None else list(about.classes),
            prompt=None if about is None else about.prompt,
            model=None if about is None else dict(about.model),
        )

    def stat(self, stats: Mapping[str, Any], t_pub_ns: int) -> StatHeader:
        """Header of the next `stat`."""
        return StatHeader(**self._start("stat", t_pub_ns), stats=dict(stats))

    def eos(self, totals: Mapping[str, Any], t_pub_ns: int) -> EosHeader:
        """Header of the last message of the stream."""
        return EosHeader(**self._start("eos", t_pub_ns), totals=dict(totals))

    def _start(self, kind: Kind, t_pub_ns: int) -> dict[str, Any]:
        seq = self._seq[kind]
        self._seq[kind] += 1
        return {
            "v": VERSION,
            "kind": kind,
            "stream": self.stream,
            "pub": self._publisher.pub,
            "seq": seq,
            "epoch": self._epoch,
            "t_pub": t_pub_ns,
        }


def class_table_id(names: Sequence[str]) -> str:
    """8 hexadecimal digits: `det` carries them instead of the names."""
    return hashlib.blake2b("\0".join(names).encode(), digest_size=4).hexdigest()


def _times(report: CameraReport) -> CameraTimes:
    base = report.time_base
    return CameraTimes(
        state=report.state,
        pts=report.pts,
        tb=None if base is None else (base.numerator, base.denominator),
        clk=report.clock,
        unc=report.uncertainty_ns,
        age=report.age_ns,
    )


def _sync(clocks: ClockDifference | None) -> SyncReport | None:
    return None if clocks is None else SyncReport(off=clocks.offset_ns, drift=clocks.drift_ppm, conf=clocks.confidence)


def _fit(measured: Misalignment | None) -> FitReport | None:
    if measured is None:
        return None
    return FitReport(x=measured.shift_px[0], y=measured.shift_px[1], moved=measured.moved_px, alarm=measured.alarm)


def _boxes(detections: Detections) -> list[Box]:
    columns = (detections.scores_N, detections.classes_N, detections.tracks_N)
    return [(*box, *rest) for box, *rest in zip(detections.boxes_N4.tolist(), *(column.tolist() for column in columns), strict=True)]
