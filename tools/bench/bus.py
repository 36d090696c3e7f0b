"""What readers of a live bus lose: one that never pauses while sixteen pairs come at once, and one that is too slow.

Run: python tools/bench/bus.py [--pairs 16] [--fps 2] [--size 320x240] [--seconds 20] [--json FILE]
"""

from collections.abc import Sequence
from typing import Any

from streamfuse import Pipeline, parse_config, recipe_of
from tools.bench import reader
from tools.bench.report import Report, median, options, progress, quantile, size

SLOW_FPS, WORK_MS, TARGET_MS = 30, 100, 100.0
TEXT = """The drawn scene, live policy, laplacian, JPEG over tcp, each reader a process of its own.
**Burst**: the given number of pairs, all captured at the same instant, and one plain pyzmq reader of `sf1/` that never pauses.
**Slow reader**: one pair, 640x480 at 30 fps; `latest` is a `streamfuse.Subscriber` that is busy for 100 ms with each picture, while a
plain reader reads everything. Age: from the instant a picture was due until the reader has it in hand, in ms. Gaps: messages missing at
the reader. Skipped: messages left out by the client for newer ones. Drops: frames and pairs that were left out before the bus because the
machine was too slow for all of them."""


def scene_pairs(count: int, *, fps: float, seconds: float, edges: tuple[int, int]) -> list[dict[str, Any]]:
    """Streets that differ, seen at the same instants."""
    return [
        {
            "stream": f"cam{number:02}",
            **{
                camera: {"kind": "scene", "seed": number, "size": list(edges), "fps": fps, "frames": round(fps * seconds)}
                for camera in ("infrared", "visible")
            },
        }
        for number in range(count)
    ]


def published(pairs: list[dict[str, Any]], readers: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Run a live pipeline to its end; what each reader saw. Sets of options in `readers`: one reader each."""
    values = {"pairs": pairs, "wait_subscribers": len(readers), "publish": [{"kind": "bus", "endpoint": "tcp://127.0.0.1:*"}]}
    with Pipeline(recipe_of(parse_config(values))) as pipeline:
        endpoint = pipeline.recipe.sinks[0].endpoint  # type: ignore[attr-defined]  # a bus has one
        while not _all_wait(pipeline):  # they start as one, when the readers have come
            pipeline.wait(0.05)
        processes = [reader.start(endpoint, *given) for given in readers]
        pipeline.wait()
    return [reader.finish(process) for process in processes]


def _all_wait(pipeline: Pipeline) -> bool:
    states = [state for stream in pipeline.streams() for state in pipeline.meter.stats(stream)["cameras"].values()]
    return len(states) == 2 * len(pipeline.streams()) and set(states) == {"waiting to start"}


def row(what: str, seen: dict[str, Any], ages_ms: list[float]) -> dict[str, object]:
    """The figures of one reader."""
    return {
        "reader": what,
        "messages": sum(seen["messages"].values()),
        "pictures": len(ages_ms),
        "age p50": median(ages_ms),
        "age p95": quantile(ages_ms, 0.95),
        "gaps": seen["gaps"],
        "skipped": seen["skipped"],
        "drops": sum(sum(totals["drops"].values()) for totals in seen["totals"].values()),
    }


def main() -> None:
    """Measure and tell."""
    parser = options(__doc__)
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--fps", type=float, default=2, help="of each pair in the burst")
    parser.add_argument("--size", type=size, default=(320, 240), help="of the pictures in the burst")
    parser.add_argument("--seconds", type=float, default=20)
    given = parser.parse_args()
    report = Report(title="Readers of a live bus", text=TEXT)
    progress(f"{given.pairs} pairs in bursts, {given.seconds:g} s")
    pairs = scene_pairs(given.pairs, fps=given.fps, seconds=given.seconds, edges=given.size)
    (burst,) = published(pairs, [["--streams", str(given.pairs)]])
    progress(f"a slow reader and one that reads everything, {given.seconds:g} s")
    street = scene_pairs(1, fps=SLOW_FPS, seconds=given.seconds, edges=(640, 480))
    slow, other = published(street, [["--client", "latest", "--kinds", "img", "--work-ms", str(WORK_MS)], []])
    width, height = given.size
    report.rows = [
        row(f"burst of {given.pairs} pairs at {given.fps:g} fps, {width}x{height}", burst, burst["age_ms"]),
        row(f"slow, `latest`, {WORK_MS} ms a picture", slow, slow["taken_age_ms"]),
        row("beside it, everything", other, other["age_ms"]),
    ]
    report.raw = {"burst": burst, "slow": slow, "other": other}
    due, came = given.pairs * round(given.fps * given.seconds), burst["messages"].get("img", 0)
    report.target(
        "a reader that never pauses has no gap", f"{burst['gaps']} gaps, {came} of {due} pictures", holds=not burst["gaps"] and came > 0
    )
    reached = median(slow["taken_age_ms"])
    report.target(
        f"the slow reader's median age is under {TARGET_MS:g} ms and the other has no gap",
        f"{reached:.1f} ms, {other['gaps']} gaps",
        holds=reached < TARGET_MS and not other["gaps"],
    )
    report.notes.append(f"The pairs of a burst were due within {burst['spread_ms'] or 0:.1f} ms of each other (median over the bursts).")
    report.show(given.json)


if __name__ == "__main__":
    main()
