"""From notes to findings: growth, recoveries, and what is no one's doing."""

import math

import numpy as np
import pytest

from streamfuse.frames import ClockKind
from streamfuse.publish.message import Message
from streamfuse.publish.wire import BothTimes, CameraTimes, ResultHeader
from tools.faults import Event
from tools.soaking.figures import figures, recovery_table, summary
from tools.soaking.record import Record, Sample
from tools.soaking.slope import slope
from tools.soaking.spells import HUNGRY, Spell, hunger, pauses, recoveries, spells

S = 10**9
BEGUN = 1_700_000_000 * S


def message(
    at_s: float,
    mode: str = "fused",
    *,
    skew_ms: float = 1.0,
    age_ms: float = 90.0,
    delay_ms: float = 60.0,
    unc_ms: float = 0.0,
    clock: ClockKind = "rtcp",
    drop: dict[str, int] | None = None,
) -> Message:
    times = CameraTimes(state="fresh", pts=None, tb=None, clk=clock, unc=round(unc_ms * 1e6), age=0)
    at_ns = BEGUN + round(at_s * S)
    header = ResultHeader(
        v=(1, 0),
        kind="det",
        stream="p1",
        pub=bytes(16),
        seq=0,
        epoch=0,
        t_pub=at_ns,
        fid=bytes(16),
        t_cap=at_ns,
        ts=BothTimes(infrared=times, visible=times),
        dt=0,
        sync=None,
        mode=mode,  # type: ignore[arg-type]
        rig=None,
        prompt="",
        model={},
        det=[],
        cls="",
        parts=[],
        lat={},
        drop=drop or {},
        ext={"exposed_ns": at_ns - round(age_ms * 1e6), "whole_ns": at_ns - round(delay_ms * 1e6), "true_skew_ms": skew_ms},
    )
    return Message(header=header, received_ns=at_ns)


def record(*messages: Message) -> Record:
    noted = Record(BEGUN, bucket_s=5.0, period_ms=83.3)
    for each in messages:
        noted.take(each)
    return noted


def steady(from_s: float, to_s: float, mode: str = "fused") -> list[Message]:
    return [message(float(at_s), mode) for at_s in np.arange(from_s, to_s, 0.1)]


def events(*told: tuple[float, str]) -> list[Event]:
    return [Event(BEGUN + round(at_s * S), "p1-visible", what) for at_s, what in told]


def found_in(noted: Record, *told: tuple[float, str], end_s: float = 60.0):
    return figures(noted, events(*told), settled_ns=BEGUN + 10 * S, end_ns=BEGUN + round(end_s * S))


def test_a_straight_line_has_its_slope():
    """2 MB in an hour with no noise: bounds and slope are one. With noise the bound lies above."""
    clean = [(60.0 * n, 500 + 2 * n / 60) for n in range(30)]
    line = slope(clean)
    assert (line.per_h, line.upper, line.lower) == pytest.approx((2.0, 2.0, 2.0))
    rough = slope([(s, mb + (-1) ** i) for i, (s, mb) in enumerate(clean)])
    assert rough.lower < 2.0 < rough.upper
    assert math.isnan(slope(clean[:2]).per_h)
    assert slope(clean[:2]).dump() == {"per_h": None, "lower_95": None, "upper_95": None}


def test_waiting_for_a_partner_is_no_delay_and_a_delay_that_grows_is_told():
    """Lead pictures that are older minute by minute say nothing; a later picture that is, 3.6 ms in an hour for each ms in 1,000 s."""
    seconds = np.arange(0, 60, 0.1)
    drifting = found_in(record(*[message(float(s), age_ms=90 + s) for s in seconds]))
    assert drifting.delay.per_h == pytest.approx(0, abs=1e-6)
    assert [median for _, median, _ in drifting.ages] == sorted({median for _, median, _ in drifting.ages})
    slower = found_in(record(*[message(float(s), age_ms=90 + s, delay_ms=60 + s / 1000) for s in seconds]))
    assert slower.delay.per_h == pytest.approx(3.6, rel=1e-3)


def test_spells_are_read_from_events():
    """Begin and end make one; a moment is one each time; what has not ended lasts to the end; the rest is no fault."""
    told = events((1, "begin stall"), (2, "watched"), (3, "begin step"), (4, "end stall"), (5, "end step"), (6, "begin gone"))
    assert [(s.kind, (s.begin_ns - BEGUN) // S, (s.end_ns - BEGUN) // S) for s in spells(told, BEGUN + 9 * S)] == [
        ("stall", 1, 4),
        ("step", 3, 3),
        ("step", 5, 5),
        ("gone", 6, 9),
    ]


def test_recovery_counts_from_the_end_to_being_fused_for_good():
    """A short stretch of fused does not count; where both cameras were hit, the later end does; no later stretch is no recovery."""
    one = Spell("gone", "p1-visible", BEGUN, BEGUN + 10 * S)
    changes = {"p1": [(BEGUN, "infrared_only"), (BEGUN + 11 * S, "fused"), (BEGUN + 12 * S, "degraded"), (BEGUN + 13 * S, "fused")]}
    assert [r.after_s for r in recoveries([one], changes, BEGUN + 60 * S)] == [3.0]
    both = [one, Spell("gone", "p1-infrared", BEGUN, BEGUN + 12 * S)]
    assert [(r.spell.camera, r.after_s) for r in recoveries(both, changes, BEGUN + 60 * S)] == [("p1-infrared", 1.0)]
    assert [r.after_s for r in recoveries([one], {"p1": changes["p1"][:1]}, BEGUN + 60 * S)] == [None]
    again = Spell("stall", "p1-visible", BEGUN + 12 * S + S // 2, BEGUN + 14 * S)
    assert [r.after_s for r in recoveries([one, again], changes, BEGUN + 60 * S)] == [None, 0.0]


def test_a_good_run_has_no_anomaly():
    """Fused throughout but for the camera that was away, and fused again a second after it came back."""
    noted = record(*steady(0, 20), *steady(20.1, 26, "infrared_only"), *steady(26, 60))
    found = found_in(noted, (20, "begin gone"), (25, "end gone"))
    assert not found.anomalies
    assert recovery_table(found) == {"gone": {"count": 1, "not": 0, "best": 1.0, "median": 1.0, "worst": 1.0}}
    assert found.skews_ms[-1] == 1.0
    assert {median for _, median, _ in found.ages} == {90.0}


@pytest.mark.parametrize(
    ("late", "words"),
    [
        ([*steady(40, 60, "degraded")], "became degraded without a fault"),
        ([message(45), *steady(45.1, 60)], "silent for 5.1 s"),
        ([message(40, drop={"sync.late": 3}), *steady(40.1, 60)], "dropped 3: sync.late"),
        ([message(40, skew_ms=-90.0), *steady(40.1, 60)], "fused pair -90.0 ms apart"),
        ([message(40, age_ms=300.0), *steady(40.1, 60)], "shows what is"),
        ([message(39.8), *steady(40, 60)], "out of order"),
    ],
)
def test_what_has_no_cause_is_an_anomaly(late, words):
    """With its moment. None of it is one while a fault may explain it, but for what no fault excuses."""
    found = found_in(record(*steady(0, 40), *late))
    assert words in found.anomalies[0].what
    assert 39 < (found.anomalies[0].at_ns - BEGUN) / S < 46


def test_a_slow_recovery_is_an_anomaly_and_drops_after_a_fault_are_not():
    """Each is told in its place."""
    noted = record(*steady(0, 20), message(20, drop={"sync.unused": 2}), *steady(20.1, 30, "infrared_only"), *steady(30, 60))
    found = found_in(noted, (20, "begin gone"), (25, "end gone"))
    assert [note.what for note in found.anomalies] == ["fused again 5.0 s after gone of p1-visible"]
    assert (found.explained, found.unexplained) == ({"sync.unused": 2}, {})
    assert summary(found, noted)["anomalies"] == [{"at_s": 25.0, "stream": "p1", "what": found.anomalies[0].what}]


def test_a_faster_crystal_leaves_pictures_over():
    """As many as it takes more than the other camera find no partner; one more has no excuse."""
    noted = record(*steady(0, 30), message(30, drop={"sync.unused": 1}), message(40, drop={"sync.unused": 1}))
    noted.surplus = 0.1
    found = found_in(noted)
    assert (found.surplus, found.unexplained) == ({"p1": 1}, {"sync.unused": 1})
    assert [note.what for note in found.anomalies if "dropped" in note.what] == ["dropped 1: sync.unused"]


def test_a_pause_of_the_machine_is_told_beside():
    """What is dropped while nobody had a core counts apart, and uses up none of what a faster crystal leaves over."""
    noted = record(*steady(0, 30), message(30, drop={"sync.unused": 1}), message(40, drop={"sync.unused": 1}))
    noted.surplus = 0.1
    paused = pauses([{"awake": True}, {"paused_until_ns": BEGUN + 30 * S, "late_ms": 90.0}])
    assert paused == [Spell("paused", "machine", BEGUN + 30 * S - 90 * 10**6, BEGUN + 30 * S)]
    found = figures(noted, [], paused, settled_ns=BEGUN + 10 * S, end_ns=BEGUN + 60 * S)
    assert (found.starved, found.surplus, found.unexplained) == ({"sync.unused": 1}, {"p1": 1}, {})


def test_a_stream_that_never_comes_back_is_noticed():
    """Its silence lasts to the end."""
    noted = record(*steady(0, 40))
    noted.finish(BEGUN + 60 * S)
    assert "silent for 20.1 s" in found_in(noted).anomalies[0].what


def test_a_busy_machine_is_told_beside():
    """What comes within a second of a camera that was late is counted apart, drops too; what comes later is not excused."""
    noted = record(*steady(0, 40), message(45, drop={"batch.superseded": 2}), *steady(45.1, 60))
    late = (44.9, "this machine was late by 50 pictures")
    found = found_in(noted, late)
    assert not found.anomalies
    assert [note.what.split()[0] for note in found.while_busy] == ["silent", "dropped"]
    assert (found.starved, found.unexplained, len(found.busy)) == ({"batch.superseded": 2}, {}, 1)
    found = found_in(noted, (10.0, late[1]))
    assert (len(found.anomalies), found.while_busy, found.unexplained) == (2, [], {"batch.superseded": 2})


def test_a_pipeline_without_a_core_is_a_busy_machine():
    """Seconds in which its threads waited for more than that share of the time; a second that is not over counts by its length."""
    samples = [Sample(BEGUN + s * S, 500.0, 10, 5, waited_ms) for s, waited_ms in ((0, 0.0), (1, 1e3 * HUNGRY - 1), (2, 1e3 * HUNGRY + 1))]
    assert [(s.begin_ns, s.end_ns) for s in hunger(samples)] == [(BEGUN + S, BEGUN + 2 * S)]


def test_pairs_of_a_camera_that_the_network_held_up_are_told_apart():
    """Where arrival is all there is to stamp by, at the camera that was hit, and not for long after; the distance counts."""
    told: list[tuple[int, ClockKind]] = [(21, "host"), (22, "rtcp"), (26, "estimated")]
    noted = record(*[message(at_s, skew_ms=3000.0, clock=clock) for at_s, clock in told])
    found = found_in(noted, (20, "begin slow"), (22, "end slow"))
    assert [(pair.at_ns - BEGUN) // S for pair in found.held_up] == [21]
    assert sum("apart" in note.what for note in found.anomalies) == 2
    assert found.skews_ms == [3000.0] * 3
    assert not found_in(noted, (20, "begin stall"), (22, "end stall")).held_up


def test_results_older_within_the_doubt_of_their_stamps_are_told_apart():
    """Stamps good to 20 ms explain 15 ms and not 25."""
    for older_ms, anomalies in ((15.0, 0), (25.0, 1)):
        noted = record(*steady(0, 40), message(40, age_ms=190.0 + older_ms, unc_ms=20.0), *steady(40.1, 60))
        found = found_in(noted)
        assert (len(found.anomalies), len(found.older)) == (anomalies, 1 - anomalies)


def test_pairs_that_are_far_apart_are_told_by_cause():
    """What its stamps say that it may be, a frozen camera, or neither; only frozen ones leave the distances."""
    told = (40, "begin freeze"), (42, "end freeze")
    far = [message(20, skew_ms=-180.0, unc_ms=50.0), message(30, skew_ms=-190.0, unc_ms=50.0), message(41, skew_ms=900.0)]
    found = found_in(record(*far), *told)
    assert [pair.skew_ms for pair in found.doubted] == [-180.0]
    assert [note.what for note in found.anomalies if "apart" in note.what] == ["fused pair -190.0 ms apart, by rtcp ±50 ms and rtcp ±50 ms"]
    assert found.frozen == 1
    assert found.skews_ms == [180.0, 190.0]


def test_memory_is_the_least_of_each_bucket():
    """From when it has settled; a peak in between does not count."""
    noted = record(*steady(0, 60))
    noted.samples["pipeline"] = [Sample(BEGUN + s * S, 500.0 + (100 if s % 5 else 0), 10, 5) for s in range(60)]
    found = found_in(noted)
    assert {mb for _, mb in found.minima["pipeline"]} == {500.0}
    assert len(found.minima["pipeline"]) == 10
    assert found.rss["pipeline"].per_h == pytest.approx(0.0, abs=1e-9)
