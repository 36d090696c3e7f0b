"""Waits between tries."""

import pytest

from streamfuse.flow.backoff import AUTH_S, FIRST_S, HEALTHY_S, LONGEST_S, Backoff


def test_waits_grow_to_a_ceiling():
    """No wait exceeds its ceiling, which grows with the time that the camera has been down, up to thirty seconds."""
    backoff = Backoff(seed=1)
    ceilings, waits = [], []
    for _ in range(300):
        ceilings.append(backoff.ceiling_s)
        waits.append(backoff.wait_s(auth=False))
    assert all(wait <= ceiling for wait, ceiling in zip(waits, ceilings, strict=True))
    assert ceilings == sorted(ceilings)
    assert ceilings[0] == FIRST_S
    assert ceilings[-1] == LONGEST_S
    assert max(waits) > 20


@pytest.mark.parametrize(("down_s", "most_s"), [(0, 1), (16, 1.5), (160, 6), (10_000, LONGEST_S)])
def test_a_short_absence_costs_little(down_s, most_s):
    """A camera that was away for a quarter of a minute is tried again within 1.5 seconds."""
    backoff = Backoff(seed=1)
    backoff.failed(down_s)
    assert backoff.ceiling_s == most_s


def test_two_cameras_do_not_come_back_together():
    """The jitter is full: two cameras that failed at once wait for different times."""
    first, second = Backoff(seed=1), Backoff(seed=2)
    assert [first.wait_s(auth=False) for _ in range(5)] != [second.wait_s(auth=False) for _ in range(5)]


def test_refused_credentials_are_tried_slowly():
    """Cameras lock accounts that keep trying."""
    backoff = Backoff(seed=1)
    assert all(AUTH_S[0] <= backoff.wait_s(auth=True) <= AUTH_S[1] for _ in range(50))


def test_a_healthy_camera_starts_small_again():
    """After a minute without trouble the first wait is short again; each second makes up for ten."""
    backoff = Backoff(seed=1)
    backoff.failed(900)
    backoff.ran(HEALTHY_S - 2)
    assert backoff.ceiling_s == 11
    backoff.ran(HEALTHY_S)
    assert backoff.wait_s(auth=False) <= FIRST_S
