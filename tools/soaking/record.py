"""What is noted while a soak runs: small enough for days, with the moment of everything that is not as it should be."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.frames import Spectrum
from streamfuse.publish.message import Message
from streamfuse.publish.wire import BothTimes, ResultHeader
from tools.faults.truth import EXPOSED, SKEW, WHOLE

SILENT_S = 1.0  # a stream that says nothing for so long is silent
NOTHING = "nothing"


@dataclass(slots=True)
class Bucket:
    """The results of one stream in a minute, or less in a short run."""

    ages_ms: list[float] = field(default_factory=list)
    """From the exposure of the lead picture to receipt."""
    delays_ms: list[float] = field(default_factory=list)
    """From that of the later picture: before it there was no pair."""
    skews_ms: list[float] = field(default_factory=list)
    """True ones, of fused results whose pictures are no more than a period apart."""
    modes: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True, frozen=True)
class Sample:
    """A process, seen from outside."""

    at_ns: int
    rss_mb: float
    handles: int
    threads: int
    waited_ms: float = 0.0
    """For how long its threads together were ready to run and had no core, since the sample before."""


@dataclass(slots=True, frozen=True)
class Note:
    """Something with its moment."""

    at_ns: int
    stream: str
    what: str
    count: int = 1


@dataclass(slots=True, frozen=True)
class Apart:
    """A fused pair whose pictures are truly more than a period of the slower camera apart."""

    at_ns: int
    stream: str
    skew_ms: float
    times: BothTimes
    """How its cameras' pictures were stamped."""

    @property
    def doubt_ms(self) -> float:
        """By how much the stamps together may be wrong, as they say themselves."""
        return sum(camera.unc or 0 for camera in (self.times.infrared, self.times.visible)) / NS_PER_MS

    @property
    def by_arrival(self) -> set[str]:
        """Cameras whose stamps come from when packets arrived: they are late by what the network takes."""
        both = ((Spectrum.INFRARED, self.times.infrared), (Spectrum.VISIBLE, self.times.visible))
        return {f"{self.stream}-{spectrum}" for spectrum, camera in both if camera.clk in ("host", "estimated")}

    def __str__(self) -> str:
        both = (f"{camera.clk} ±{(camera.unc or 0) / NS_PER_MS:.0f} ms" for camera in (self.times.infrared, self.times.visible))
        return f"fused pair {self.skew_ms:.1f} ms apart, by {' and '.join(both)}"


@dataclass(slots=True, frozen=True)
class Older:
    """A result that truly shows something older than the one before it, though it is stamped as newer."""

    at_ns: int
    stream: str
    older_ms: float
    times: tuple[BothTimes, BothTimes]
    """How the pictures of both results were stamped."""

    @property
    def doubt_ms(self) -> float:
        """By how much the stamps of two cameras may be wrong, as they say themselves: one camera led before, the other does now."""
        return sum(max(camera.unc or 0 for camera in (both.infrared, both.visible)) for both in self.times) / NS_PER_MS

    def __str__(self) -> str:
        return f"shows what is {self.older_ms:.1f} ms older, stamped to ±{self.doubt_ms:.0f} ms"


@dataclass(slots=True)
class Record:
    """Everything that was seen."""

    begun_ns: int
    bucket_s: float
    period_ms: float
    """Of the slowest camera: no fused pair should be further apart."""
    surplus: float = 0.0
    """So many more pictures than the visible camera does the infrared one of each pair take in all; they find no partner."""
    buckets: dict[str, dict[int, Bucket]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Bucket)))
    changes: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    """When each stream began to be in another mode; `nothing` while it is silent."""
    silences: list[Note] = field(default_factory=list)
    """`count` is milliseconds."""
    drops: list[Note] = field(default_factory=list)
    wrong: list[Note] = field(default_factory=list)
    apart: list[Apart] = field(default_factory=list)
    older: list[Older] = field(default_factory=list)
    samples: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    results: Counter[str] = field(default_factory=Counter)
    unread: int = 0
    """Fused results in which a number could not be read."""
    lost: int = 0
    """Messages missing on the bus."""
    _exposed: dict[str, tuple[int, BothTimes]] = field(default_factory=dict)
    _last: dict[str, tuple[int, int, int]] = field(default_factory=dict)

    def take(self, message: Message) -> None:
        """Note a `det`."""
        result, stream, now_ns = message.result, message.stream, message.received_ns
        self.results[stream] += 1
        self._order(stream, now_ns, message.t_cap_ns, result.epoch)
        if not self.changes[stream] or self.changes[stream][-1][1] != result.mode:
            self.changes[stream].append((now_ns, result.mode))
        bucket = self.buckets[stream][self.number(now_ns)]
        bucket.modes[result.mode] += 1
        if EXPOSED in result.ext:
            self._show(stream, now_ns, result, bucket)
        if WHOLE in result.ext:
            bucket.delays_ms.append((now_ns - result.ext[WHOLE]) / NS_PER_MS)
        if result.mode == "fused":
            self._skew(stream, now_ns, result, bucket)
        self.drops += [Note(now_ns, stream, reason, count) for reason, count in result.drop.items() if count]

    def number(self, at_ns: int) -> int:
        """Of the bucket that holds an instant."""
        return int((at_ns - self.begun_ns) // (self.bucket_s * NS_PER_S))

    def middle_s(self, number: int) -> float:
        """Seconds from the beginning to the middle of a bucket."""
        return (number + 0.5) * self.bucket_s

    def _order(self, stream: str, now_ns: int, t_cap_ns: int, epoch: int) -> None:
        last_ns, last_cap_ns, last_epoch = self._last.get(stream, (now_ns, 0, epoch))
        self._last[stream] = (now_ns, t_cap_ns, epoch)
        if epoch == last_epoch and t_cap_ns <= last_cap_ns:
            self.wrong.append(Note(now_ns, stream, f"out of order by {(last_cap_ns - t_cap_ns) / NS_PER_MS:.1f} ms"))
        if now_ns - last_ns > SILENT_S * NS_PER_S:
            self.silences.append(Note(last_ns, stream, "silent", (now_ns - last_ns) // NS_PER_MS))
            self.changes[stream].append((last_ns + NS_PER_MS, NOTHING))

    def _show(self, stream: str, now_ns: int, result: ResultHeader, bucket: Bucket) -> None:
        exposed_ns = result.ext[EXPOSED]
        bucket.ages_ms.append((now_ns - exposed_ns) / NS_PER_MS)
        last_ns, last_times = self._exposed.get(stream, (exposed_ns, result.ts))
        if exposed_ns < last_ns:
            self.older.append(Older(now_ns, stream, (last_ns - exposed_ns) / NS_PER_MS, (last_times, result.ts)))
        self._exposed[stream] = exposed_ns, result.ts

    def _skew(self, stream: str, now_ns: int, result: ResultHeader, bucket: Bucket) -> None:
        skew_ms = result.ext.get(SKEW)
        if skew_ms is None:
            self.unread += 1
        elif abs(skew_ms) <= self.period_ms:
            bucket.skews_ms.append(skew_ms)
        else:
            self.apart.append(Apart(now_ns, stream, skew_ms, result.ts))

    def finish(self, now_ns: int) -> None:
        """Note streams that have fallen silent and stayed so."""
        for stream, (last_ns, _, _) in self._last.items():
            if now_ns - last_ns > SILENT_S * NS_PER_S:
                self.silences.append(Note(last_ns, stream, "silent", (now_ns - last_ns) // NS_PER_MS))
                self.changes[stream].append((last_ns + NS_PER_MS, NOTHING))
