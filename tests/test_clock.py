"""Time: monotonic for intervals, one anchor to UTC."""

import threading
import time
from types import SimpleNamespace

import pytest

from streamfuse import clock
from streamfuse.clock import NS_PER_MS, NS_PER_S, Clock, HostClock, ManualClock


@pytest.fixture
def machine(monkeypatch):
    """The two clocks of a machine, moved by hand."""
    state = SimpleNamespace(monotonic=5 * NS_PER_S, utc=1_000 * NS_PER_S)
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic_ns=lambda: state.monotonic, time_ns=lambda: state.utc))
    return state


def test_host_is_the_machine():
    """Monotonic time and UTC are those of this machine."""
    host = HostClock()
    before, utc_before = time.monotonic_ns(), time.time_ns()
    now_ns, utc_ns = host.now_ns(), host.utc_ns()
    assert before <= now_ns <= time.monotonic_ns()
    assert utc_before - NS_PER_MS <= utc_ns <= time.time_ns() + NS_PER_MS


def test_utc_is_smooth_within_a_second(machine):
    """A step of the wall clock does not reach stamps before the anchor is read again."""
    host = HostClock()
    assert host.utc_ns() == 1_000 * NS_PER_S
    machine.monotonic += NS_PER_S // 2
    machine.utc += 100 * NS_PER_S
    assert host.utc_ns() == 1_000 * NS_PER_S + NS_PER_S // 2


def test_utc_follows_a_step(machine):
    """A second later the stamps are right again."""
    host = HostClock()
    host.utc_ns()
    machine.monotonic += NS_PER_S + 1
    machine.utc = 7_000 * NS_PER_S
    assert host.utc_ns() == 7_000 * NS_PER_S


def test_host_waits_for_the_event():
    """Waiting ends with the event, or says that it did not come; a time in the past does not wait."""
    host, event = HostClock(), threading.Event()
    assert host.wait(event, -NS_PER_S) is False
    event.set()
    assert host.wait(event, 3600 * NS_PER_S) is True


def test_manual_moves_only_by_hand():
    """A manual clock stands still until it is moved, and its UTC moves along."""
    manual = ManualClock(now_ns=5, utc_ns=1_000)
    assert (manual.now_ns(), manual.utc_ns()) == (5, 1_000)
    manual.advance_ns(3)
    manual.advance_ms(1.5)
    assert (manual.now_ns(), manual.utc_ns()) == (1_500_008, 1_501_003)


def test_manual_wait_takes_no_time():
    """Waiting moves the clock to the end of the wait; for an event that has come it does not move."""
    manual, event = ManualClock(), threading.Event()
    assert manual.wait(event, 7) is False
    assert manual.wait(event, -7) is False
    assert manual.now_ns() == 7
    event.set()
    assert manual.wait(event, 7) is True
    assert manual.now_ns() == 7


def test_both_are_clocks():
    """The manual clock goes wherever that of the machine goes."""
    clocks: list[Clock] = [HostClock(), ManualClock()]
    assert all(isinstance(c.now_ns(), int) and isinstance(c.utc_ns(), int) for c in clocks)
