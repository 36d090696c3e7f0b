"""A process that does nothing but wake every few milliseconds, and tells when it woke late: nobody on this machine had a core in time.

The scheduler's account of who waited does not hold what the host of a virtual machine takes away from all of it.
"""

import json
import threading
import time

from streamfuse.clock import NS_PER_MS
from tools.soaking.processes import when_closed

STEP_S = 0.005
LATE_MS = 30.0
"""Later than this is told. On an idle machine a step takes 0.1 ms longer than asked for."""


def main() -> None:
    """Until the parent closes our input, or is gone."""
    stop = threading.Event()
    when_closed(stop.set)
    woke_ns = time.monotonic_ns()
    print(json.dumps({"awake": True}), flush=True)
    while not stop.is_set():
        time.sleep(STEP_S)
        before_ns, woke_ns = woke_ns, time.monotonic_ns()  # without a gap in which a pause would be lost
        late_ms = (woke_ns - before_ns) / NS_PER_MS - 1e3 * STEP_S
        if late_ms > LATE_MS:
            print(json.dumps({"paused_until_ns": time.time_ns(), "late_ms": round(late_ms, 1)}), flush=True)


if __name__ == "__main__":
    main()
