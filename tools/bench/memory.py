"""Whether anything grows while thousands of frames pass, and whether anything is left when the pipeline has stopped.

Run: python tools/bench/memory.py [--frames 20000] [--size 640x480] [--json FILE]
"""

from dataclasses import asdict
from typing import Any

import numpy as np

from streamfuse import Pipeline, Result, parse_config, recipe_of
from tools.bench import reader
from tools.bench.report import Report, options, progress, size
from tools.bench.standing import Standing

SETTLED_FRAMES, SAMPLES, TARGET_MB = 2000, 40, 5.0
TEXT = """The drawn scene, lossless policy, laplacian, JPEG over tcp to a plain reader of everything in another process.
A pair is two frames. Resident memory in MB; `blocks`: of the Python allocator; `objects`: that its garbage collector follows; `slots`
and `made`: pieces of host memory, and how often one was made or made larger; `threads`: of Python, and all; `handles`: open files and
sockets. The row `before` is after one short run of the same kind: libraries start threads of their own once, and keep them.
Objects that still come are the looks of people and cars, which the scene keeps in caches of at most 768."""


def scene(edges: tuple[int, int]) -> dict[str, Any]:
    """Both cameras of the drawn scene, for ever."""
    return {camera: {"kind": "scene", "seed": 7, "size": list(edges)} for camera in ("infrared", "visible")}


class Sampler:
    """A stage of its own behind the detector: looks at the process every so many pairs, on the engine's thread."""

    def __init__(self, every_pairs: int) -> None:
        self.samples: list[tuple[int, Standing]] = []
        """Frames so far, and what the process held."""
        self._every_pairs = every_pairs
        self._pairs = 0

    def __call__(self, result: Result) -> Result:
        """Pass the result on."""
        self._pairs += 1
        if self._pairs % self._every_pairs == 0:
            self.samples.append((2 * self._pairs, Standing.now()))
            progress(f"{2 * self._pairs} frames: {self.samples[-1][1].rss_mb:.1f} MB")
        return result

    def at(self, frames: int) -> tuple[int, Standing]:
        """The first sample at or after so many frames, else the last."""
        return next((sample for sample in self.samples if sample[0] >= frames), self.samples[-1])

    def slope_mb(self) -> float:
        """Growth in MB per 10,000 frames, a straight line through all samples once settled."""
        settled = [(frames, now.rss_mb) for frames, now in self.samples if frames >= self.at(SETTLED_FRAMES)[0]]
        if len(settled) < 2:
            return float("nan")
        frames, rss_mb = np.array(settled).T
        return float(np.polyfit(frames, rss_mb, 1)[0] * 1e4)


def soak(cameras: dict[str, Any], pairs: int, sampler: Sampler) -> dict[str, Any]:
    """Run so many pairs through the whole flow, lossless, and stop; what the reader saw."""
    values = {
        "policy": "lossless",
        "loop": True,
        "frames": pairs,
        "wait_subscribers": 1,
        "batch": {"size": 1},
        "pairs": [{"stream": "soak", **cameras}],
        "publish": [{"kind": "bus", "endpoint": "tcp://127.0.0.1:*"}],
    }
    with Pipeline(recipe_of(parse_config(values)).after("detect", sampler)) as pipeline:
        reading = reader.start(pipeline.recipe.sinks[0].endpoint)  # type: ignore[attr-defined]  # a bus has one
        pipeline.wait()
    return reader.finish(reading)


def row(what: str, now: Standing) -> dict[str, object]:
    """One line of the table."""
    return {
        "when": what,
        "MB": round(now.rss_mb, 1),
        "blocks": now.blocks,
        "objects": now.objects,
        "slots": now.slots,
        "made": now.allocations,
        "threads": f"{now.threads} / {now.native_threads}",
        "handles": now.handles,
    }


def main() -> None:
    """Measure and tell."""
    parser = options(__doc__)
    parser.add_argument("--frames", type=int, default=20_000, help="of both cameras together")
    parser.add_argument("--size", type=size, default=(640, 480))
    given = parser.parse_args()
    pairs = given.frames // 2
    report = Report(title="Memory", text=TEXT)
    soak(scene(given.size), 4, Sampler(4))
    before = Standing.now()
    sampler = Sampler(max(1, pairs // SAMPLES))
    seen = soak(scene(given.size), pairs, sampler)
    after = Standing.now()
    settled_frames, settled = sampler.at(SETTLED_FRAMES)
    report.rows = [
        row("before", before),
        row(f"after {settled_frames:,} frames", settled),
        *[row(f"after {frames:,} frames", now) for frames, now in (sampler.at(given.frames // 2), sampler.samples[-1])],
        row("stopped", after),
    ]
    report.raw = {"samples": [{"frames": frames, **asdict(now)} for frames, now in sampler.samples], "gaps": seen["gaps"]}
    growth_mb = sampler.samples[-1][1].rss_mb - settled.rss_mb
    report.target(
        f"at the end within {TARGET_MB:g} MB of that after {SETTLED_FRAMES:,} frames",
        f"{growth_mb:+.1f} MB; slope {sampler.slope_mb():+.2f} MB per 10,000 frames",
        holds=growth_mb <= TARGET_MB,
    )
    left = {what: getattr(after, what) - getattr(before, what) for what in ("threads", "native_threads", "handles", "slots")}
    report.target(
        "no thread, file handle or slot left after stopping",
        ", ".join(f"{count:+d} {what}" for what, count in left.items()),
        holds=not any(count > 0 for count in left.values()),
    )
    report.notes.append(f"The reader got {seen['messages'].get('img', 0):,} pictures with {seen['gaps']} gaps.")
    report.show(given.json)


if __name__ == "__main__":
    main()
