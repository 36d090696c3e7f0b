"""Counts and times at the hand-overs: rates, ages, skews, latencies per stage, drops by reason. Thread-safe."""

import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from streamfuse.clock import NS_PER_MS, NS_PER_S, Clock, ClockReport
from streamfuse.results import Misalignment

WINDOW = 128  # results remembered per stream for rates and percentiles


@dataclass(slots=True)
class _Stream:
    results: int = 0
    mode: str = ""
    at_ns: deque[int] = field(default_factory=lambda: deque(maxlen=WINDOW))
    age_ns: deque[int] = field(default_factory=lambda: deque(maxlen=WINDOW))
    skew_ns: deque[int] = field(default_factory=lambda: deque(maxlen=WINDOW))
    latency_us: dict[str, deque[int]] = field(default_factory=dict)
    modes: Counter[str] = field(default_factory=Counter)
    drops: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    cameras: dict[str, str] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)
    connected: Counter[str] = field(default_factory=Counter)
    clocks: dict[str, tuple[ClockReport, int]] = field(default_factory=dict)
    misalignment: Misalignment | None = None
    content: dict[str, Any] | None = None


class Meter:
    """What the terminal table, `stat` messages and totals are made of."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._streams: dict[str, _Stream] = {}

    def add(self, stream: str) -> None:
        """Start counting for a stream."""
        with self._lock:
            self._streams.setdefault(stream, _Stream())

    def dropped(self, stream: str, stage: str, reason: str, count: int = 1) -> None:
        """Something was lost, on purpose or not."""
        with self._lock:
            self._stream(stream).drops[f"{stage}.{reason}"] += count

    def dropped_in_all(self, stream: str, stage: str, reasons: Counter[str]) -> None:
        """Total drops of a stage that counts its own."""
        with self._lock:
            drops = self._stream(stream).drops
            for reason, count in reasons.items():
                drops[f"{stage}.{reason}"] = count

    def problem(self, stream: str, camera: str, reasons: Counter[str]) -> None:
        """Frames repaired or skipped by a source, in total."""
        with self._lock:
            for reason, count in reasons.items():
                self._stream(stream).problems[f"{camera}.{reason}"] = count

    def camera(self, stream: str, camera: str, state: str) -> None:
        """What a camera is doing: connecting, running, backoff ..., ended."""
        with self._lock:
            self._stream(stream).cameras[camera] = state

    def connected(self, stream: str, camera: str) -> None:
        """A live camera shows pictures over a new connection: what was wrong with the one before is over."""
        with self._lock:
            state = self._stream(stream)
            state.connected[camera] += 1
            state.trouble.pop(camera, None)

    def trouble(self, stream: str, camera: str, reason: str) -> None:
        """Why a live camera is not there; kept until it is."""
        with self._lock:
            self._stream(stream).trouble[camera] = reason

    def clock(self, stream: str, camera: str, report: ClockReport, epoch: int) -> None:
        """How a live camera's clock goes, and how often its time broke."""
        with self._lock:
            self._stream(stream).clocks[camera] = (report, epoch)

    def misaligned(self, stream: str, measured: Misalignment | None) -> None:
        """How infrared lies on the visible picture; None where nobody knows."""
        with self._lock:
            self._stream(stream).misalignment = measured

    def content(self, stream: str, found: dict[str, Any]) -> None:
        """How far apart the cameras' times are by what moves in both."""
        with self._lock:
            self._stream(stream).content = found

    def untold_drops(self, stream: str) -> dict[str, int]:
        """Drops since the last call."""
        with self._lock:
            state = self._stream(stream)
            fresh = state.drops - state.told
            state.told = Counter(state.drops)
            return dict(fresh)

    def result(self, stream: str, *, mode: str, age_ns: int | None, skew_ns: int | None, latency_us: dict[str, int]) -> None:
        """A result has left the device."""
        with self._lock:
            state = self._stream(stream)
            state.results += 1
            state.modes[mode] += 1
            state.mode = mode
            state.at_ns.append(self._clock.now_ns())
            if age_ns is not None:
                state.age_ns.append(age_ns)
            if skew_ns is not None:
                state.skew_ns.append(skew_ns)
            for stage, microseconds in latency_us.items():
                state.latency_us.setdefault(stage, deque(maxlen=WINDOW)).append(microseconds)

    def streams(self) -> list[str]:
        """Names of all streams."""
        with self._lock:
            return list(self._streams)

    def stats(self, stream: str) -> dict[str, Any]:
        """Figures of one stream; medians over its last results."""
        with self._lock:
            state = self._stream(stream)
            return {
                "results": state.results,
                "mode": state.mode,
                "fps": round(self._rate(state), 2),
                "age_ms": _median_ms(state.age_ns),
                "age_p95_ms": _median_ms(state.age_ns, 0.95),
                "skew_ms": _median_ms(state.skew_ns),
                "modes": dict(state.modes),
                "drops": dict(state.drops),
                "problems": dict(state.problems),
                "cameras": dict(state.cameras),
                "reconnects": _again(state.connected),
                "trouble": dict(state.trouble),
                "clocks": {camera: _told(*known) for camera, known in state.clocks.items()},
                **({} if state.content is None else {"content": dict(state.content)}),
                **({} if state.misalignment is None else {"alignment": _fit(state.misalignment)}),
                "latency_us": {stage: int(_quantile(values, 0.5)) for stage, values in state.latency_us.items()},
            }

    def totals(self, stream: str) -> dict[str, Any]:
        """What `eos` tells."""
        with self._lock:
            state = self._stream(stream)
            return {
                "results": state.results,
                "modes": dict(state.modes),
                "drops": dict(state.drops),
                "problems": dict(state.problems),
                "reconnects": _again(state.connected),
            }

    def _stream(self, stream: str) -> _Stream:
        return self._streams.setdefault(stream, _Stream())

    def _rate(self, state: _Stream) -> float:
        """Results per second over the window, falling towards 0 while nothing comes."""
        if len(state.at_ns) < 2:
            return 0.0
        span_ns = max(state.at_ns[-1], self._clock.now_ns() - NS_PER_S) - state.at_ns[0]
        return (len(state.at_ns) - 1) * NS_PER_S / span_ns if span_ns > 0 else 0.0


def _again(connected: Counter[str]) -> dict[str, int]:
    """Connections of live cameras after the first."""
    return {camera: count - 1 for camera, count in connected.items()}


def _fit(measured: Misalignment) -> dict[str, Any]:
    x, y = measured.shift_px
    return {"x_px": round(x, 2), "y_px": round(y, 2), "moved_px": round(measured.moved_px, 2), "alarm": measured.alarm}


def _told(report: ClockReport, epoch: int) -> dict[str, Any]:
    """A clock in the units of the other figures."""
    return {
        "clock": report.kind,
        "uncertainty_ms": _ms(report.uncertainty_ns),
        "offset_ms": None if report.offset_ns is None else _ms(report.offset_ns),
        "drift_ppm": None if report.drift_ppm is None else round(report.drift_ppm, 1),
        "jitter_ms": _ms(report.jitter_ns),
        "lag_ms": _ms(report.lag_ns),
        "reports": report.reports,
        "clk_bias": report.biased,
        "epoch": epoch,
    }


def _ms(ns: int) -> float:
    return round(ns / NS_PER_MS, 2)


def _quantile(values: deque[int], share: float) -> float:
    ordered = sorted(values)
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))]) if ordered else 0.0


def _median_ms(values: deque[int], share: float = 0.5) -> float | None:
    return round(_quantile(values, share) / NS_PER_MS, 2) if values else None
