"""Faults as they happened, and how long each pair took to be whole again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.frames import Spectrum
from tools.faults.camera import LATE
from tools.faults.kinds import KINDS
from tools.faults.server import Event
from tools.soaking.record import Sample

STEADY_NS = 2 * NS_PER_S  # fused for so long, a pair has recovered
HUNGRY = 0.8  # of the time: beside a training run it was 0.3 to 0.6, and from 0.8 on pictures were lost
AT_ONCE_NS = NS_PER_S // 2  # a fault that hits two cameras begins within so much


@dataclass(frozen=True, slots=True)
class Spell:
    """A fault at one camera of a pair. Cameras are called STREAM-SPECTRUM."""

    kind: str
    camera: str
    begin_ns: int
    end_ns: int

    @property
    def stream(self) -> str:
        """Of the camera."""
        return self.camera.rpartition("-")[0]


@dataclass(frozen=True, slots=True)
class Recovery:
    """How long after the end of a fault its pair was fused for good; None: it was not before the next fault, or the end."""

    spell: Spell
    after_s: float | None


def spells(events: Sequence[Event], end_ns: int) -> list[Spell]:
    """Each fault by the rig's own events. What happens in a moment is over when it begins, and once more when it is undone."""
    begun: dict[tuple[str, str], int] = {}
    found: list[Spell] = []
    for event in events:
        verb, _, kind = event.what.partition(" ")
        if verb not in ("begin", "end") or kind not in KINDS:
            continue
        if KINDS[kind].moment:
            found.append(Spell(kind, event.camera, event.at_ns, event.at_ns))
        elif verb == "begin":
            begun[event.camera, kind] = event.at_ns
        else:
            found.append(Spell(kind, event.camera, begun.pop((event.camera, kind), event.at_ns), event.at_ns))
    found += [Spell(kind, camera, since_ns, end_ns) for (camera, kind), since_ns in begun.items()]
    return sorted(found, key=lambda spell: spell.begin_ns)


def starts(streams: Iterable[str], at_ns: int) -> list[Spell]:
    """The start of the run as a spell at both cameras of each pair: what it explains, no fault has to."""
    return [Spell("start", f"{stream}-{spectrum}", at_ns, at_ns) for stream in streams for spectrum in Spectrum]


def lateness(events: Sequence[Event], period_ms: float) -> list[Spell]:
    """When the cameras themselves could not keep up."""
    found = []
    for event in events:
        if event.what.startswith(LATE):
            pictures = int(event.what.removeprefix(LATE).split()[0])
            found.append(Spell("busy", event.camera, event.at_ns - round(pictures * period_ms * NS_PER_MS), event.at_ns))
    return found


def hunger(samples: Sequence[Sample]) -> list[Spell]:
    """When the threads of a process together waited for a core for more than `HUNGRY` of the time between two looks at it."""
    found = []
    for before, sample in pairwise(samples):
        if sample.waited_ms * NS_PER_MS > HUNGRY * (sample.at_ns - before.at_ns):
            found.append(Spell("hungry", "pipeline", before.at_ns, sample.at_ns))
    return found


def pauses(said: Iterable[Mapping[str, Any]]) -> list[Spell]:
    """When nobody on the machine had a core in time, from what `tools.soaking.pauses` says."""
    told = [(line["paused_until_ns"], line["late_ms"]) for line in said if "paused_until_ns" in line]
    return [Spell("paused", "machine", until_ns - round(late_ms * NS_PER_MS), until_ns) for until_ns, late_ms in told]


def recoveries(faults: Sequence[Spell], changes: Mapping[str, Sequence[tuple[int, str]]], end_ns: int) -> Iterator[Recovery]:
    """One for each fault of a pair, counted from the later end where it hit both cameras. `changes` of mode, by stream."""
    for spell in faults:
        others = [other for other in faults if other.stream == spell.stream and other is not spell]
        twin = [other for other in others if other.kind == spell.kind and abs(other.begin_ns - spell.begin_ns) < AT_ONCE_NS]
        if any((other.end_ns, other.camera) > (spell.end_ns, spell.camera) for other in twin):
            continue
        later_ns = [other.begin_ns for other in others if other.begin_ns > spell.end_ns and other not in twin]
        limit_ns = min([*later_ns, end_ns])
        if limit_ns - spell.end_ns >= STEADY_NS:
            yield Recovery(spell, _fused_after_s(changes.get(spell.stream, ()), spell.end_ns, limit_ns))


def _fused_after_s(changes: Sequence[tuple[int, str]], from_ns: int, limit_ns: int) -> float | None:
    """Seconds until a stretch of `fused` that lasts `STEADY_NS`, or to the limit."""
    ends_ns = [*[at_ns for at_ns, _ in changes[1:]], limit_ns]
    for (at_ns, mode), until_ns in zip(changes, ends_ns, strict=False):
        start_ns, stop_ns = max(at_ns, from_ns), min(until_ns, limit_ns)
        if mode == "fused" and start_ns < stop_ns and (stop_ns - start_ns >= STEADY_NS or stop_ns == limit_ns):
            return (start_ns - from_ns) / NS_PER_S
    return None
