"""What a change of words does to the frames around it: recordings at their own pace, a network, a new text every second and a half.

Run: python tools/bench/swap.py [--clip NAME] [--network nano] [--swaps 20] [--size 320x240] [--json FILE]
"""

import os
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streamfuse import Pipeline, Prompt, Result, parse_config, recipe_of
from tools.bench.recording import LONGEST, Recording, drawn, recordings
from tools.bench.report import Report, median, options, progress, quantile, size

EVERY_S, SETTLE_S = 1.5, 3.0
PERIODS_AFTER = 3
FAULTS = ("fog", "smoke", "darkness", "rain", "glare", "noise", "stripes", "blur")
TEXT = """A recording at its own pace through the whole flow into memory; random weights: they cost what trained ones cost. Each text is
new, so that a swap reads it with the encoder, folds it into the kernels and changes the stream's words. `around swaps`: results from the
call until three frame periods after it has returned; `steady`: all others. Gap: between two results; age: from the instant a pair was due
to its result; both in frame periods of the recording. Lost: numbers missing before a result."""


@dataclass(slots=True)
class Seen:
    """When results came, and when words were changed. Nanoseconds, monotonic."""

    pipeline: Pipeline | None = None
    results: list[tuple[int, int, float, str]] = field(default_factory=list)
    """Instant, number, age in ms, prompt."""
    swaps: list[tuple[int, int]] = field(default_factory=list)
    """Begin and end of each call."""

    def __call__(self, result: Result) -> Result:
        """Note a result, on the engine's thread."""
        if self.pipeline is not None and result.t_due_ns is not None:
            age_ms = (self.pipeline.clock.utc_ns() - result.t_due_ns) / 1e6
            self.results.append((time.monotonic_ns(), result.seq, age_ms, result.prompt))
        return result


def watched(recording: Recording, network: str, swaps: int) -> tuple[Seen, dict[str, int]]:
    """Run, and change the words so many times. Also the drops, by reason."""
    seen = Seen()
    values: dict[str, Any] = {
        "loop": True,
        "fuse": {"kind": network, "weights": "random"},
        "pairs": [{"stream": "swap", "infrared": str(recording.infrared), "visible": str(recording.visible)}],
        "publish": [{"kind": "memory", "limit": 1}],
    }
    with Pipeline(recipe_of(parse_config(values)).after("detect", seen)) as pipeline:
        seen.pipeline = pipeline
        pipeline.prompt("swap", Prompt(text="a first text, with which the encoder loads"))
        time.sleep(SETTLE_S)
        seen.results.clear()
        before = dict(pipeline.meter.stats("swap")["drops"])
        for number in range(swaps):
            begin_ns = time.monotonic_ns()
            pipeline.prompt("swap", Prompt(text=f"{FAULTS[number % len(FAULTS)]} on camera number {number}"))
            seen.swaps.append((begin_ns, time.monotonic_ns()))
            time.sleep(EVERY_S)
        after = pipeline.meter.stats("swap")["drops"]
        seen.pipeline = None
    return seen, {reason: count - before.get(reason, 0) for reason, count in after.items() if count > before.get(reason, 0)}


def split(seen: Seen, period_ns: float) -> dict[str, list[tuple[float, float, int]]]:
    """(gap in periods, age in periods, lost) of each result, by whether a swap was near."""
    parts: dict[str, list[tuple[float, float, int]]] = {"steady": [], "around swaps": []}
    for (before_ns, last, *_), (now_ns, seq, age_ms, _) in zip(seen.results, seen.results[1:], strict=False):
        near = any(begin_ns <= now_ns <= end_ns + PERIODS_AFTER * period_ns for begin_ns, end_ns in seen.swaps)
        parts["around swaps" if near else "steady"].append(((now_ns - before_ns) / period_ns, age_ms * 1e6 / period_ns, seq - last - 1))
    return parts


def row(part: str, figures: list[tuple[float, float, int]]) -> dict[str, object]:
    """One line of the table."""
    gaps, ages, lost = zip(*figures, strict=True)
    return {
        "results": part,
        "count": len(figures),
        "gap median": median(gaps),
        "gap p99": quantile(gaps, 0.99),
        "gap worst": max(gaps),
        "age median": median(ages),
        "age p99": quantile(ages, 0.99),
        "age worst": max(ages),
        "lost": sum(lost),
    }


def main() -> None:
    """Measure and tell."""
    parser = options(__doc__)
    parser.add_argument("--clip", default=LONGEST, help="folder of STREAMFUSE_DATA/replay")
    parser.add_argument("--network", default="nano")
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--size", type=size, help="a drawn scene of this size instead of the clip")
    given = parser.parse_args()
    report = Report(title=f"Words changed while streaming: {given.network}", text=TEXT)
    with recordings([given.clip]) as (clip,), tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder  # every text is new
        recording = drawn(Path(folder), edges=given.size) if given.size else clip
        progress(f"{recording.name}: {given.swaps} swaps, {given.swaps * EVERY_S + SETTLE_S:.0f} s")
        seen, drops = watched(recording, given.network, given.swaps)
    pairs = zip(seen.results, seen.results[1:], strict=False)
    period_ns = statistics.median((now_ns - before_ns) / (seq - last) for (before_ns, last, *_), (now_ns, seq, *_) in pairs)
    parts = split(seen, period_ns)
    report.rows = [row(part, figures) for part, figures in parts.items()]
    report.raw = {"results": seen.results, "swaps_ns": seen.swaps, "drops": drops}
    near, steady = parts["around swaps"], parts["steady"]
    usual = median([age for _, age, _ in steady])
    late, late_steady = (max(age for _, age, _ in part) - usual for part in (near, steady))
    lost, lost_steady = (sum(missing for *_, missing in part) for part in (near, steady))
    calls_ms = [(end_ns - begin_ns) / 1e6 for begin_ns, end_ns in seen.swaps]
    report.target(
        "a swap loses no frame and makes none later than the steady median by more than one frame period",
        f"{lost} lost, worst {late:+.2f} periods of {period_ns / 1e6:.1f} ms; without a swap near {lost_steady} and {late_steady:+.2f}",
        holds=lost == 0 and late <= 1.0,
    )
    report.notes.append(f"A call took {median(calls_ms):.0f} ms, at most {max(calls_ms):.0f}, beside the frames. Drops: {drops or 'none'}.")
    report.show(given.json)


if __name__ == "__main__":
    main()
