"""Clocks and matcher together, on simulated cameras whose true instants are known: are the pictures of a pair really of one instant?"""

import heapq
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import fmean
from typing import Any

import pytest

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.frames import Frame, Pair, Spectrum
from streamfuse.source.clocks import Ladder, LadderSettings
from streamfuse.sync.freeze import FreezeSettings
from streamfuse.sync.nearest import Nearest, SyncSettings
from tests.conftest import make_frame
from tests.source.clocks.simulated import START_NS, Camera, Packet, packets

INFRARED, VISIBLE = Spectrum.INFRARED, Spectrum.VISIBLE


@dataclass
class Run:
    """What came out, and the truth."""

    pairs: list[tuple[int, Pair]] = field(default_factory=list)
    """With the monotonic instant at which each was made."""
    true_ns: dict[Spectrum, dict[int, int]] = field(default_factory=lambda: {s: {} for s in Spectrum})

    def distance_ms(self, pair: Pair) -> float:
        assert pair.infrared
        assert pair.visible
        return abs(self.true_ns[VISIBLE][pair.visible.seq] - self.true_ns[INFRARED][pair.infrared.seq]) / NS_PER_MS

    def fresh_ms(self) -> list[float]:
        return [self.distance_ms(pair) for _, pair in self.pairs if pair.mode == "fused"]

    def unavoidable_ms(self) -> float:
        """Mean distance from a picture of the slower camera to the truly nearest one of the other."""
        few, many = sorted((sorted(times.values()) for times in self.true_ns.values()), key=len)
        nearest = []
        for t_ns in few:
            after = bisect_left(many, t_ns)
            nearest.append(min(abs(t_ns - other) for other in many[max(0, after - 1) : after + 1]))
        return fmean(nearest) / NS_PER_MS

    def paired(self) -> float:
        """Share of the reference's pictures that got a partner."""
        both = sum(pair.infrared is not None and pair.visible is not None for _, pair in self.pairs)
        return both / len(self.true_ns[self.pairs[-1][1].reference])

    def gap_s(self) -> float:
        """Longest time without a fused pair."""
        made_ns = [now_ns for now_ns, pair in self.pairs if pair.mode == "fused"]
        return max(b - a for a, b in pairwise(made_ns)) / NS_PER_S


def play(infrared: Camera, visible: Camera, seconds: float, reference: Any = "visible") -> Run:
    """Both cameras through their ladders into the matcher, as they arrive."""
    run, cameras = Run(), {INFRARED: infrared, VISIBLE: visible}
    sync = Nearest(SyncSettings(reference=reference, freeze=FreezeSettings(enabled=False)))
    ladders = {s: Ladder(LadderSettings(), period_ns=round(NS_PER_S / camera.fps)) for s, camera in cameras.items()}
    blank = {s: make_frame(s) for s in Spectrum}
    streams = [[(p.arrival_ns, s, p) for p in packets(camera, seconds, seed)] for seed, (s, camera) in enumerate(cameras.items())]
    for now_ns, spectrum, packet in heapq.merge(*streams, key=lambda one: one[0]):
        while (deadline_ns := sync.deadline_ns) is not None and deadline_ns <= now_ns:
            run.pairs += [(deadline_ns, pair) for pair in sync.poll(deadline_ns)]
        run.true_ns[spectrum][packet.number] = packet.true_ns
        frame = stamped(blank[spectrum], packet, ladders[spectrum], ladders[spectrum.other])
        run.pairs += [(now_ns, pair) for pair in sync.feed(frame, now_ns)]
    return run


def stamped(blank: Frame, packet: Packet, ladder: Ladder, other: Ladder) -> Frame:
    if other.report is not None and other.report.delay_ns is not None:
        ladder.hint_ns = other.report.delay_ns
    ladder.see(packet.stream_ns, packet.arrival_ns, START_NS, packet.wall_ns)
    stamp = ladder.stamp(packet.stream_ns)
    return replace(blank, t_cap_ns=stamp.t_cap_ns, epoch=stamp.epoch, clock=stamp.clock, seq=packet.number)


CLOCKS = [
    pytest.param({"offset_s": 2.0, "drift_ppm": 200.0, "disciplined": True}, id="time server"),
    pytest.param({"offset_s": 2.0, "drift_ppm": 200.0}, id="ahead and fast"),
    pytest.param({"offset_s": -2.0, "drift_ppm": -200.0}, id="behind and slow"),
    pytest.param({"offset_s": -0.7, "drift_ppm": 0.0}, id="behind"),
]
RATES = [(30.0, 30.0, "visible"), (25.0, 30.0, "visible"), (25.0, 30.0, "slower"), (9.0, 30.0, "visible"), (9.0, 30.0, "slower")]


def check(run: Run, infrared_fps: float, visible_fps: float, limit_ms: float) -> None:
    assert fmean(run.fresh_ms()) <= limit_ms
    assert max(run.fresh_ms()) < 1000 / min(infrared_fps, visible_fps)
    assert run.paired() >= 0.97


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize(("infrared_fps", "visible_fps", "reference"), RATES[:2] + RATES[3:4])
def test_pairs_are_of_one_instant(infrared_fps, visible_fps, reference, clock):
    """In the first minute fresh pairs are on average at most 3 ms further apart than those that know the truth."""
    infrared = Camera(fps=infrared_fps, phase_ms=5, **clock)
    run = play(infrared, Camera(fps=visible_fps, drift_ppm=-50, disciplined=True), 60, reference)
    check(run, infrared_fps, visible_fps, run.unavoidable_ms() + 3)


@pytest.mark.soak
@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize(("infrared_fps", "visible_fps", "reference"), RATES)
def test_pairs_are_of_one_instant_for_ten_minutes(infrared_fps, visible_fps, reference, clock):
    """Over ten minutes they are 9 ms apart on average at unequal rates, and at equal ones at most 3 ms beyond the phase."""
    infrared = Camera(fps=infrared_fps, phase_ms=5, **clock)
    run = play(infrared, Camera(fps=visible_fps, drift_ppm=-50, disciplined=True), 600, reference)
    check(run, infrared_fps, visible_fps, 9.0 if infrared_fps != visible_fps else run.unavoidable_ms() + 3)


@pytest.mark.parametrize("reports", [False, True])
def test_without_reports_cameras_of_one_delay_pair_as_well(reports):
    """Arrivals alone do for two cameras that are equally late, and for one that is as late as a partner who knows."""
    run = play(Camera(reports=False, drift_ppm=200, phase_ms=5), Camera(reports=reports, disciplined=True), 60)
    check(run, 30, 30, run.unavoidable_ms() + 3)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("what", ["steps", "jumps"])
@pytest.mark.parametrize("by_s", [-20.0, 20.0])
def test_a_step_of_a_clock_makes_no_wrong_pair(by_s, what, both):
    """Time of day or time stamps of one camera or both move by 20 s: pairs stay in order and of one instant, and come back within 2 s."""
    plain, moves = Camera(disciplined=True), ((30.0, by_s),)
    moved = replace(plain, steps=moves) if what == "steps" else replace(plain, jumps=moves)
    run = play(replace(moved, phase_ms=5), moved if both else plain, 60)
    assert max(run.distance_ms(pair) for _, pair in run.pairs if pair.infrared and pair.visible) < 1000 / 30
    lead_ns = [run.true_ns[pair.lead.spectrum][pair.lead.seq] for _, pair in run.pairs]
    assert lead_ns == sorted(lead_ns)
    assert all(a.t_cap_ns < b.t_cap_ns for (_, a), (_, b) in pairwise(run.pairs) if a.epoch == b.epoch)
    assert run.gap_s() < 2
    assert run.paired() >= 0.97
