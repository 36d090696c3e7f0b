"""`Nearest` on simulated cameras: 60 s, stamps that shake by 3 ms, arrival 30 ms after capture and up to some more.

What is measured is the true distance of two captures, which the matcher cannot see.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean
from typing import Any

import pytest

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.frames import Frame, Pair, Spectrum
from streamfuse.sync.nearest import Nearest, SyncSettings

FrameAt = Callable[..., Frame]
INFRARED, VISIBLE = Spectrum.INFRARED, Spectrum.VISIBLE
LATE_NS = 3 * NS_PER_MS
WANDER_S = 10


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Two cameras that run freely."""

    infrared_hz: float
    visible_hz: float
    phase_ms: float = 0.0
    lost: float = 0.0
    step_s: float = 0.0
    """Both clocks step by this, half way."""
    sigma_ms: float = 3.0
    """What stamps shake by."""
    wander_ms: float = 0.0
    """What the infrared clock goes to and fro by, once in ten seconds, as one that reports set right does."""
    seconds: int = 60


@dataclass
class Outcome:
    """Pairs of a simulated run, with the true instants of their frames."""

    pairs: list[Pair] = field(default_factory=list)
    true_ns: dict[tuple[Spectrum, int], float] = field(default_factory=dict)
    latencies_ms: list[float] = field(default_factory=list)

    def take(self, pairs: list[Pair], now_ns: int) -> None:
        self.pairs += pairs
        self.latencies_ms += [(now_ns - self.true_ns[pair.lead.spectrum, pair.lead.seq]) / NS_PER_MS for pair in pairs]

    def distances_ms(self, *modes: str) -> list[float]:
        both = [(p.infrared, p.visible) for p in self.pairs if p.mode in modes]
        return [abs(self.true_ns[INFRARED, i.seq] - self.true_ns[VISIBLE, v.seq]) / NS_PER_MS for i, v in both if i and v]

    def fed(self, spectrum: Spectrum) -> int:
        return sum(camera is spectrum for camera, _ in self.true_ns)


def simulate(frame_at: FrameAt, sync: Nearest, scene: Scene, seed: int = 1) -> Outcome:
    chance, outcome = random.Random(seed), Outcome()
    arrivals: list[tuple[int, Frame]] = []
    for spectrum, rate_hz, phase_ns in ((INFRARED, scene.infrared_hz, scene.phase_ms * NS_PER_MS), (VISIBLE, scene.visible_hz, 0)):
        arrived_ns = 0
        for number in range(int(scene.seconds * rate_hz)):
            if chance.random() < scene.lost:
                continue
            t_ns = NS_PER_S + phase_ns + number * NS_PER_S / rate_hz
            wander_ms = scene.wander_ms * math.sin(2 * math.pi * number / rate_hz / WANDER_S) * (spectrum is INFRARED)
            stepped_ns = scene.step_s * NS_PER_S * (t_ns > NS_PER_S * (1 + scene.seconds / 2))
            stamp_ns = t_ns + (chance.gauss(0, scene.sigma_ms) + wander_ms) * NS_PER_MS + stepped_ns
            arrived_ns = max(arrived_ns + 1, round(t_ns + 30 * NS_PER_MS + abs(chance.gauss(0, LATE_NS))))
            outcome.true_ns[spectrum, number] = t_ns
            arrivals.append((arrived_ns, frame_at(spectrum, round(stamp_ns), seq=number)))
    for now_ns, frame in sorted(arrivals, key=lambda arrival: arrival[0]):
        while (deadline_ns := sync.deadline_ns) is not None and deadline_ns <= now_ns:
            outcome.take(sync.poll(deadline_ns), deadline_ns)
        outcome.take(sync.feed(frame, now_ns), now_ns)
    return outcome


@pytest.mark.parametrize("phase_ms", [0.0, 5.0, 16.0, 50 / 3])
def test_equal_rates(frame_at: FrameAt, phase_ms: float) -> None:
    """30 and 30 fps: 99 % and more of the visible frames are paired with a fresh partner, even where two are equally near."""
    outcome = simulate(frame_at, Nearest(SyncSettings()), Scene(infrared_hz=30, visible_hz=30, phase_ms=phase_ms))
    assert len(outcome.distances_ms("fused")) >= 0.99 * outcome.fed(VISIBLE)
    assert fmean(outcome.distances_ms("fused")) < phase_ms + 1
    assert max(outcome.distances_ms("fused")) < 1000 / 30


@pytest.mark.parametrize(("hz", "drift_ppm"), [(12, 40), (30, 40), (30, 200), (30, -200)])
def test_passing_through_the_middle(frame_at: FrameAt, hz: float, drift_ppm: float) -> None:
    """Crystals that part slowly are half a period apart for minutes: 99 % and more of the pairs are fresh, and few frames are left over."""
    seconds, half_ms = 180, 500 / hz
    phase_ms = half_ms + drift_ppm * seconds / 2000  # the middle comes half way
    sync = Nearest(SyncSettings())
    outcome = simulate(frame_at, sync, Scene(infrared_hz=hz * (1 + drift_ppm * 1e-6), visible_hz=hz, phase_ms=phase_ms, seconds=seconds))
    assert len(outcome.distances_ms("fused")) >= 0.99 * outcome.fed(VISIBLE)
    assert sync.drops["unused"] < 0.01 * outcome.fed(INFRARED)
    assert fmean(outcome.distances_ms("fused")) < half_ms
    assert max(outcome.distances_ms("fused")[5:]) < 1000 / hz  # from when the rates are known


def test_a_clock_that_wanders_about_the_middle(frame_at: FrameAt) -> None:
    """Stamps that do not shake but wander by 1 ms to either side of half a period lose no pair once the rates are known."""
    sync = Nearest(SyncSettings())
    outcome = simulate(frame_at, sync, Scene(infrared_hz=30, visible_hz=30, phase_ms=50 / 3, sigma_ms=0.0, wander_ms=1.0))
    assert {pair.mode for pair in outcome.pairs[10:]} == {"fused"}
    assert sync.drops["unused"] <= 1


def test_lost_frames(frame_at: FrameAt) -> None:
    """With 2 % of either camera's frames lost and 15 ms between them, at least 97 % of the visible frames are paired."""
    outcome = simulate(frame_at, Nearest(SyncSettings()), Scene(infrared_hz=30, visible_hz=30, phase_ms=15, lost=0.02))
    assert len(outcome.pairs) >= outcome.fed(VISIBLE) - 2  # the last ones still wait
    assert len(outcome.distances_ms("fused", "degraded")) >= 0.97 * outcome.fed(VISIBLE)
    assert max(outcome.distances_ms("fused")) < 1000 / 30


@pytest.mark.parametrize(
    ("infrared_hz", "visible_hz", "reference"),
    [(25, 30, "visible"), (25, 30, "slower"), (30, 25, "slower"), (8.93, 30, "infrared"), (29.97, 30, "visible")],
)
def test_unequal_rates(frame_at: FrameAt, infrared_hz: float, visible_hz: float, reference: Any) -> None:
    """Fresh partners are on average within 9 ms of the truth (the best possible at 30 fps is 8.3), and none is a period away.

    34 s are long enough for 29.97 and 30 fps to pass through all phases.
    """
    distances: list[float] = []
    for seed, phase_ms in enumerate((0.0, 4.0, 11.0)):
        scene = Scene(infrared_hz=infrared_hz, visible_hz=visible_hz, phase_ms=phase_ms, seconds=34)
        outcome = simulate(frame_at, Nearest(SyncSettings(reference=reference)), scene, seed)
        distances += outcome.distances_ms("fused")
        assert outcome.pairs[-1].reference == ("infrared" if infrared_hz < visible_hz and reference != "visible" else "visible")
        assert len(outcome.distances_ms("fused", "degraded")) >= 0.97 * outcome.fed(outcome.pairs[-1].reference)
    assert fmean(distances) < (9.5 if infrared_hz == 29.97 else 9.0)  # nearly equal rates stay on one side of the middle for a while
    assert max(distances) < 1000 / min(infrared_hz, visible_hz)


def test_slow_infrared_serves_several_visible_frames(frame_at: FrameAt) -> None:
    """9 and 30 fps with visible as reference: all visible frames are paired, and none with a picture of more than a period away."""
    outcome = simulate(frame_at, Nearest(SyncSettings()), Scene(infrared_hz=9, visible_hz=30))
    assert len(outcome.distances_ms("fused", "degraded")) >= 0.99 * outcome.fed(VISIBLE)
    assert max(outcome.distances_ms("fused", "degraded")) < 1000 / 9


@pytest.mark.parametrize("step_s", [-20.0, 20.0])
def test_a_step_of_both_clocks(frame_at: FrameAt, step_s: float) -> None:
    """Half way both clocks step by 20 s: no pair is wrong, and hardly one is missing."""
    outcome = simulate(frame_at, Nearest(SyncSettings()), Scene(infrared_hz=30, visible_hz=30, phase_ms=5, step_s=step_s))
    assert max(outcome.distances_ms("fused", "degraded")) < 1000 / 30
    assert len(outcome.distances_ms("fused")) >= outcome.fed(VISIBLE) - 5
    assert outcome.pairs[-1].epoch in (1, 2)


def test_does_not_wait_where_it_need_not(frame_at: FrameAt) -> None:
    """Cameras in step, 5 ms apart: half of the pairs are out within 10 ms of the visible frame's arrival."""
    outcome = simulate(frame_at, Nearest(SyncSettings()), Scene(infrared_hz=30, visible_hz=30, phase_ms=-5, seconds=20))
    assert sorted(outcome.latencies_ms)[len(outcome.latencies_ms) // 2] < 30 + 10


@pytest.mark.parametrize(("infrared_hz", "lead"), [(9, INFRARED), (25, INFRARED), (29.97, VISIBLE), (30, VISIBLE), (50, VISIBLE)])
def test_the_slower_camera_leads_for_good(frame_at: FrameAt, infrared_hz: float, lead: Spectrum) -> None:
    """`slower` settles on the clearly slower camera once, and on visible where both are alike; it does not swing."""
    outcome = simulate(frame_at, Nearest(SyncSettings(reference="slower")), Scene(infrared_hz=infrared_hz, visible_hz=30, seconds=20))
    leads = [pair.reference for pair in outcome.pairs]
    changes = sum(one is not two for one, two in pairwise(leads))
    assert (leads[-1], changes) == (lead, int(lead is INFRARED))
