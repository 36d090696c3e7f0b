"""The rig's model of a camera's time."""

import pytest

from tools.faults.clocks import RTP_HZ, CameraClock, Exposures

START_NS = 1_700_000_000 * 10**9


def test_a_fast_crystal_takes_more_pictures():
    """In 10 minutes, 200 ppm are 120 ms."""
    right, fast = (Exposures(world_ns=START_NS, fps=30, drift_ppm=ppm) for ppm in (0, 200))
    assert right.at_ns(18_000) - START_NS == 600 * 10**9
    assert fast.at_ns(18_000) - right.at_ns(18_000) == pytest.approx(-120e6, rel=1e-3)


def test_the_phase_shifts_all_pictures():
    """A camera with a phase of 15 ms is 15 ms late each time."""
    first, second = (Exposures(world_ns=START_NS, fps=25, phase_ms=phase) for phase in (0, 15))
    assert {second.at_ns(n) - first.at_ns(n) for n in (0, 1, 999)} == {15_000_000}


@pytest.mark.parametrize("number", [0, 1, 1234])
def test_the_next_picture_is_the_first_one_that_is_not_there_yet(number):
    """One nanosecond before an exposure it is the next; at its instant it is over."""
    exposures = Exposures(world_ns=START_NS, fps=9, drift_ppm=-50, phase_ms=3)
    at_ns = exposures.at_ns(number)
    assert exposures.next_after(at_ns - 1000) == number
    assert exposures.next_after(at_ns + 1000) == number + 1
    assert exposures.next_after(START_NS - 10**12) == 0


def test_stamps_err_by_chance_but_always_the_same_way():
    """The error of a picture's stamp depends on seed and number alone, has the deviation asked for, and ends at three of them."""
    exposures = Exposures(world_ns=START_NS, fps=30, jitter_ms=3, seed=1)
    errors_ms = [exposures.stamp_error_ns(n) / 1e6 for n in range(2000)]
    assert errors_ms[5] == exposures.stamp_error_ns(5) / 1e6
    assert max(map(abs, errors_ms)) <= 9
    assert (sum(e * e for e in errors_ms) / 2000) ** 0.5 == pytest.approx(3, rel=0.1)
    assert Exposures(world_ns=START_NS, fps=30).stamp_error_ns(5) == 0


def test_both_clocks_follow_one_crystal():
    """After 100 s at +100 ppm the wall clock and the RTP clock are 10 ms ahead, the wall clock by its offset more."""
    clock = CameraClock(boot_ns=START_NS, offset_s=-1.5, drift_ppm=100, rtp_base=2**32 - 1)
    later_ns = START_NS + 100 * 10**9
    assert clock.wall_ns(later_ns) - later_ns == -1_500_000_000 + 10_000_000
    assert clock.rtp(later_ns) == 100 * RTP_HZ + 900 - 1
    assert clock.rtp(later_ns, error_ns=1_000_000) == 100 * RTP_HZ + 990 - 1


def test_a_step_moves_the_wall_clock_alone_and_a_jump_the_rtp_clock_alone():
    """Each can be undone by its opposite."""
    clock = CameraClock(boot_ns=START_NS, rtp_base=77)
    at_ns = START_NS + 10**9
    stepped, jumped = clock.stepped(-20), clock.jumped(20)
    assert (stepped.wall_ns(at_ns) - clock.wall_ns(at_ns), stepped.rtp(at_ns)) == (-20 * 10**9, clock.rtp(at_ns))
    assert (jumped.rtp(at_ns) - clock.rtp(at_ns), jumped.wall_ns(at_ns)) == (20 * RTP_HZ, clock.wall_ns(at_ns))
    assert jumped.jumped(-20) == stepped.stepped(20) == clock
