"""Truth and what a camera says of it: when frame n was exposed, and what the camera's clock showed then.

Pure arithmetic without sockets, so that simulations use the same model as the server.
"""

from dataclasses import dataclass, replace

import numpy as np

from streamfuse.clock import NS_PER_MS, NS_PER_S

RTP_HZ = 90_000
JITTER_LIMIT = 3.0  # deviations


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposures:
    """The true instants, UTC nanoseconds, at which a camera takes its pictures. Its crystal sets the pace, so drift changes it."""

    world_ns: int
    """Instant 0 of the world that all cameras of a rig look at."""
    fps: float
    drift_ppm: float = 0.0
    phase_ms: float = 0.0
    """How long after instant 0 picture number 0 is taken."""
    jitter_ms: float = 0.0
    """Standard deviation of the error of a stamp; no error is above three of them."""
    seed: int = 0

    @property
    def period_ns(self) -> float:
        """Between two pictures."""
        return NS_PER_S / (self.fps * (1.0 + self.drift_ppm * 1e-6))

    def at_ns(self, number: int) -> int:
        """When picture `number` was exposed."""
        return self.world_ns + round(self.phase_ms * NS_PER_MS + number * self.period_ns)

    def next_after(self, true_ns: int) -> int:
        """The number of the first picture that is exposed after an instant."""
        return max(0, int((true_ns - self.world_ns - self.phase_ms * NS_PER_MS) // self.period_ns) + 1)

    def stamp_error_ns(self, number: int) -> int:
        """By how much the stamp of picture `number` is wrong; the same each time it is asked."""
        if not self.jitter_ms:
            return 0
        error = np.clip(np.random.default_rng((self.seed, number)).standard_normal(), -JITTER_LIMIT, JITTER_LIMIT)
        return round(float(error) * self.jitter_ms * NS_PER_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraClock:
    """One crystal that drives two clocks: the wall clock of the sender reports, and the RTP clock of 90 kHz."""

    boot_ns: int
    """True instant at which it was switched on."""
    offset_s: float = 0.0
    """By how much its wall clock was fast at that instant."""
    drift_ppm: float = 0.0
    rtp_base: int = 0
    """RTP time at that instant: random, as RFC 3550 asks."""

    def _run_ns(self, true_ns: int) -> int:
        since_ns = true_ns - self.boot_ns
        return since_ns + round(since_ns * self.drift_ppm * 1e-6)

    def wall_ns(self, true_ns: int) -> int:
        """What its wall clock shows, nanoseconds since 1970."""
        return self.boot_ns + round(self.offset_s * NS_PER_S) + self._run_ns(true_ns)

    def rtp(self, true_ns: int, error_ns: int = 0) -> int:
        """What its RTP clock shows, 32 bits."""
        return (self.rtp_base + round((self._run_ns(true_ns) + error_ns) * RTP_HZ / NS_PER_S)) % 2**32

    def stepped(self, by_s: float) -> "CameraClock":
        """The wall clock set to another time; the RTP clock goes on."""
        return replace(self, offset_s=self.offset_s + by_s)

    def jumped(self, by_s: float) -> "CameraClock":
        """The RTP clock thrown off; the wall clock goes on."""
        return replace(self, rtp_base=(self.rtp_base + round(by_s * RTP_HZ)) % 2**32)
