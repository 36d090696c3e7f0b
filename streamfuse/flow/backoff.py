"""How long to wait before trying a camera again: exponential with full jitter, so that a hundred do not come back at once."""

import random

FIRST_S, LONGEST_S = 0.5, 30.0
AUTH_S = (60.0, 300.0)  # cameras lock accounts that keep trying
HEALTHY_S = 60.0  # after this long without trouble the waits start small again


class Backoff:
    """One per camera. Source of the scheme: Brooker, Exponential Backoff And Jitter (2015)."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311  jitter, not a secret
        self._attempt = 0

    def wait_s(self, *, auth: bool) -> float:
        """Seconds until the next try."""
        if auth:
            return self._random.uniform(*AUTH_S)
        ceiling_s = min(LONGEST_S, FIRST_S * 2**self._attempt)
        self._attempt = min(self._attempt + 1, 16)
        return self._random.uniform(0.0, ceiling_s)

    def ran(self, healthy_s: float) -> None:
        """The camera ran for so long before it failed."""
        if healthy_s >= HEALTHY_S:
            self._attempt = 0
