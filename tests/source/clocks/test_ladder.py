"""Which clock stamps a camera's pictures, and how it changes over. The truth is known."""

from itertools import pairwise
from statistics import fmean

import pytest

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.source.clocks import Ladder, LadderSettings
from tests.source.clocks.simulated import START_NS, Camera, Track, packets, track

PERIOD_NS = NS_PER_S // 30
DISCIPLINED = Camera(disciplined=True)


def grows_within_epochs(run: Track) -> bool:
    stamps = [stamp for _, stamp in run.taken]
    return all(a.t_cap_ns < b.t_cap_ns for a, b in pairwise(stamps) if a.epoch == b.epoch)


def test_climbs_the_ladder():
    """The arrival first, an estimate after a second, the camera's own time of day as soon as reports tell it."""
    run = track(DISCIPLINED, 30)
    order = [clock for clock, before in pairwise(stamp.clock for _, stamp in run.taken) if clock != before]
    assert [*order, run.taken[-1][1].clock] == ["host", "estimated", "rtcp"]
    assert abs(fmean(run.errors_ms(after_s=10))) < 1
    assert max(map(abs, run.errors_ms(after_s=10))) < 15  # the stamps themselves shake by 3 ms
    assert grows_within_epochs(run)


def test_small_changes_are_slewed():
    """The delay of 30 ms that an estimate holds goes within a few seconds, without a new epoch and never faster than 1 %."""
    run = track(Camera(disciplined=True, jitter_ms=0, stamp_jitter_ms=0), 20)
    steps = [b.t_cap_ns - a.t_cap_ns for (_, a), (_, b) in pairwise(run.taken)]
    assert all(abs(step - NS_PER_S / 30) <= 0.011 * NS_PER_S / 30 for step in steps)
    assert all(stamp.uncertainty_ns / NS_PER_MS >= abs(error) for (_, stamp), error in zip(run.taken, run.errors_ms(), strict=True))
    assert run.epochs()[-1] == 0
    assert abs(run.errors_ms()[-1]) < 0.1


def test_a_change_beyond_a_period_is_a_new_epoch():
    """A delay of 200 ms is more than a period: the stamps step once, and say so."""
    run = track(Camera(disciplined=True, delay_ms=200), 20)
    assert sorted(set(run.epochs())) == [0, 1]
    assert abs(fmean(run.errors_ms(after_s=5))) < 1


@pytest.mark.parametrize("drift_ppm", [-200.0, 200.0])
def test_without_reports_only_the_delay_is_unknown(drift_ppm):
    """Arrivals alone give time but for a constant, and say that it is unknown."""
    run = track(Camera(reports=False, drift_ppm=drift_ppm), 60)
    assert run.clocks(after_s=2) == {"estimated"}
    assert fmean(run.errors_ms(after_s=30)) == pytest.approx(30, abs=3)
    assert run.taken[-1][1].uncertainty_ns >= 100 * NS_PER_MS
    report = run.ladder.report
    assert report is not None
    assert report.offset_ns is None
    assert report.drift_ppm == pytest.approx(drift_ppm, abs=25)


def test_no_clock_is_biased_before_it_was_judged():
    """A good camera that reports from its first packet on is not called biased while nobody can tell yet."""
    ladder = Ladder(LadderSettings(), period_ns=NS_PER_S // 30)
    wall_minus_stream_ns = START_NS + round((DISCIPLINED.wall_s(0) - DISCIPLINED.stream_s(0)) * NS_PER_S)
    said = []
    for packet in packets(DISCIPLINED, 10):
        ladder.see(packet.stream_ns, packet.arrival_ns, START_NS, packet.stream_ns + wall_minus_stream_ns)
        ladder.stamp(packet.stream_ns)
        said += [] if ladder.report is None else [ladder.report.biased]
    assert said
    assert not any(said)


@pytest.mark.parametrize("offset_s", [-3600.0, -2.0, -0.5, 0.5, 2.0, 86_400.0])
def test_a_time_of_day_that_cannot_be_is_not_used(offset_s):
    """A camera whose clock was never set is estimated, and reported as biased, by how much."""
    run = track(Camera(offset_s=offset_s), 30)
    assert run.clocks(after_s=2) == {"estimated"}
    report = run.ladder.report
    assert report is not None
    assert report.biased
    assert report.offset_ns == pytest.approx((offset_s - 0.030) * NS_PER_S, abs=5 * NS_PER_MS)


def test_a_time_of_day_that_runs_away_is_not_used():
    """A free crystal is found out by its drift within a minute, though it starts out right."""
    run = track(Camera(drift_ppm=200), 90)
    assert run.clocks(after_s=70) == {"estimated"}
    assert max(map(abs, run.errors_ms())) < 50


def test_drift_of_a_disciplined_camera_does_no_harm():
    """A crystal of 200 ppm under a time server: the reports make up for it."""
    run = track(Camera(drift_ppm=200, disciplined=True), 90)
    assert run.clocks(after_s=10) == {"rtcp"}
    assert abs(fmean(run.errors_ms(after_s=10))) < 1


def test_any_time_of_day_where_that_is_asked_for():
    """`rtcp` takes the camera's word: two cameras may follow a server that this machine does not know."""
    run = track(Camera(offset_s=3600, disciplined=False), 20, settings=LadderSettings(use="rtcp"))
    assert fmean(run.errors_ms(after_s=10)) == pytest.approx(3_600_000, abs=1)
    assert run.ladder.report is not None
    assert not run.ladder.report.biased


@pytest.mark.parametrize(("use", "clocks"), [("host", {"host"}), ("estimated", {"host", "estimated"})])
def test_a_lower_rung_where_that_is_asked_for(use, clocks):
    """Reports are there and not used."""
    assert track(DISCIPLINED, 15, settings=LadderSettings(use=use)).clocks() == clocks


@pytest.mark.parametrize("by_s", [-20.0, 20.0])
def test_a_clock_that_is_set_moves_no_stamp(by_s):
    """The time of day steps by 20 s while the pictures go on: so do the stamps, with the delay that was learnt."""
    run = track(Camera(disciplined=True, steps=((30, by_s),)), 90)
    assert max(map(abs, run.errors_ms(after_s=15))) < 20
    assert run.epochs()[-1] == 0
    assert run.clocks(after_s=50) == {"estimated"}
    assert run.ladder.report is not None
    assert run.ladder.report.biased


@pytest.mark.parametrize("by_s", [-20.0, 20.0])
def test_time_stamps_that_jump_cost_a_moment(by_s):
    """The stamps of packets start anew: pictures are stamped on arrival for a second, then as before, and it is counted."""
    run = track(Camera(disciplined=True, jumps=((30, by_s),)), 60)
    assert max(map(abs, run.errors_ms(after_s=15))) < 50
    assert abs(fmean(run.errors_ms(after_s=45))) < 1
    assert run.ladder.jumps == 1
    assert grows_within_epochs(run)


@pytest.mark.parametrize("reports", [False, True])
def test_a_stall_moves_no_stamp(reports):
    """Ten seconds that come all at once are stamped as if they had come in time."""
    run = track(Camera(disciplined=True, reports=reports, stalls=((30, 10),)), 60)
    floor_ms = 0 if reports else 30
    assert max(abs(error - floor_ms) for error in run.errors_ms(after_s=15)) < 20
    assert run.epochs()[-1] == 0


def test_packets_that_come_as_fast_as_they_can_are_stamped_on_arrival():
    """A file behind a web server is no clock."""
    ladder = Ladder(LadderSettings(), period_ns=NS_PER_S // 30)
    for number in range(3000):
        ladder.see(number * NS_PER_S // 30, number * NS_PER_MS, START_NS)
        stamp = ladder.stamp(number * NS_PER_S // 30)
        assert stamp.clock == "host"
        assert stamp.epoch == 0


def test_time_stamps_at_the_wrong_pace_are_no_clock():
    """A stream that counts 25 pictures a second and sends 20 is stamped on arrival, after half a minute for good."""
    ladder = Ladder(LadderSettings(), period_ns=NS_PER_S // 25)
    stamps = []
    for number in range(2400):
        ladder.see(number * NS_PER_S // 25, number * NS_PER_S // 20, START_NS)
        stamps.append(ladder.stamp(number * NS_PER_S // 25))
    assert {stamp.clock for stamp in stamps[800:]} == {"host"}


def test_pictures_without_time_stamps_are_stamped_on_arrival():
    """Nothing is held back or left out."""
    ladder = Ladder(LadderSettings(), period_ns=NS_PER_S // 25)
    times = []
    for number in range(50):
        ladder.see(None, number * 40 * NS_PER_MS, START_NS)
        times.append(ladder.stamp(None))
    assert [stamp.t_cap_ns - START_NS for stamp in times] == [number * 40 * NS_PER_MS for number in range(50)]
    assert {stamp.clock for stamp in times} == {"host"}
    assert ladder.report is not None


def test_the_first_pictures_may_be_as_old_as_the_connection():
    """What came over a slow link while it connected, and ever later since: as long as nothing better is known, the stamp says so."""
    ladder = Ladder(LadderSettings(), period_ns=PERIOD_NS, opening_ns=3 * NS_PER_S)
    for number in range(20):  # every picture takes twice as long as it should
        ladder.see(number * PERIOD_NS, 2 * number * PERIOD_NS, START_NS)
        assert ladder.stamp(number * PERIOD_NS).uncertainty_ns >= 3 * NS_PER_S + number * PERIOD_NS
    ladder.see(0, 40 * PERIOD_NS, START_NS)  # its time stamps start anew: that says nothing of the way
    assert ladder.stamp(0).uncertainty_ns < NS_PER_S


def test_a_device_is_stamped_by_the_kernel():
    """The kernel's stamp is taken as it is, from the first picture on."""
    ladder = Ladder(LadderSettings(), period_ns=NS_PER_S // 30, device=True)
    for number in range(60):
        stream_ns = 777 * NS_PER_S + number * NS_PER_S // 30
        ladder.see(stream_ns, stream_ns + 9 * NS_PER_MS, START_NS)
        stamp = ladder.stamp(stream_ns)
        assert stamp.clock == "device"
        assert stamp.t_cap_ns == START_NS + stream_ns


def test_the_partners_delay_is_the_best_guess():
    """Until its own delay is learnt a camera is taken to have that of the other one; its own goes before."""
    run = track(Camera(reports=False), 20)
    run.ladder.hint_ns = 30 * NS_PER_MS
    for packet, _ in track(Camera(reports=False), 40).taken[600:]:
        run.ladder.see(packet.stream_ns, packet.arrival_ns, START_NS, None)
        run.taken.append((packet, run.ladder.stamp(packet.stream_ns)))
    assert abs(fmean(run.errors_ms(after_s=30))) < 3
    run.ladder.delay_ns = 10 * NS_PER_MS
    assert run.ladder._known_delay_ns == 10 * NS_PER_MS
