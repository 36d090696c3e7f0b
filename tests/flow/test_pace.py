"""Replay in time."""

import threading

from streamfuse.clock import ManualClock
from streamfuse.flow.pace import Pace


def pace_of(clock: ManualClock, *, cameras: int = 1, speed: float = 1.0, gate_open: bool = True) -> tuple[Pace, threading.Event]:
    gate, stopping = threading.Event(), threading.Event()
    if gate_open:
        gate.set()
    return Pace(cameras=cameras, speed=speed, clock=clock, gate=gate, stopping=stopping), stopping


def test_waits_until_a_frame_is_due():
    """The clock has moved by the distance of two frames, divided by the speed, and `t_due` says when that was."""
    clock = ManualClock(now_ns=5_000_000_000, utc_ns=100_000_000_000)
    pace, _ = pace_of(clock, speed=2.0)
    assert pace.arrive(1_000)
    assert pace.wait_due(1_000) == 100_000_000_000
    assert pace.wait_due(40_001_000) == 100_020_000_000
    assert clock.now_ns() == 5_020_000_000


def test_as_fast_as_possible_waits_for_nothing():
    """Speed 0 has no due instants."""
    clock = ManualClock()
    pace, _ = pace_of(clock, speed=0)
    assert pace.arrive(0)
    assert pace.wait_due(10**12) is None
    assert clock.now_ns() == 0


def test_cameras_start_together():
    """The first camera waits for the second, and both share the earliest first instant as origin."""
    clock = ManualClock()
    pace, _ = pace_of(clock, cameras=2)
    arrived = []
    thread = threading.Thread(target=lambda: arrived.append(pace.arrive(70)))
    thread.start()
    assert pace.arrive(50)
    thread.join(5)
    assert arrived == [True]
    assert pace.wait_due(50) == 0
    assert pace.wait_due(70) == 20


def test_nobody_waits_for_a_camera_that_never_came():
    """A camera that leaves before its first frame lets the other start."""
    pace, _ = pace_of(ManualClock(), cameras=2)
    pace.leave()
    assert pace.arrive(0)


def test_a_stop_ends_every_wait():
    """Waiting for the start, or for the end of a lap, ends with the stop."""
    pace, stopping = pace_of(ManualClock(), cameras=2, gate_open=False)
    stopping.set()
    assert not pace.arrive(0)
    assert pace.lap(10) is None


def test_laps_go_on_where_the_longest_camera_ended():
    """Both cameras of a pair add the same to their times, so that they stay together."""
    pace, _ = pace_of(ManualClock(), cameras=2)
    thread = threading.Thread(target=lambda: pace.arrive(1000))
    thread.start()
    pace.arrive(1000)
    thread.join(5)
    shifts = []
    thread = threading.Thread(target=lambda: shifts.append(pace.lap(5000)))
    thread.start()
    shifts.append(pace.lap(5400))
    thread.join(5)
    assert shifts == [4400, 4400]


def test_a_machine_that_cannot_keep_up_replays_slower():
    """Being late moves the origin for both cameras, so that frames are not all late for ever; it is told."""
    clock = ManualClock()
    pace, _ = pace_of(clock)
    pace.arrive(0)
    pace.wait_due(0)
    clock.advance_ms(1000)
    assert pace.wait_due(33_000_000) == 1_000_000_000
    assert pace.slipped_ns == 967_000_000
    assert pace.wait_due(66_000_000) == 1_033_000_000
