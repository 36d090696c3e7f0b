"""How long to wait before trying again: little at first, more the longer it has been down, and never twice the same."""

import random

FIRST_S, LONGEST_S = 1.0, 30.0
SHARE = 1 / 32  # of the time down so far: a camera that was away for 16 s is tried again within 1.5 s, after 15 min within 30 s
AUTH_S = (60.0, 300.0)  # cameras lock accounts that keep trying
HEALTHY_S, HEALING = 60.0, 10.0  # after a minute without trouble the waits start small again; each second makes up for ten of being down


class Backoff:
    """One per camera. The jitter is full, so that a hundred do not come back at once: Brooker, Exponential Backoff And Jitter (2015)."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311  jitter, not a secret
        self._down_s = 0.0

    @property
    def ceiling_s(self) -> float:
        """No wait is longer, but after refused credentials."""
        return min(LONGEST_S, FIRST_S + SHARE * self._down_s)

    def wait_s(self, *, auth: bool) -> float:
        """Seconds until the next try."""
        if auth:
            return self._random.uniform(*AUTH_S)
        wait_s = self._random.uniform(0.0, self.ceiling_s)
        self._down_s += wait_s
        return wait_s

    def failed(self, took_s: float) -> None:
        """A try took so long, in vain."""
        self._down_s += took_s

    def ran(self, healthy_s: float) -> None:
        """The camera ran for so long before it failed."""
        self._down_s = 0.0 if healthy_s >= HEALTHY_S else max(0.0, self._down_s - HEALING * healthy_s)
