"""How many pairs per second `streamfuse replay --speed 0` publishes to an outside reader.

Run: python tools/bench/replay.py [--clip NAME ...] [--rounds 3] [--json FILE]

Baselines of the same run: decoding both files and nothing else, and the pipeline without a bus.
"""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from streamfuse import Pipeline, Spectrum, parse_config, recipe_of
from streamfuse.source.av_stream import AvSettings, AvSource
from tools.bench.recording import LONGEST, Recording, recordings, replayed
from tools.bench.report import Report, options, progress

FUSERS = ("average", "maximum", "laplacian")
TARGET_PER_S = 60.0
DECODING = "decoding both files"
TEXT = f"""Pairs per second from the first picture to the last, each run a process of its own, the rows taken in turn in every round.
`bus` rows are the real command, JPEG over tcp to a plain pyzmq reader of `sf1/` in another process that reads every message.
`{DECODING}` reads each through `AvSource` on a thread and does nothing else. No detector. Start-up is not counted."""


def decoding(infrared: Path, visible: Path) -> float:
    """Pairs per second of both files, a thread each as in the pipeline."""
    sources = [AvSource(AvSettings(spectrum=s, url=str(path))) for s, path in ((Spectrum.INFRARED, infrared), (Spectrum.VISIBLE, visible))]
    for source in sources:
        source.open()
    started_s = time.perf_counter()
    with ThreadPoolExecutor(2) as threads:
        counts = list(threads.map(_count, sources))
    took_s = time.perf_counter() - started_s
    for source in sources:
        source.close()
    return min(counts) / took_s


def _count(source: AvSource) -> int:
    count = 0
    while source.read() is not None:
        count += 1
    return count


def in_memory(infrared: Path, visible: Path, fuser: str) -> float:
    """Pairs per second of the pipeline whose results stay in the process, not encoded."""
    values: dict[str, Any] = {
        "policy": "lossless",
        "pairs": [{"stream": "replay", "infrared": str(infrared), "visible": str(visible)}],
        "fuse": fuser,
        "batch": {"size": 1},
        "publish": [{"kind": "memory", "limit": 1}],
    }
    instants_s: list[float] = []

    def stamp(result: Any) -> Any:
        instants_s.append(time.perf_counter())
        return result

    with Pipeline(recipe_of(parse_config(values)).after("detect", stamp)) as pipeline:
        pipeline.wait()
    return (len(instants_s) - 1) / (instants_s[-1] - instants_s[0])


def _alone(function: Callable[..., float], *arguments: Any) -> float:
    """In a fresh process: no run warms up another."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def measure(recording: Recording, rounds: int) -> tuple[dict[str, list[float]], dict[str, int]]:
    """By row: pairs per second of each round, and gaps."""
    rates: dict[str, list[float]] = {}
    gaps: dict[str, int] = {}
    for number in range(rounds):
        progress(f"{recording.name}: round {number + 1} of {rounds}")
        rates.setdefault(DECODING, []).append(_alone(decoding, recording.infrared, recording.visible))
        rates.setdefault("laplacian, kept in memory", []).append(_alone(in_memory, recording.infrared, recording.visible, "laplacian"))
        for fuser in FUSERS:
            seen = replayed(recording, fuser=fuser, speed=0)
            rates.setdefault(f"{fuser}, bus", []).append(seen["pictures_per_s"])
            gaps[f"{fuser}, bus"] = gaps.get(f"{fuser}, bus", 0) + seen["gaps"]
    return rates, gaps


def main() -> None:
    """Measure and tell."""
    parser = options(__doc__)
    parser.add_argument("--clip", nargs="+", default=[LONGEST], help="folders of STREAMFUSE_DATA/replay")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    report = Report(title="Replay as fast as possible", text=TEXT)
    with recordings(given.clip) as found:
        for recording in found:
            rates, gaps = measure(recording, given.rounds)
            report.raw[recording.name] = rates
            base = statistics.median(rates[DECODING])
            for what, values in rates.items():
                report.rows.append(
                    {
                        "recording": recording.name,
                        "what": what,
                        "pairs/s": statistics.median(values),
                        "worst": min(values),
                        "best": max(values),
                        "of decoding": statistics.median(values) / base,
                        "gaps": str(gaps.get(what, "-")),
                    }
                )
            reached = statistics.median(rates["laplacian, bus"])
            report.target(
                f"{recording.name}, at least {TARGET_PER_S:g} pairs/s with laplacian at 640x480 on 2 cores",
                f"median {reached:.1f}, worst {min(rates['laplacian, bus']):.1f}",
                holds=reached >= TARGET_PER_S,
            )
    report.show(given.json)


if __name__ == "__main__":
    main()
