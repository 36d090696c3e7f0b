"""Every contender over every pair, with the same pictures and the same code. Legend: F contenders, N pairs, M metrics."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from streamfuse.colour import to_rgb
from streamfuse.errors import ConfigError
from streamfuse.evaluate.bootstrap import Interval, Scores, interval, ranking
from streamfuse.evaluate.boxes import box_metrics
from streamfuse.evaluate.classical_repair import NAME as CLASSICAL
from streamfuse.evaluate.classical_repair import repairing
from streamfuse.evaluate.contender import Contender, Sight, Steadied, WithFuser, grey_levels
from streamfuse.evaluate.conventions import PROTOCOL, Conventions
from streamfuse.evaluate.metrics import METRICS, batch_metrics, metric
from streamfuse.evaluate.video import DIS, OF_MAXIMUM, VideoMeter
from streamfuse.evaluate.word_cases import TWO, word_cases
from streamfuse.evaluate.words import Obedience, WordCase, examined, obeying, summary
from streamfuse.frames import Fused
from streamfuse.fuse import FUSERS
from streamfuse.results import Detections
from streamfuse.stages import Detector
from streamfuse.train.boxes import load_boxes
from streamfuse.train.data import PairRecord, grey, load_all

EXAMPLES = 4
T = TypeVar("T")
Tracked = Callable[[Sequence[T]], Iterable[T]]
"""Goes over a list, and may draw a bar meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is measured, and how."""

    metrics: tuple[str, ...] = tuple(METRICS)
    conventions: Conventions = PROTOCOL
    shifted_px: float = 0.0
    """Contenders get infrared shifted by so much, each pair in a direction of its own; metrics compare with the unshifted one."""
    video: bool = False
    """Pairs of one folder are consecutive frames of one recording."""
    flow: str = DIS
    detector: Detector | None = None
    """Looks at every fused picture of a pair that has labels."""
    examples: int = EXAMPLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One pair, for people."""

    name: str
    pictures: dict[str, NDArray[np.uint8]]
    """By contender, RGB (H, W, 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that was measured."""

    fusers: tuple[str, ...]
    metrics: tuple[str, ...]
    pairs: tuple[str, ...]
    scores_FNM: Scores
    video: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    """Recording -> contender -> metric."""
    boxes: dict[str, dict[str, float]] = field(default_factory=dict)
    """Contender -> metric, where there were labels and a detector."""
    words: dict[str, dict[str, dict[str, Interval]]] = field(default_factory=dict)
    """Fuser -> fault -> number of `words.Obedience`, where words were asked for."""
    examples: tuple[Example, ...] = ()

    def interval(self, fuser: str, name: str) -> Interval:
        """Mean over pairs and its 95 % interval."""
        return interval(self.scores_FNM[self.fusers.index(fuser), :, self.metrics.index(name)])

    def ranked(self) -> list[tuple[str, Interval]]:
        """Contenders by their mean place over all metrics, the best first."""
        better_M = np.array([METRICS[name].better for name in self.metrics])
        return sorted(zip(self.fusers, ranking(self.scores_FNM, better_M), strict=True), key=lambda row: row[1].mean)

    def words_ranked(self) -> dict[str, list[tuple[str, Interval]]]:
        """For each fault, those examined by their PSNR under the right words, the best first."""
        faults = list(next(iter(self.words.values()), {}))
        return {
            fault: sorted(((name, rows[fault]["right"]) for name, rows in self.words.items()), key=lambda row: -row[1].mean)
            for fault in faults
        }

    def over_repair(self, fuser: str) -> tuple[int, int, int]:
        """In how many single faults a fuser is better than classical repair; in how many surely (interval above 0); of how many."""
        leads = [row["over_repair"] for fault, row in self.words[fuser].items() if fault != TWO]
        return sum(lead.mean > 0 for lead in leads), sum(lead.low > 0 for lead in leads), len(leads)


def run(contenders: Sequence[Contender], records: Sequence[PairRecord], settings: Settings, tracked: Tracked[PairRecord] = iter) -> Report:
    """Measure. Errors of reading name the pair."""
    for name in settings.metrics:
        metric(name)
    labelled = [record for record in records if record.boxes]
    if settings.detector and not labelled:
        raise ConfigError("a detector was named, but no pair has labels: name their folder (labels as YOLO text or VOC XML)")
    shown = {records[i].name for i in np.linspace(0, len(records) - 1, min(settings.examples, len(records))).round().astype(int)}
    names: list[str] = []
    rows: list[list[list[float]]] = []
    examples: list[Example] = []
    videos: dict[Path, _Recording] = {}
    boxes = _Boxes(settings.detector) if settings.detector else None
    recording: Path | None = None
    for record, sight in _sights(tracked(records)):
        if record.recording != recording:
            recording = record.recording
            for row in contenders:
                if isinstance(row, Steadied):
                    row.forget()
        fused = {row.name: row.fuse(_shifted(sight, settings.shifted_px, record.name)) for row in contenders}
        luma_FHW = torch.cat([grey_levels(one.luma_B1HW) for one in fused.values()])
        names.append(record.name)
        rows.append(_measured(sight, luma_FHW, settings))
        if record.name in shown:
            examples.append(Example(name=record.name, pictures={name: _seen(one) for name, one in fused.items()}))
        if settings.video:
            videos.setdefault(record.recording, _Recording(list(fused))).add(record, sight, luma_FHW)
        if boxes and record.boxes:
            boxes.add(fused, load_boxes(record.boxes, sight.infrared_HW.shape))
    return Report(
        fusers=tuple(row.name for row in contenders),
        metrics=settings.metrics,
        pairs=tuple(names),
        scores_FNM=np.array(rows, np.float64).reshape(len(names), len(contenders), len(settings.metrics)).swapaxes(0, 1),
        video={name: video.measured(settings.flow) for name, video in _by_name(videos).items()},
        boxes=boxes.measured() if boxes else {},
        examples=tuple(examples),
    )


def run_words(
    contenders: Sequence[Contender], records: Sequence[PairRecord], per_fault: int, tracked: Tracked[tuple[str, WordCase]] = iter
) -> dict[str, dict[str, dict[str, Interval]]]:
    """Examine the fusers among the contenders in words, `per_fault` cases for each fault: for `Report.words`.

    Fusers that read no words have a gain of 0, and `salience` is R itself. `classical repair`, which is told the faults by name, is always
    among them, the last one: its gain is over `laplacian` of the pictures as they are.
    """
    fusers = {row.entry: row for row in contenders if isinstance(row, WithFuser)}
    obeys = {name: obeying(row.fuser, row.device) for name, row in fusers.items()}
    laplacian = obeying(FUSERS.make("laplacian"), torch.device("cpu"))
    found: dict[str, dict[str, list[Obedience]]] = {name: {} for name in (*obeys, CLASSICAL)}
    for fault, case in tracked(list(word_cases(records, per_fault))):
        told = {name: examined(obey, case) for name, obey in obeys.items()}
        told[CLASSICAL] = examined(repairing(case, laplacian), case)
        for name, one in told.items():
            found[name].setdefault(fault, []).append(replace(one, over_repair=one.right - told[CLASSICAL].right))
    return {name: {fault: summary(cases) for fault, cases in faults.items()} for name, faults in found.items()}


def _sights(records: Iterable[PairRecord]) -> Iterator[tuple[PairRecord, Sight]]:
    for record, infrared, visible in load_all(records):
        yield record, Sight(infrared, visible)


def _measured(sight: Sight, luma_FHW: torch.Tensor, settings: Settings) -> list[list[float]]:
    """[contender][metric] of one pair."""
    sources = [
        torch.from_numpy(np.ascontiguousarray(picture)).to(luma_FHW.device).expand_as(luma_FHW)
        for picture in (sight.infrared_HW, grey(sight.visible_HW3))
    ]
    found = batch_metrics(sources[0], sources[1], luma_FHW, names=settings.metrics, conventions=settings.conventions)
    return torch.stack([found[name] for name in settings.metrics], 1).tolist()


def _shifted(sight: Sight, distance_px: float, name: str) -> Sight:
    """Infrared moved by so much in a direction that the name decides; borders are repeated."""
    if not distance_px:
        return sight
    angle = np.random.default_rng(list(name.encode())).uniform(0, 2 * math.pi)
    move = np.array([[1, 0, distance_px * math.cos(angle)], [0, 1, distance_px * math.sin(angle)]], np.float64)
    height, width = sight.infrared_HW.shape
    moved = cv2.warpAffine(sight.infrared_HW, move, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Sight(np.asarray(moved, np.uint8), sight.visible_HW3)


def _seen(fused: Fused) -> NDArray[np.uint8]:
    rgb_3HW = to_rgb(fused.luma_B1HW, fused.chroma_B2cc)[0]
    return np.asarray((rgb_3HW * 255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy(), np.uint8)


class _Recording:
    """Grey frames of one recording, kept until its end."""

    def __init__(self, fusers: list[str]) -> None:
        self.name = ""
        self._cameras: tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]] = ([], [])
        self._fused: dict[str, list[NDArray[np.uint8]]] = {fuser: [] for fuser in fusers}

    def add(self, record: PairRecord, sight: Sight, luma_FHW: torch.Tensor) -> None:
        self.name = record.name.rpartition("/")[0]
        for frames, frame in zip(self._cameras, (sight.infrared_HW, grey(sight.visible_HW3)), strict=True):
            frames.append(frame)
        for frames, luma_HW in zip(self._fused.values(), luma_FHW.cpu().numpy(), strict=True):
            frames.append(luma_HW)

    def measured(self, flow: str) -> dict[str, dict[str, float]]:
        meter = VideoMeter(*self._cameras, flow)
        found = {fuser: meter.measure(frames) for fuser, frames in self._fused.items()}
        yardstick = found["maximum"]["BiSWE/SD"] if "maximum" in found else math.nan
        return {fuser: row | {OF_MAXIMUM: row["BiSWE/SD"] / (yardstick or math.nan)} for fuser, row in found.items()}


def _by_name(videos: dict[Path, _Recording]) -> dict[str, _Recording]:
    """By the name of the set, or the whole path where two are called alike."""
    often = Counter(video.name for video in videos.values())
    return {video.name if often[video.name] == 1 else str(path): video for path, video in videos.items()}


class _Boxes:
    """What the detector finds in each contender's pictures, beside the labels."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._found: dict[str, list[Detections]] = {}
        self._true: list[Detections] = []

    def add(self, fused: dict[str, Fused], true: Detections) -> None:
        self._true.append(true)
        for name, one in fused.items():
            self._found.setdefault(name, []).append(self._detector.detect(one)[0])

    def measured(self) -> dict[str, dict[str, float]]:
        return {name: box_metrics(found, self._true) for name, found in self._found.items()}
