"""Moments in which nobody on the machine had a core."""

import os
import signal
import time

from tools.soaking.pauses import LATE_MS
from tools.soaking.processes import Spoken


def test_a_process_that_is_held_says_for_how_long(tmp_path):
    """Stopped by a signal it wakes as late as if it had got no core; it ends when its input is closed."""
    with Spoken("pauses", ["-m", "tools.soaking.pauses"], tmp_path / "pauses.log") as pausing:
        pausing.wait_for("awake", 60)
        pid = pausing._process.pid
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
        held_since_s = time.monotonic()
        while time.monotonic() - held_since_s < 3e-3 * LATE_MS:
            pass
        os.kill(pid, signal.SIGCONT)
        pausing.wait_for("late_ms", 60)
    assert pausing.stop() == 0
    assert max(line["late_ms"] for line in pausing.said if "late_ms" in line) > 2 * LATE_MS  # the machine may have paused before
