"""One camera's frames in order of time, until they are paired; and what its clock does: rhythm, silence, breaks."""

from bisect import bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass, replace

from streamfuse.clock import NS_PER_MS, NS_PER_S
from streamfuse.frames import Frame
from streamfuse.sync.freeze import Look
from streamfuse.sync.rhythm import Rhythm

SILENCE_NS = NS_PER_S // 2  # the least silence after which a camera counts as gone, and the least step back that is a jump
SILENCE_PERIODS = 10  # ... and the same for slow cameras
FORWARD_JUMP_NS = 5 * NS_PER_S
BEHIND_NS = 6 * NS_PER_S  # a camera that hangs so far behind that it is connected anew has been by then


@dataclass(slots=True, eq=False)
class Held:
    """A frame that waits to be paired, or that was and may be used once more."""

    frame: Frame
    deadline_ns: int
    """Monotonic instant up to which it may wait for a better partner."""
    look: Look | None
    used: bool = False
    """It went into a pair."""

    @property
    def t_ns(self) -> int:
        """Capture time, corrected by the fixed offset."""
        return self.frame.t_cap_ns


def _t_ns(held: Held) -> int:
    return held.t_ns


class Timeline:
    """The waiting frames of one camera, oldest first, and the state of its clock. All times but `heard_ns` are capture times."""

    def __init__(self, *, offset_ns: int, ended: bool) -> None:
        self.held: list[Held] = []
        self.rhythm = Rhythm()
        self.offset_ns = offset_ns
        """Fixed correction, added to the capture time of every frame."""
        self.ended = ended
        """Nothing more is to come, or nothing ever was."""
        self.heard_ns = 0
        """When the last frame came, on the matcher's time."""
        self.newest_ns: int | None = None
        self._behind_since_ns: int | None = None
        self._epoch = 0

    @property
    def silent_at_ns(self) -> int:
        """On the matcher's time: when the camera counts as gone if nothing comes."""
        return self.heard_ns + self._patience_ns

    @property
    def expected_ns(self) -> float:
        """Capture time of the next frame if none is lost; as early as can be where that is unknown."""
        return self.held[-1].t_ns + (self.rhythm.period_ns or 0) if self.held else float("-inf")

    def corrected(self, frame: Frame) -> Frame:
        """The frame with the fixed offset in its capture time."""
        return replace(frame, t_cap_ns=frame.t_cap_ns + self.offset_ns) if self.offset_ns else frame

    def break_before(self, frame: Frame) -> str:
        """Why time broke between the newest frame and this one, in words; empty if it did not."""
        if self.newest_ns is None:
            return ""
        if frame.epoch != self._epoch:
            return "its source started a new epoch"
        step_ns = frame.t_cap_ns - self.newest_ns
        if step_ns < -self._patience_ns:
            return f"its time jumped back by {-step_ns / NS_PER_MS:.0f} ms"
        return f"its time jumped forward by {step_ns / NS_PER_MS:.0f} ms" if step_ns > FORWARD_JUMP_NS else ""

    def restart(self) -> None:
        """Forget the time before a break; the rate stays."""
        self.rhythm.interrupt()
        self.newest_ns = None
        self._behind_since_ns = None

    def hear(self, time_ns: int, late_ns: int) -> None:
        """A frame came, on the matcher's time, that much older than the last pair.

        Who waits for a camera that hangs behind says nothing for so long. So what is older than a silence makes no camera present, until
        that has lasted for `BEHIND_NS`: then it is how that camera is.
        """
        if late_ns <= SILENCE_NS:
            self._behind_since_ns = None
        elif self._behind_since_ns is None:
            self._behind_since_ns = time_ns
        if self._behind_since_ns is None or time_ns - self._behind_since_ns >= BEHIND_NS:
            self.heard_ns = time_ns

    def add(self, held: Held) -> None:
        """Put a frame in its place."""
        insort(self.held, held, key=_t_ns)
        self.rhythm.add(held.t_ns)
        self.newest_ns = held.t_ns if self.newest_ns is None else max(self.newest_ns, held.t_ns)
        self._epoch = held.frame.epoch
        self.ended = False

    def nearest(self, t_ns: int, reluctance_ns: float) -> tuple[Held | None, float]:
        """The frame nearest to an instant, and its distance; of two the earlier.

        One that was used, and one before which an unused one would be passed over, counts as `reluctance_ns` farther.
        """
        after = bisect_right(self.held, t_ns, key=_t_ns)
        both = [(held, abs(held.t_ns - t_ns) + reluctance_ns * held.used) for held in self.held[max(0, after - 1) : after]]
        passes_over = bool(both) and not both[0][0].used
        both += [(held, held.t_ns - t_ns + reluctance_ns * (held.used or passes_over)) for held in self.held[after : after + 1]]
        return min(both, key=lambda one: one[1], default=(None, float("inf")))

    def latest(self, t_ns: int) -> Held | None:
        """The newest frame not after an instant."""
        after = bisect_right(self.held, t_ns, key=_t_ns)
        return self.held[after - 1] if after else None

    def take(self, wanted: Callable[[Held], bool]) -> list[Held]:
        """Remove and return all frames that are `wanted`."""
        taken = [held for held in self.held if wanted(held)]
        self.held = [held for held in self.held if not wanted(held)]
        return taken

    def take_overtaken(self, t_ns: int) -> list[Held]:
        """Remove and return what can be no partner at `t_ns` or later: all before the newest not after it, or before a used one."""
        keep_ns = max((held.t_ns for held in self.held if held.used or held.t_ns <= t_ns), default=t_ns)
        return self.take(lambda held: held.t_ns < keep_ns)

    @property
    def _patience_ns(self) -> int:
        return max(SILENCE_NS, SILENCE_PERIODS * (self.rhythm.period_ns or 0))
