"""What a record says: growth, age, recoveries, drops with and without a cause, and every anomaly with its moment."""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from streamfuse.clock import NS_PER_S
from tools.bench.report import quantile
from tools.faults.server import Event
from tools.soaking.record import NOTHING, Apart, Bucket, Note, Older, Record, Sample
from tools.soaking.slope import Slope, slope
from tools.soaking.spells import Recovery, Spell, hunger, lateness, recoveries, spells, starts

AFTERMATH_NS = 15 * NS_PER_S  # so long after a fault, what is missing may still be its doing
FROZEN_NS = 2 * NS_PER_S  # so long after a freeze, its last picture may still be shown
HELD_UP = ("slow", "hold")  # faults of the network: pictures arrive late
HELD_UP_NS = 3 * NS_PER_S  # as much as the rig holds for a viewer
BUSY_NS = NS_PER_S  # around a moment in which the machine was too busy
RECOVERY_S = 3.0  # the target: 2 s, and up to a second to the next key frame


@dataclass(slots=True)
class Figures:
    """The findings."""

    spells: list[Spell]
    recoveries: list[Recovery]
    minima: dict[str, list[tuple[float, float]]]
    """Least resident memory of each process by bucket: seconds, MB."""
    rss: dict[str, Slope]
    ages: list[tuple[float, float, float]]
    """By bucket: seconds, then median and 95 % quantile over all streams, ms."""
    delays: list[tuple[float, float, float]]
    """The same from the later picture of each pair on: how long a partner is waited for comes and goes with the phase of the crystals."""
    delay: Slope
    skews_ms: list[float]
    """True ones, of all fused results but those of frozen cameras, without their sign."""
    doubted: list[Apart] = field(default_factory=list)
    """Pairs more than a period apart, by no more than their stamps said that they may be wrong."""
    held_up: list[Apart] = field(default_factory=list)
    """Others more than a period apart, of a camera that was held up by its network and stamped by arrival: nothing could tell."""
    older: list[Older] = field(default_factory=list)
    """Results older than the one before, by no more than their stamps said that they may be wrong."""
    frozen: int = 0
    """Pairs more than a period apart since one camera was frozen: what it showed was old."""
    explained: Counter[str] = field(default_factory=Counter)
    """Drops by reason, at pairs that a fault had hit shortly before."""
    surplus: Counter[str] = field(default_factory=Counter)
    """By pair: infrared pictures left over because its crystal runs faster."""
    starved: Counter[str] = field(default_factory=Counter)
    """Of the others: while the machine was too busy."""
    unexplained: Counter[str] = field(default_factory=Counter)
    anomalies: list[Note] = field(default_factory=list)
    busy: list[Spell] = field(default_factory=list)
    """When the cameras themselves were late, the pipeline got no core, or nobody did."""
    while_busy: list[Note] = field(default_factory=list)
    """What would be anomalies, but for that."""


def figures(record: Record, events: Sequence[Event], paused: Sequence[Spell] = (), *, settled_ns: int, end_ns: int) -> Figures:
    """Everything that can be said of a record; growth counts from `settled_ns`. `paused`: see `pauses`."""
    faults = spells(events, end_ns)
    causes = [*starts(record.results, record.begun_ns), *faults]
    minima = {process: _minima(samples, record, settled_ns) for process, samples in record.samples.items()}
    delays = list(_by_bucket(record, settled_ns, end_ns, lambda bucket: bucket.delays_ms))
    found = Figures(
        spells=faults,
        recoveries=list(recoveries(faults, record.changes, end_ns)),
        minima=minima,
        rss={process: slope(points) for process, points in minima.items()},
        ages=list(_by_bucket(record, settled_ns, end_ns, lambda bucket: bucket.ages_ms)),
        delays=delays,
        delay=slope([(at_s, median) for at_s, median, _ in delays]),
        skews_ms=[],
        busy=[*lateness(events, record.period_ms), *hunger(record.samples["pipeline"]), *paused],
    )
    _count_drops(record, found, causes)
    for note in [*_far(record, found), *_anomalies(record, found, causes), *_older(record, found)]:
        (found.while_busy if _while_busy(note, found.busy) else found.anomalies).append(note)
    for notes in (found.anomalies, found.while_busy):
        notes.sort(key=lambda note: note.at_ns)
    return found


def _count_drops(record: Record, found: Figures, causes: Sequence[Spell]) -> None:
    """By what explains them; those that nothing does are notes as well."""
    for drop in record.drops:
        busy = _while_busy(drop, found.busy)
        if _hit(drop, causes):
            found.explained[drop.what] += drop.count
        elif not busy and drop.what == "sync.unused" and found.surplus[drop.stream] + drop.count <= math.ceil(record.surplus):
            found.surplus[drop.stream] += drop.count
        else:
            (found.starved if busy else found.unexplained)[drop.what] += drop.count
            note = Note(drop.at_ns, drop.stream, f"dropped {drop.count}: {drop.what}")
            (found.while_busy if busy else found.anomalies).append(note)


def _far(record: Record, found: Figures) -> Iterator[Note]:
    """Count the true distances; those are noted that neither a frozen camera nor the stamps' own doubt explains."""
    skews_ms = [abs(skew) for buckets in record.buckets.values() for bucket in buckets.values() for skew in bucket.skews_ms]
    for pair in record.apart:
        if any(_shows_frozen(pair, spell) for spell in found.spells):
            found.frozen += 1
            continue
        skews_ms.append(abs(pair.skew_ms))
        if abs(pair.skew_ms) <= record.period_ms + pair.doubt_ms:
            found.doubted.append(pair)
        elif any(_holds_up(pair, spell) for spell in found.spells):
            found.held_up.append(pair)
        else:
            yield Note(pair.at_ns, pair.stream, str(pair))
    found.skews_ms = sorted(skews_ms)


def _older(record: Record, found: Figures) -> Iterator[Note]:
    """Those are noted that the stamps' own doubt does not explain."""
    for result in record.older:
        if result.older_ms <= result.doubt_ms:
            found.older.append(result)
        else:
            yield Note(result.at_ns, result.stream, str(result))


def _shows_frozen(pair: Apart, spell: Spell) -> bool:
    return spell.kind == "freeze" and spell.stream == pair.stream and spell.begin_ns <= pair.at_ns <= spell.end_ns + FROZEN_NS


def _holds_up(pair: Apart, spell: Spell) -> bool:
    return spell.kind in HELD_UP and spell.camera in pair.by_arrival and spell.begin_ns <= pair.at_ns <= spell.end_ns + HELD_UP_NS


def summary(found: Figures, record: Record) -> dict[str, Any]:
    """The findings as JSON."""
    skews = found.skews_ms
    return {
        "results": dict(record.results),
        "faults": len(found.recoveries),
        "rss_mb_per_h": {process: line.dump() for process, line in found.rss.items()},
        "age_ms": [[round(value, 1) for value in row] for row in found.ages],
        "delay_ms_per_h": found.delay.dump(),
        "delay_ms": [[round(value, 1) for value in row] for row in found.delays],
        "true_skew_ms": {"mean": statistics.fmean(skews), "p95": quantile(skews, 0.95), "worst": skews[-1]} if skews else None,
        "far_pairs": {
            "doubted": [[seconds(record, pair.at_ns), pair.stream, str(pair)] for pair in found.doubted],
            "held_up": [[seconds(record, pair.at_ns), pair.stream, str(pair)] for pair in found.held_up],
            "frozen": found.frozen,
        },
        "older": [[seconds(record, result.at_ns), result.stream, str(result)] for result in found.older],
        "unread_numbers": record.unread,
        "recovery_s": recovery_table(found),
        "drops_in_faults": dict(found.explained),
        "surplus": dict(found.surplus),
        "drops_while_busy": dict(found.starved),
        "drops_unexplained": dict(found.unexplained),
        "busy": [[seconds(record, spell.begin_ns), seconds(record, spell.end_ns), spell.kind] for spell in found.busy],
        "faults_by_time": [[seconds(record, s.begin_ns), seconds(record, s.end_ns), s.kind, s.camera] for s in found.spells],
        "anomalies_while_busy": _dumped(record, found.while_busy),
        "anomalies": _dumped(record, found.anomalies),
    }


def recovery_table(found: Figures) -> dict[str, dict[str, float]]:
    """By kind of fault: how many, median and worst seconds to be fused again, and how many were not."""
    times: dict[str, list[float | None]] = defaultdict(list)
    for recovery in found.recoveries:
        times[recovery.spell.kind].append(recovery.after_s)
    return {kind: _recovery_row(each) for kind, each in sorted(times.items())}


def seconds(record: Record, at_ns: int) -> float:
    """Since the beginning."""
    return round((at_ns - record.begun_ns) / NS_PER_S, 1)


def _dumped(record: Record, notes: Sequence[Note]) -> list[dict[str, Any]]:
    return [{"at_s": seconds(record, note.at_ns), "stream": note.stream, "what": note.what} for note in notes]


def _recovery_row(times: Sequence[float | None]) -> dict[str, float]:
    done = [time for time in times if time is not None]
    told = {"best": round(min(done), 2), "median": round(statistics.median(done), 2), "worst": round(max(done), 2)} if done else {}
    return {"count": len(times), "not": len(times) - len(done), **told}


def _minima(samples: Sequence[Sample], record: Record, settled_ns: int) -> list[tuple[float, float]]:
    """Least memory of each bucket."""
    least: dict[int, float] = {}
    for sample in samples:
        if sample.at_ns >= settled_ns:
            number = record.number(sample.at_ns)
            least[number] = min(sample.rss_mb, least.get(number, math.inf))
    return [(record.middle_s(number), mb) for number, mb in sorted(least.items())]


def _by_bucket(
    record: Record, settled_ns: int, end_ns: int, values_of: Callable[[Bucket], list[float]]
) -> Iterator[tuple[float, float, float]]:
    """Of whole buckets: seconds, median and 95 % quantile of all streams' values together."""
    together: dict[int, list[float]] = defaultdict(list)
    for buckets in record.buckets.values():
        for number, bucket in buckets.items():
            together[number] += values_of(bucket)
    for number, values in sorted(together.items()):
        if values and record.number(settled_ns) < number < record.number(end_ns):
            yield record.middle_s(number), quantile(values, 0.5), quantile(values, 0.95)


def _hit(note: Note, faults: Sequence[Spell]) -> set[str]:
    """Kinds of fault that may have caused it: at that pair, then or shortly before."""
    return {s.kind for s in faults if s.stream == note.stream and s.begin_ns <= note.at_ns <= s.end_ns + AFTERMATH_NS}


def _cameras_hit(note: Note, faults: Sequence[Spell]) -> set[str]:
    """Cameras of that pair that may have been away then; a silence begins with the last result before the fault."""
    near_ns = NS_PER_S
    return {s.camera for s in faults if s.stream == note.stream and s.begin_ns - near_ns <= note.at_ns <= s.end_ns + AFTERMATH_NS}


def _while_busy(note: Note, busy: Sequence[Spell]) -> bool:
    """Any camera's lateness counts: they share the machine. A silence begins with the last result before it."""
    return any(spell.begin_ns - BUSY_NS <= note.at_ns <= spell.end_ns + BUSY_NS for spell in busy)


def _anomalies(record: Record, found: Figures, causes: Sequence[Spell]) -> Iterator[Note]:
    yield from (note for note in record.wrong if "freeze" not in _hit(note, causes))  # frozen pictures are old, and show it
    for note in record.silences:
        if len(_cameras_hit(note, causes)) < 2:
            yield Note(note.at_ns, note.stream, f"silent for {note.count / 1000:.1f} s though at most one camera was hit")
    for recovery in found.recoveries:
        spell, after_s = recovery.spell, recovery.after_s
        if after_s is None or after_s > RECOVERY_S:
            when = "not fused again" if after_s is None else f"fused again {after_s:.1f} s"
            yield Note(spell.end_ns, spell.stream, f"{when} after {spell.kind} of {spell.camera}")
    for stream, changes in record.changes.items():
        for at_ns, mode in changes[1:]:
            note = Note(at_ns, stream, f"became {mode} without a fault")
            if mode not in ("fused", NOTHING) and not _hit(note, causes):
                yield note
