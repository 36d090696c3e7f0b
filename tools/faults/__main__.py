"""Cameras that misbehave on command, for whoever wants to try: prints where to watch them, and every event.

Run: python -m tools.faults [--pairs 1] [--size 320x256] [--fps 15] [--fault stall@10s:5s] [--config live.yaml]
Then: streamfuse run live.yaml

A fault is [CAMERA/]KIND@START[:DURATION][=VALUE]; CAMERA may hold * and ?, and without one all cameras have it.
"""

import argparse
import json
import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import yaml

from streamfuse.errors import StreamFuseError
from streamfuse.flow.heap import share_heaps
from streamfuse.frames import Spectrum
from tools.faults.camera import Camera
from tools.faults.kinds import KINDS
from tools.faults.schedule import Fault, fault, schedule
from tools.faults.server import Event, RtspServer


def options() -> argparse.ArgumentParser:
    """What can be set."""
    kinds = "\n".join(f"  {name:9} {kind.text}{f' (V: {kind.value:g})' if kind.value else ''}" for name, kind in KINDS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tools.faults",
        description=__doc__,
        epilog=f"kinds of fault:\n{kinds}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--pairs", type=int, default=1, help="of cameras: p1-infrared and p1-visible, p2-...")
    parser.add_argument("--size", type=_size, default=(320, 256), help="of the pictures (320x256)")
    parser.add_argument("--fps", type=float, default=15.0)
    parser.add_argument("--infrared-fps", type=float, help="of the infrared cameras; as the others, where it is not given")
    parser.add_argument("--pictures", default="pattern", help="pattern, scene, or a folder that holds ir.mp4 and vi.mp4")
    parser.add_argument("--offset", type=float, default=0.0, metavar="S", help="the clocks of the infrared cameras are fast by so much")
    parser.add_argument("--drift", type=float, default=0.0, metavar="PPM", help="and run fast by so much")
    parser.add_argument("--jitter", type=float, default=0.0, metavar="MS", help="standard deviation of the error of a stamp")
    parser.add_argument("--delay", type=float, default=0.0, metavar="MS", help="of the network, at least")
    parser.add_argument("--delay-jitter", type=float, default=0.0, metavar="MS", help="on top: the size of a normal deviate")
    parser.add_argument("--no-reports", action="store_true", help="send no sender reports: nobody learns the cameras' clocks")
    parser.add_argument("--codec", choices=("h264", "hevc"), default="h264")
    parser.add_argument("--password", metavar="USER:PASSWORD", help="that the cameras ask for")
    parser.add_argument("--port", type=int, default=0, help="of the first camera, the others follow; 0: any that are free")
    parser.add_argument("--fault", action="append", default=[], type=_fault, metavar="FAULT", help="may be given many times")
    parser.add_argument("--schedule", type=Path, metavar="FILE", help="faults, one a line")
    parser.add_argument("--minutes", type=float, default=60.0, help="after which it stops by itself (60)")
    parser.add_argument("--world", type=int, metavar="NS", help="instant 0 of the world, UTC nanoseconds; now, where it is not given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--config", type=Path, metavar="FILE", help="write a configuration for `streamfuse run` that watches the cameras")
    parser.add_argument(
        "--commands", action="store_true", help="read faults from the input too, one a line, counted from then on; stop at its end"
    )
    parser.add_argument("--json", action="store_true", help="addresses and events as JSON, one a line")
    return parser


def cameras(given: argparse.Namespace) -> list[Camera]:
    """The cameras of all pairs, infrared first."""
    found = []
    for number in range(1, given.pairs + 1):
        for spectrum in Spectrum:
            infrared = spectrum is Spectrum.INFRARED
            file = Path(given.pictures) / ("ir.mp4" if infrared else "vi.mp4")
            found.append(
                Camera(
                    name=f"p{number}-{spectrum}",
                    spectrum=spectrum,
                    pictures=str(file) if file.is_file() else given.pictures,
                    size=given.size,
                    fps=(given.infrared_fps or given.fps) if infrared else given.fps,
                    offset_s=given.offset if infrared else 0.0,
                    drift_ppm=given.drift if infrared else 0.0,
                    jitter_ms=given.jitter,
                    delay_ms=given.delay,
                    delay_jitter_ms=given.delay_jitter,
                    report_every_s=0.0 if given.no_reports else 5.0,
                    codec=given.codec,
                    password=given.password,
                    seed=given.seed + number,
                )
            )
    return found


def configuration(rig: RtspServer, user: str = "") -> dict[str, object]:
    """What `streamfuse run` needs to watch all pairs."""
    names = [name.removesuffix("-visible") for name in rig.urls if name.endswith("-visible")]
    return {
        "pairs": [{"stream": name, **{str(s): rig.url(f"{name}-{s}", user) for s in Spectrum}} for name in names],
        "publish": [{"kind": "bus", "endpoint": "tcp://127.0.0.1:5560"}],
    }


def _obey(rig: RtspServer) -> None:
    for line in sys.stdin:
        try:
            for each in schedule([line]):
                rig.play(each)
        except StreamFuseError as exc:
            print(exc, file=sys.stderr)
    rig.stop()


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


def header(rig: RtspServer) -> dict[str, object]:
    """For programs: where to watch, when the schedule began, and the truth about every camera."""
    exposures = {name: asdict(rig.device(name).exposures) for name in rig.urls}
    return {"urls": rig.urls, "started_ns": rig.started_ns, "exposures": exposures, "streams": configuration(rig)["pairs"]}


def _fault(text: str) -> Fault:
    try:
        return fault(text)
    except StreamFuseError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def _say(given: argparse.Namespace, event: Event) -> None:
    if given.json:
        print(json.dumps({"at_ns": event.at_ns, "camera": event.camera, "what": event.what}), flush=True)
    else:
        print(f"{event.camera}: {event.what}", flush=True)


def run(given: argparse.Namespace) -> None:
    """Serve until the time is over or Ctrl-C."""
    share_heaps()
    planned = [*given.fault, *(schedule(given.schedule.read_text().splitlines()) if given.schedule else [])]
    every = cameras(given)
    ports = [given.port + number for number in range(len(every))] if given.port else []
    with RtspServer(
        every, planned, world_ns=given.world, ports=ports, lifetime_s=given.minutes * 60, on_event=lambda event: _say(given, event)
    ) as rig:
        if given.config is not None:
            opened = os.open(given.config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it may hold a password
            with os.fdopen(opened, "w") as file:
                yaml.safe_dump(configuration(rig, given.password or ""), file, sort_keys=False)
        if given.json:
            print(json.dumps(header(rig)), flush=True)
        else:
            print("\n".join(f"{name:14} {url}" for name, url in rig.urls.items()), flush=True)
        if given.commands:
            threading.Thread(target=_obey, args=(rig,), name="input", daemon=True).start()
        rig.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    try:
        run(options().parse_args(arguments))
    except KeyboardInterrupt:
        return
    except (StreamFuseError, OSError) as exc:
        sys.exit(f"faults: {exc}")


if __name__ == "__main__":
    main()
