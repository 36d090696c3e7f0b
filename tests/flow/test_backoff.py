"""Waits between tries."""

from streamfuse.flow.backoff import AUTH_S, HEALTHY_S, LONGEST_S, Backoff


def test_waits_grow_to_a_ceiling():
    """No wait exceeds its ceiling, which doubles up to thirty seconds."""
    backoff = Backoff(seed=1)
    waits = [backoff.wait_s(auth=False) for _ in range(200)]
    assert all(wait <= min(LONGEST_S, 0.5 * 2**attempt) for attempt, wait in enumerate(waits))
    assert max(waits) > 20


def test_two_cameras_do_not_come_back_together():
    """The jitter is full: two cameras that failed at once wait for different times."""
    first, second = Backoff(seed=1), Backoff(seed=2)
    assert [first.wait_s(auth=False) for _ in range(5)] != [second.wait_s(auth=False) for _ in range(5)]


def test_refused_credentials_are_tried_slowly():
    """Cameras lock accounts that keep trying."""
    backoff = Backoff(seed=1)
    assert all(AUTH_S[0] <= backoff.wait_s(auth=True) <= AUTH_S[1] for _ in range(50))


def test_a_healthy_camera_starts_small_again():
    """After a minute without trouble the first wait is short again."""
    backoff = Backoff(seed=1)
    for _ in range(10):
        backoff.wait_s(auth=False)
    backoff.ran(HEALTHY_S)
    assert backoff.wait_s(auth=False) <= 0.5
