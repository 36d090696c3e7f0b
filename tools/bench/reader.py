"""A reader of a bus in a process of its own: prints what it saw as JSON once the streams have ended.

Run: python tools/bench/reader.py ENDPOINT [--client latest|all] [--kinds img] [--work-ms 100] [--streams 1]

Without `--client` it is plain pyzmq on `sf1/`, by the documented layout, that reads everything and never pauses. It loads nothing
heavy, so that it starts at once.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import msgspec
import zmq

SILENT_MS = 60_000
NS_PER_MS = 1e6


class Seen:
    """What a reader notes of each message."""

    def __init__(self) -> None:
        self.messages: Counter[str] = Counter()
        self.gaps = 0
        self.skipped = 0
        self.malformed = 0
        self.age_ms: list[float] = []
        """Of pictures when they came, since they were due."""
        self.taken_age_ms: list[float] = []
        """Of pictures when the reader got them: for a slow one later than they came."""
        self.totals: dict[str, Any] = {}
        """By stream, what its `eos` says."""
        self._last: dict[str, int] = {}
        self._picture_ns: list[int] = []
        self._latency_us: defaultdict[str, list[int]] = defaultdict(list)
        self._due_ns: defaultdict[int, list[int]] = defaultdict(list)

    def take(self, header: dict[str, Any], received_ns: int) -> None:
        """Note one message; `received_ns` is UTC."""
        kind, stream, seq = header["kind"], header["stream"], header["seq"]
        self.messages[kind] += 1
        last = self._last.get(f"{kind}/{stream}", seq - 1)
        self.gaps += max(0, seq - last - 1)
        self._last[f"{kind}/{stream}"] = max(seq, last)
        if kind == "eos":
            self.totals[stream] = header["totals"]
        if kind != "img":
            return
        self._picture_ns.append(received_ns)
        for stage, microseconds in header["lat"].items():
            self._latency_us[stage].append(microseconds)
        if header.get("t_due") is not None:
            self.age_ms.append((received_ns - header["t_due"]) / NS_PER_MS)
            self._due_ns[header["t_cap"]].append(header["t_due"])

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        first, last = (self._picture_ns[0], self._picture_ns[-1]) if self._picture_ns else (0, 0)
        spreads = sorted((max(due) - min(due)) / NS_PER_MS for due in self._due_ns.values() if len(due) > 1)
        return {
            "messages": dict(self.messages),
            "gaps": self.gaps,
            "skipped": self.skipped,
            "malformed": self.malformed,
            "pictures_per_s": (len(self._picture_ns) - 1) * 1e9 / (last - first) if last > first else None,
            "age_ms": self.age_ms,
            "taken_age_ms": self.taken_age_ms,
            "latency_us": {stage: sorted(values)[len(values) // 2] for stage, values in self._latency_us.items()},
            "spread_ms": spreads[len(spreads) // 2] if spreads else None,
            "totals": self.totals,
        }


def read_plain(endpoint: str, streams: int) -> Seen:
    """Everything under `sf1/`, by pyzmq alone, until so many streams have ended."""
    seen = Seen()
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVHWM, 0)  # what this process has not got to yet is no loss of the bus
        socket.connect(endpoint)
        socket.subscribe(b"sf1/")
        while len(seen.totals) < streams:
            if not socket.poll(SILENT_MS):
                raise SystemExit(f"{endpoint}: nothing came for {SILENT_MS // 1000} s")
            frames = socket.recv_multipart(copy=False)
            seen.take(msgspec.msgpack.decode(frames[1].buffer), time.time_ns())
    return seen


def read_with_client(endpoint: str, mode: Any, kinds: list[Any], work_ms: float) -> Seen:
    """By the package's own client, busy for `work_ms` with each picture."""
    from streamfuse import Subscriber  # noqa: PLC0415  the plain reader does without

    seen = Seen()
    with Subscriber(endpoint, kinds=[*kinds, "eos"], mode=mode) as bus:
        for message in bus:
            if message.kind == "img":
                seen.taken_age_ms.append((time.time_ns() - (message.result.t_due or message.t_cap_ns)) / NS_PER_MS)
            seen.take(msgspec.to_builtins(message.header, builtin_types=(bytes,)), message.received_ns)
            if message.kind == "img" and work_ms:
                time.sleep(work_ms / 1e3)
        seen.gaps, seen.skipped, seen.malformed = sum(bus.lost.values()), sum(bus.skipped.values()), bus.malformed
        seen.messages = Counter()
        for topic, count in bus.received.items():
            seen.messages[topic.split("/")[1]] += count
    return seen


def start(endpoint: str, *arguments: str) -> "subprocess.Popen[str]":
    """This file as a process that reads `endpoint`."""
    return subprocess.Popen([sys.executable, str(Path(__file__)), endpoint, *arguments], stdout=subprocess.PIPE, text=True)


def finish(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Wait for its end; what it saw, as in `Seen.dump`."""
    output, _ = process.communicate()  # closes the pipe too
    if process.returncode:
        raise SystemExit(f"the reader failed with {process.returncode}")
    seen: dict[str, Any] = json.loads(output)
    return seen


def main() -> None:
    """Read to the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("endpoint")
    parser.add_argument("--client", choices=("latest", "all"), help="read with streamfuse.Subscriber")
    parser.add_argument("--kinds", nargs="+", default=["det", "img"], help="for the client")
    parser.add_argument("--work-ms", type=float, default=0.0, help="the client pauses so long with each picture")
    parser.add_argument("--streams", type=int, default=1, help="the plain reader ends with the end of so many")
    given = parser.parse_args()
    if given.client:
        seen = read_with_client(given.endpoint, given.client, given.kinds, given.work_ms)
    else:
        seen = read_plain(given.endpoint, given.streams)
    print(json.dumps(seen.dump()))


if __name__ == "__main__":
    main()
