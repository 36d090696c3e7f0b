"""Cameras of which the truth is known: packets with stamps, reports and arrivals, made of numbers alone."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.source.clocks import Ladder, LadderSettings, Stamp

START_NS = 1_700_000_000 * NS_PER_S  # true time at which our monotonic clock, and the simulation, begin
REPORT_S = 5.0
REPORT_AFTER_S = 3.3  # a reader that joins hears the first report after a while


@dataclass(frozen=True, kw_only=True)
class Camera:
    """One camera. `offset_s` and `drift_ppm` are those of its crystal, which also sets its pace."""

    fps: float = 30.0
    phase_ms: float = 0.0
    offset_s: float = 0.0
    drift_ppm: float = 0.0
    disciplined: bool = False
    """Its time of day follows a time server, whatever the crystal does."""
    reports: bool = True
    report_noise_ms: float = 0.0
    delay_ms: float = 30.0
    jitter_ms: float = 3.0
    """Standard deviation of the arrival, which can only be late."""
    stamp_jitter_ms: float = 3.0
    steps: tuple[tuple[float, float], ...] = ()
    """(second, seconds): the time of day is set by so much."""
    jumps: tuple[tuple[float, float], ...] = ()
    """(second, seconds): the time stamps of packets jump by so much."""
    stalls: tuple[tuple[float, float], ...] = ()
    """(second, seconds): nothing arrives for so long, then all of it at once."""

    def crystal_s(self, true_s: float) -> float:
        return true_s * (1 + self.drift_ppm * 1e-6) + self.offset_s

    def stream_s(self, true_s: float) -> float:
        return 4321.0 + self.crystal_s(true_s) + sum(by for at, by in self.jumps if true_s >= at)

    def wall_s(self, true_s: float) -> float:
        return (true_s if self.disciplined else self.crystal_s(true_s)) + sum(by for at, by in self.steps if true_s >= at)


@dataclass(frozen=True)
class Packet:
    number: int
    true_ns: int
    stream_ns: int
    arrival_ns: int
    wall_ns: int | None


def packets(camera: Camera, seconds: float, seed: int = 0) -> Iterator[Packet]:
    """In the order of arrival."""
    chance = random.Random(seed)
    arrived_ns = 0
    report: tuple[float, float] | None = None  # what the last report tied together: stream time and time of day, seconds
    report_due_s = REPORT_AFTER_S
    for number in range(int(seconds * camera.fps)):
        true_s = number / (camera.fps * (1 + camera.drift_ppm * 1e-6)) + camera.phase_ms / 1000
        if camera.reports and true_s >= report_due_s:
            noise_s = chance.gauss(0, camera.report_noise_ms / 1000)
            report = (camera.stream_s(report_due_s), camera.wall_s(report_due_s) + noise_s)
            report_due_s += REPORT_S
        stream_ns = round((camera.stream_s(true_s) + chance.gauss(0, camera.stamp_jitter_ms / 1000)) * NS_PER_S)
        wall_ns = None if report is None else START_NS + stream_ns + round((report[1] - report[0]) * NS_PER_S)
        reaches_s = true_s + camera.delay_ms / 1000 + abs(chance.gauss(0, camera.jitter_ms / 1000))
        reaches_s = max([reaches_s, *(at + by for at, by in camera.stalls if at <= reaches_s < at + by)])
        arrived_ns = max(arrived_ns + 1, round(reaches_s * NS_PER_S))
        yield Packet(number, START_NS + round(true_s * NS_PER_S), stream_ns, arrived_ns, wall_ns)


@dataclass
class Track:
    """What a ladder made of a camera."""

    ladder: Ladder
    taken: list[tuple[Packet, Stamp]] = field(default_factory=list)

    def errors_ms(self, after_s: float = 0.0) -> list[float]:
        """Stamp minus truth."""
        return [(stamp.t_cap_ns - p.true_ns) / NS_PER_MS for p, stamp in self.taken if p.true_ns - START_NS >= after_s * NS_PER_S]

    def clocks(self, after_s: float = 0.0) -> set[str]:
        return {stamp.clock for p, stamp in self.taken if p.true_ns - START_NS >= after_s * NS_PER_S}

    def epochs(self) -> list[int]:
        return [stamp.epoch for _, stamp in self.taken]


def track(camera: Camera, seconds: float, seed: int = 0, settings: LadderSettings | None = None) -> Track:
    """Run a camera through a ladder; our monotonic clock starts at 0 when UTC is `START_NS`."""
    result = Track(Ladder(settings or LadderSettings(), period_ns=round(NS_PER_S / camera.fps)))
    for packet in packets(camera, seconds, seed):
        result.ladder.see(packet.stream_ns, packet.arrival_ns, START_NS, packet.wall_ns)
        result.taken.append((packet, result.ladder.stamp(packet.stream_ns)))
    return result
