"""The report of a soak: verdicts, tables and charts, as HTML, JSON and a few lines of text."""

import math
import statistics
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from streamfuse.clock import NS_PER_S
from tools.bench.provenance import Provenance
from tools.bench.report import quantile
from tools.bench.report import table as markdown
from tools.soaking.figures import Figures, recovery_table, seconds, summary
from tools.soaking.page import chart, page, paragraph, section, strips, table
from tools.soaking.record import Record

MOST_MB_PER_H = 8.0
MOST_MS_PER_H = 1.0  # a delay that grows by less could not be told from none
SETTLED = 1 / 6  # of the run, before growth is counted
SHOWN = 200  # anomalies on the page; all of them are in the JSON
LEAST_S = 600.0  # of a run, to judge growth
TEXT = """Pairs of cameras over real RTSP on one machine, with faults by chance; one process for the cameras, one for the
pipeline.
Age is from the true exposure of the lead picture to the receipt of the result's header, delay from that of the later picture of the
pair; both are read, as the true distance of the pictures in a pair is, from the numbers in the pictures. Growth counts from a sixth of
the run on. It is looked for in the delay: age goes up and down with the phase of the crystals."""


@dataclass(slots=True, kw_only=True)
class Story:
    """What there is to tell."""

    record: Record
    figures: Figures
    looks: list[dict[str, Any]]
    """What the pipeline said of itself."""
    totals: dict[str, Any]
    """What it said of its streams at the end."""
    end_ns: int
    trouble: str
    """Why it is no good run; empty where it is."""
    provenance: Provenance

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """Each target with its figure, and whether it holds; None: not judged."""
        found = self.figures
        rss, delay, long = found.rss.get("pipeline"), found.delay, self._s(self.end_ns) >= LEAST_S
        slots = sorted({(look["standing"]["slots"], look["standing"]["allocations"]) for look in self._settled_looks()})
        drops_busy, busy = (f"; {count} more while the machine was too busy" if count else "" for count in self._while_busy())
        left = f"; {sum(found.surplus.values())} left over by a faster crystal" if found.surplus else ""
        too_short = "" if long else f"; not judged under {LEAST_S / 60:g} min"
        rows: list[tuple[str, str, bool | None]] = [
            (
                f"resident memory of the pipeline: upper 95 % bound of the slope under {MOST_MB_PER_H:g} MB/h",
                "not measured" if rss is None else f"{rss.per_h:+.2f} MB/h, bound {rss.upper:+.2f}{too_short}",
                (rss is not None and rss.upper < MOST_MB_PER_H) if long else None,
            ),
            (
                "slots and allocations flat",
                ", ".join(f"{slots} slots, {made} made" for slots, made in slots) or "not measured",
                len(slots) == 1 and slots[0][0] > 0,
            ),
            (
                "delay does not grow",
                f"{delay.per_h:+.2f} ms/h, {delay.lower:+.2f} to {delay.upper:+.2f}{too_short}",
                (delay.lower <= 0 or abs(delay.per_h) < MOST_MS_PER_H) if long else None,
            ),
            ("no drop without a cause", f"{sum(found.unexplained.values())} of them{left}{drops_busy}", not found.unexplained),
            ("no anomaly", f"{len(found.anomalies)} of them{busy}", not found.anomalies),
            ("ran to the end and stopped in order", self.trouble.splitlines()[0] if self.trouble else "yes", not self.trouble),
        ]
        return [{"target": target, "measured": figure, "": holds} for target, figure, holds in rows]

    @property
    def holds(self) -> bool:
        """None is missed."""
        return all(row[""] is not False for row in self.verdicts)

    def dump(self) -> dict[str, Any]:
        """Everything as JSON."""
        return {
            "provenance": self.provenance.dump(),
            "seconds": self._s(self.end_ns),
            "verdicts": [{"target": row["target"], "measured": row["measured"], "holds": row[""]} for row in self.verdicts],
            **summary(self.figures, self.record),
            "lost_on_bus": self.record.lost,
            "standing": [{"at_s": self._s(look["at_ns"]), **look["standing"]} for look in self.looks],
            "rss_minima_mb": self.figures.minima,
            "waited_ms": [[self._s(sample.at_ns), round(sample.waited_ms)] for sample in self.record.samples["pipeline"]],
            "totals": self.totals,
            "trouble": self.trouble,
        }

    def text(self) -> str:
        """For the terminal, and for docs/measured.md."""
        words = {True: "yes", False: "**no**", None: "-"}
        rows = [{**row, "": words[row[""]]} for row in self.verdicts]
        recovered = [{"fault": kind, **_told(row)} for kind, row in recovery_table(self.figures).items()]
        counts = f"{sum(self.record.results.values()):,} results of {len(self.record.results)} pairs in {self._s(self.end_ns) / 60:.1f} min"
        tables = [markdown(each) for each in (rows, recovered) if each]
        told = [f"{counts}, {len(self.figures.recoveries)} faults.", *tables, f"- {self._distances()}\n- {self.provenance}"]
        return "\n\n".join(told) + "\n"

    def html(self) -> str:
        """The page."""
        found, record = self.figures, self.record
        anomalies, while_busy = (
            [{"at, s": seconds(record, n.at_ns), "pair": n.stream, "what": n.what} for n in notes]
            for notes in (found.anomalies, found.while_busy)
        )
        drops = [
            {
                "reason": reason,
                "after a fault": found.explained[reason],
                "busy machine": found.starved[reason],
                "without": found.unexplained[reason],
            }
            for reason in sorted({*found.explained, *found.starved, *found.unexplained})
        ]
        recovered = [{"fault": kind, **_told(row)} for kind, row in recovery_table(found).items()]
        more = f"{len(anomalies) - SHOWN} more in the JSON." if len(anomalies) > SHOWN else ""
        return page(
            f"Soak: {len(record.results)} pairs, {self._s(self.end_ns) / 60:.0f} minutes, {len(found.recoveries)} faults",
            [
                paragraph(TEXT),
                section("Targets", table(self.verdicts), f"<pre>{self.trouble}</pre>" if self.trouble else ""),
                section("Pairs", self._strips()),
                section(
                    "Recovery", paragraph("Seconds from the end of a fault until the pair was fused again, to stay so."), table(recovered)
                ),
                section("Age", chart({"median": [(s, m) for s, m, _ in found.ages], "95 %": [(s, p) for s, _, p in found.ages]}, "ms")),
                section(
                    "Delay", chart({"median": [(s, m) for s, m, _ in found.delays], "95 %": [(s, p) for s, _, p in found.delays]}, "ms")
                ),
                section("Resident memory", *(chart({f"{name}, least of each minute": line}, "MB") for name, line in found.minima.items())),
                section("Handles", chart(self._samples("handles"), "")),
                section("Threads", chart(self._samples("threads"), "")),
                section("Slots", chart(self._slots(), "", from_zero=True)),
                section("Drops", table(drops)),
                section("Distance", paragraph(self._distances())),
                section("Anomalies", table(anomalies[:SHOWN]), paragraph(more)),
                section("The same while the machine was too busy", table(while_busy[:SHOWN])),
                paragraph(str(self.provenance)),
            ],
        )

    def _while_busy(self) -> tuple[int, int]:
        return sum(self.figures.starved.values()), len(self.figures.while_busy)

    def _settled_looks(self) -> list[dict[str, Any]]:
        """Slots are made when the first pictures come, and grow with the first full batch."""
        settled_s = self._s(self.end_ns) * SETTLED
        return [look for look in self.looks if self._s(look["at_ns"]) >= settled_s]

    def _distances(self) -> str:
        """Of the pictures in fused pairs, in a sentence."""
        found = self.figures
        if not found.skews_ms:
            return "No true distance was read."
        mean_ms, p95_ms, worst_ms = statistics.fmean(found.skews_ms), quantile(found.skews_ms, 0.95), found.skews_ms[-1]
        return (
            f"True distance of fused pairs: mean {mean_ms:.1f} ms, 95 % within {p95_ms:.1f}, worst {worst_ms:.1f}. More than a period "
            f"({self.record.period_ms:.1f} ms) apart, but not by more than their stamps say that they may err: {len(found.doubted)}; "
            f"since the network held up a camera that only arrival could stamp: {len(found.held_up)}; "
            f"and {found.frozen} more of frozen cameras, which are in none of these figures. "
            f"Older than the result before them, but not by more than their stamps say: {len(found.older)} results."
        )

    def _strips(self) -> str:
        faults: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
        for spell in self.figures.spells:
            faults[spell.stream].append((self._s(spell.begin_ns), self._s(spell.end_ns), f"{spell.kind} of {spell.camera}"))
        changes = {stream: [(self._s(at_ns), mode) for at_ns, mode in each] for stream, each in self.record.changes.items()}
        return strips(changes, faults, self._s(self.end_ns))

    def _samples(self, what: str) -> dict[str, list[tuple[float, float]]]:
        return {name: [(self._s(s.at_ns), getattr(s, what)) for s in samples] for name, samples in self.record.samples.items()}

    def _slots(self) -> dict[str, list[tuple[float, float]]]:
        return {
            name: [(self._s(look["at_ns"]), look["standing"][key]) for look in self.looks]
            for name, key in (("slots", "slots"), ("allocations so far", "allocations"))
        }

    def _s(self, at_ns: int) -> float:
        return (at_ns - self.record.begun_ns) / NS_PER_S


def _told(row: dict[str, float]) -> dict[str, object]:
    times = {f"{which} s": row.get(which, math.nan) for which in ("best", "median", "worst")}
    return {"count": row["count"], **times, "not again": row["not"]}
