"""Pairs of cameras for hours, with a fault every few seconds: does anything grow, stay away, or come in the wrong order?

Run: python tools/soak.py [--pairs 4] [--hours 1] [--fault-every 20] [--html soak.html] [--json soak.json]

The cameras are those of `tools/faults`, in a process of their own; the pipeline is another; a third tells when nobody had a core; this one
reads the bus and looks at the first two.
Instants and distances are true ones, read from the number in each picture, not from any stamp. Ctrl-C or SIGTERM ends it early, with
its report.
"""

import argparse
import json
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from streamfuse import Subscriber
from streamfuse.clock import NS_PER_S
from streamfuse.errors import ConfigError, StreamFuseError
from streamfuse.registry import suggestion
from tools.bench.provenance import Provenance
from tools.bench.report import options as bench_options
from tools.bench.report import size
from tools.faults.kinds import KINDS
from tools.faults.server import Event
from tools.soaking.figures import figures
from tools.soaking.plan import USUAL, random_faults
from tools.soaking.processes import Spoken
from tools.soaking.record import Record
from tools.soaking.spells import pauses
from tools.soaking.story import SETTLED, Story

START_S, LOOK_S, MINUTE_S = 60.0, 1.0, 60.0
CALM_S = 5.0  # before the first fault
LEAST_BUCKETS = 8
ASKED_TO_END = threading.Event()


def options() -> argparse.ArgumentParser:
    """What can be set."""
    parser = bench_options(__doc__)
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--fault-every", type=float, default=20.0, metavar="S")
    parser.add_argument(
        "--kinds", nargs="+", default=list(USUAL), metavar="KIND", help=f"of fault (all but password; known: {', '.join(KINDS)})"
    )
    parser.add_argument("--size", type=size, default=(320, 256), help="of the pictures (320x256)")
    parser.add_argument("--fps", type=float, default=12.0)
    parser.add_argument("--infrared-fps", type=float, help="as the others, where it is not given")
    parser.add_argument("--offset", type=float, default=0.2, metavar="S", help="of the infrared cameras' clocks (0.2)")
    parser.add_argument("--drift", type=float, default=40.0, metavar="PPM", help="of the infrared cameras' crystals (40)")
    parser.add_argument("--pictures", default="pattern", help="pattern, scene, or a folder with ir.mp4 and vi.mp4")
    parser.add_argument("--fuser", default="laplacian")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--html", type=Path, default=Path("soak.html"))
    return parser


def checked(given: argparse.Namespace) -> argparse.Namespace:
    """`ConfigError` where something is not known."""
    for kind in given.kinds:
        if kind not in KINDS:
            raise ConfigError(f"no fault called {kind!r}{suggestion(kind, KINDS)} (known: {', '.join(KINDS)})")
    return given


def rig_arguments(given: argparse.Namespace, seconds: float) -> list[str]:
    """The command of the cameras."""
    arguments = [
        "-m",
        "tools.faults",
        "--json",
        "--commands",
        "--minutes",
        f"{(seconds + 2 * START_S) / 60:.2f}",
    ]
    for name in ("pairs", "fps", "offset", "drift", "pictures", "seed"):
        arguments += [f"--{name}", str(getattr(given, name))]
    arguments += ["--size", "{}x{}".format(*given.size)]
    return [*arguments, *(["--infrared-fps", str(given.infrared_fps)] if given.infrared_fps else [])]


def settings(given: argparse.Namespace, header: dict[str, Any], seconds: float) -> dict[str, Any]:
    """What the process of the pipeline reads."""
    config = {
        "pairs": header["streams"],
        "fuse": given.fuser,
        "publish": [{"kind": "bus", "endpoint": "tcp://127.0.0.1:*"}],
    }
    return {"config": config, "exposures": header["exposures"], "look_every_s": max(1.0, min(30.0, seconds / LEAST_BUCKETS))}


def watch(record: Record, pipeline: Spoken, rig: Spoken, end_ns: int) -> None:
    """Read the bus and look at both processes until the end, or until one of them is gone."""
    endpoint = pipeline.wait_for("endpoint", START_S)
    bar = Progress(TextColumn("soaking"), BarColumn(), TextColumn("{task.fields[told]}"), TimeRemainingColumn(), transient=True)
    looked_s = 0.0
    with bar, Subscriber(endpoint, kinds=["det"], mode="all", until_eos=False, room_messages=4096) as bus:
        task = bar.add_task("", total=end_ns - record.begun_ns, told="")
        while time.time_ns() < end_ns and not ASKED_TO_END.is_set() and pipeline.alive and rig.alive:
            if (message := bus.recv(timeout_s=0.2)) is not None and message.kind == "det":
                record.take(message)
            if time.monotonic() - looked_s >= LOOK_S:
                looked_s = time.monotonic()
                for process in (pipeline, rig):
                    if (sample := process.sample()) is not None:
                        record.samples[process.name].append(sample)
                told = f"{sum(record.results.values()):,} results, {record.samples['pipeline'][-1].rss_mb:.0f} MB"
                bar.update(task, completed=time.time_ns() - record.begun_ns, told=told)
        record.lost = sum(bus.lost.values())
    record.finish(time.time_ns())


def soak(given: argparse.Namespace, folder: Path) -> Story:
    """Run it; what there is to tell."""
    seconds = given.hours * 3600
    faults = random_faults(given.pairs, given.kinds, begin_s=CALM_S, end_s=seconds, every_s=given.fault_every, seed=given.seed)
    provenance = Provenance.now()
    with (
        Spoken("pauses", ["-m", "tools.soaking.pauses"], folder / "pauses.log") as pausing,
        Spoken("cameras", rig_arguments(given, seconds), folder / "cameras.log") as rig,
    ):
        pausing.wait_for("awake", START_S)
        rig.wait_for("urls", START_S)
        (folder / "pipeline.json").write_text(json.dumps(settings(given, rig.said[0], seconds)))
        with Spoken("pipeline", ["-m", "tools.soaking.child", str(folder / "pipeline.json")], folder / "pipeline.log") as pipeline:
            pipeline.wait_for("endpoint", START_S)
            begun_ns = time.time_ns()
            rig.say("".join(f"{fault}\n" for fault in faults))
            infrared_fps = given.infrared_fps or given.fps
            surplus = seconds * max(0.0, infrared_fps * (1 + given.drift * 1e-6) - given.fps)
            record = Record(begun_ns, min(MINUTE_S, seconds / LEAST_BUCKETS), 1e3 / min(given.fps, infrared_fps), surplus)
            end_ns = begun_ns + round(seconds * NS_PER_S)
            watch(record, pipeline, rig, end_ns)
            stopped = not (pipeline.alive and rig.alive and pausing.alive)
            end_ns = min(end_ns, time.time_ns())
        status = pipeline.stop()
    events = [Event(line["at_ns"], line["camera"], line["what"]) for line in rig.said if "what" in line]
    found = figures(record, events, pauses(pausing.said), settled_ns=begun_ns + round((end_ns - begun_ns) * SETTLED), end_ns=end_ns)
    return Story(
        record=record,
        figures=found,
        looks=[line for line in pipeline.said if "standing" in line],
        totals=next((line["stopped"] for line in pipeline.said if "stopped" in line), {}),
        end_ns=end_ns,
        trouble="" if not stopped and status == 0 else f"a process ended early or badly (status {status}):\n{pipeline.last_words()}",
        provenance=provenance,
    )


def main() -> None:
    """Run and tell."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ASKED_TO_END.set())
    try:
        given = checked(options().parse_args())
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            story = soak(given, Path(folder))
    except StreamFuseError as exc:
        sys.exit(f"soak: {exc}")
    given.html.write_text(story.html())
    if given.json is not None:
        given.json.write_text(json.dumps(story.dump(), indent=1))
    print(story.text())
    print(f"The whole report: {given.html}")
    sys.exit(0 if story.holds else 1)


if __name__ == "__main__":
    main()
