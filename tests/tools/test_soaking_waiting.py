"""How long a process waited for a core."""

import os

from tools.soaking.waiting import Waiting


def test_counts_from_the_call_before():
    """Nothing the first time; then what came since, whatever the process had waited in its life."""
    waiting = Waiting(os.getpid())
    assert waiting.ms() == 0.0
    waiting._seen_ns = {thread: ns - 5_000_000 for thread, ns in waiting._now_ns().items()}
    assert waiting.ms() >= 5.0
    assert 0.0 <= waiting.ms() < 60_000.0


def test_a_process_that_is_gone_waits_for_nothing():
    """Also where the system keeps no account."""
    waiting = Waiting(2**22 + 1)  # beyond the largest number that Linux gives
    assert (waiting.ms(), waiting.ms()) == (0.0, 0.0)
