"""How old a picture is when a subscriber has it, while two recordings are replayed at their own pace.

Run: python tools/bench/latency.py [--clip NAME] [--rounds 3] [--json FILE]
"""

from typing import Any

from tools.bench.recording import LONGEST, recordings, replayed
from tools.bench.report import Report, median, options, progress, quantile

FUSERS = ("average", "laplacian")
TARGET_MS = 60.0
TEXT = """`streamfuse replay --speed 1`, JPEG over tcp, no detector, read by `streamfuse.Subscriber` in mode `all` in another process.
Age: from the instant a pair was due to its receipt by the subscriber, in ms, over the pictures of all rounds; `worst p95` is that
of the worst round. Drops: pairs lost anywhere in the pipeline, as `eos` tells. Gaps: messages missing at the subscriber;
malformed: those of them that came and were refused."""


def row(name: str, fuser: str, rounds: list[dict[str, Any]]) -> dict[str, object]:
    """The figures of all rounds together."""
    ages_ms = [age for seen in rounds for age in seen["age_ms"]]
    return {
        "recording": name,
        "fuser": fuser,
        "p50": median(ages_ms),
        "p95": quantile(ages_ms, 0.95),
        "worst p95": max(quantile(seen["age_ms"], 0.95) for seen in rounds),
        "max": max(ages_ms),
        "pictures": len(ages_ms),
        "drops": sum(sum(totals["drops"].values()) for seen in rounds for totals in seen["totals"].values()),
        "gaps": sum(seen["gaps"] for seen in rounds),
        "malformed": sum(seen["malformed"] for seen in rounds),
    }


def main() -> None:
    """Measure and tell."""
    parser = options(__doc__)
    parser.add_argument("--clip", default=LONGEST, help="folder of STREAMFUSE_DATA/replay")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    report = Report(title="Latency at the recording's own pace", text=TEXT)
    rounds: dict[str, list[dict[str, Any]]] = {fuser: [] for fuser in FUSERS}
    with recordings([given.clip]) as (recording,):
        for number in range(given.rounds):
            progress(f"{recording.name}: round {number + 1} of {given.rounds}")
            for fuser in FUSERS:
                rounds[fuser].append(replayed(recording, fuser=fuser, speed=1, read=["--client", "all"]))
    report.rows = [row(recording.name, fuser, seen) for fuser, seen in rounds.items()]
    report.raw = {fuser: list(seen) for fuser, seen in rounds.items()}
    own = report.rows[-1]
    lost = f"{own['drops']} drops, {own['gaps']} gaps"
    report.target(
        f"laplacian, p95 at most {TARGET_MS:g} ms, no drops, on 2 cores",
        f"{own['p95']:.1f} ms, {lost}",
        holds=quantile([age for seen in rounds["laplacian"] for age in seen["age_ms"]], 0.95) <= TARGET_MS and lost == "0 drops, 0 gaps",
    )
    stages = rounds["laplacian"][-1]["latency_us"]
    report.notes.append(f"Median ms by stage, laplacian: {', '.join(f'{stage} {us / 1e3:.1f}' for stage, us in stages.items())}.")
    report.show(given.json)


if __name__ == "__main__":
    main()
