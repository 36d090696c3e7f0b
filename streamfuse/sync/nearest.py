"""`Nearest`: each frame of the lead camera with the nearest frame of the other, decided as soon as no better one can come.

The lead camera gives the pairs their instants: the reference, and while that one is gone the other camera, alone. A lead frame waits until

    live      the other camera has passed it, or its next frame, known from its rhythm, cannot be nearer; at most until a deadline
    lossless  the same, but "next" is what the order of feeding leaves possible: what comes out depends on the frames alone

Lossless frames are fed in order of (epoch, t_cap_ns) as the sources gave them, infrared first where equal, and each camera's end is told by
`end`. Then each frame of the reference comes out exactly once. What waits is bounded: live by `DEPTH`, lossless by the silence after which
a camera counts as gone. `now_ns` is not looked at. No thread, clock or randomness; used by one thread.
"""

import logging
import math
from collections import Counter
from typing import Literal

from pydantic import Field

from streamfuse.clock import NS_PER_MS
from streamfuse.frames import CameraState, Frame, Pair, Spectrum
from streamfuse.registry import Settings
from streamfuse.sync.content import ContentSettings
from streamfuse.sync.freeze import Freeze, FreezeSettings
from streamfuse.sync.timeline import Held, Timeline

log = logging.getLogger(__name__)

DEPTH = 64  # frames of one camera that wait at most, live: two seconds at 30 fps, where 0.12 s are needed
WAIT_PERIODS = 1.5  # of the other camera: its next frame comes within one, and half of one is left for the network
WAIT_NS = 120 * NS_PER_MS  # the longest wait, and the one while the other's period is unknown
TOLERANCE_NS = (10 * NS_PER_MS, 80 * NS_PER_MS)  # least and most; most also while the period is unknown: any camera above 6 fps then pairs
JITTER_SIGMAS = 3.0
LEAST_SIDE = 1 / 16  # of a period, by which a side is kept: clocks that are told by reports wander, and no jitter shows it


class SyncSettings(Settings):
    """How two cameras are brought together."""

    reference: Literal["visible", "infrared", "slower"] = "visible"
    """The camera whose frames set the rate and the instants of the pairs; `slower` is measured, and visible where they are equal."""
    on_unpaired: Literal["degrade", "drop"] = "degrade"
    """A frame without partner goes on alone, or is dropped. A pair that has only one camera by configuration always goes on."""
    tolerance_ms: float | None = Field(default=None, ge=1.0, le=1000.0)
    """Largest distance of a fresh partner; by default 1/2 period + 3 jitter of the other camera, and half of what a side is
    kept by where both rates are alike; between 10 and 80 ms."""
    wait_ms: float | None = Field(default=None, ge=0.0, le=1000.0)
    """Longest wait for a partner, live; by default 1.5 periods of the other camera, at most 120 ms."""
    reuse_max_ms: float = Field(default=150.0, ge=0.0, le=5000.0)
    """A frame of the other camera is used again, or late, while less than this away in capture time; 0 never."""
    time_offset_ms: float = Field(default=0.0, ge=-10_000.0, le=10_000.0)
    """Added to infrared's capture times on entry: what is fed, paired and published from here on is the corrected time."""
    freeze: FreezeSettings = FreezeSettings()
    content: ContentSettings = ContentSettings()


class Nearest:
    """The matcher of one stream. `cameras` are those it has by configuration: with one alone every frame comes out at once."""

    def __init__(
        self,
        settings: SyncSettings,
        *,
        stream: str = "pair",
        policy: Literal["live", "lossless"] = "live",
        cameras: frozenset[Spectrum] = frozenset(Spectrum),
    ) -> None:
        offset_ns = {Spectrum.INFRARED: round(settings.time_offset_ms * NS_PER_MS), Spectrum.VISIBLE: 0}
        self.drops: Counter[str] = Counter()
        self._settings = settings
        self._stream = stream
        self._live = policy == "live"
        self._drops_unpaired = settings.on_unpaired == "drop" and len(cameras) > 1
        self._timelines = {s: Timeline(offset_ns=offset_ns[s], ended=s not in cameras) for s in Spectrum}
        self._lead = Spectrum.INFRARED if settings.reference == "infrared" else Spectrum.VISIBLE
        self._freeze = Freeze(settings.freeze)
        self._time_ns: int | None = None  # live: monotonic; lossless: the newest capture time that was fed, uncorrected
        self._reluctance_ns = 0.0  # how much nearer a frame must be to be used twice, or to leave the one before it unused
        self._last_ns: int | None = None  # capture time of the last pair of this epoch
        self._epoch = 0
        self._seq = 0

    # What the protocol asks for.

    def feed(self, frame: Frame, now_ns: int) -> list[Pair]:
        """Take a frame; return the pairs that are decided by now."""
        time_ns = now_ns if self._live else frame.t_cap_ns
        pairs = self._advance(time_ns)
        timeline = self._timelines[frame.spectrum]
        frame = timeline.corrected(frame)
        if cause := timeline.break_before(frame):
            pairs += self._restart(timeline, frame, cause)
            self._rewind(time_ns)
        held = Held(frame, now_ns + self._wait_ns(frame.spectrum.other), self._freeze.see(frame))
        timeline.hear(time_ns, self._lateness_ns(held))
        timeline.add(held)
        return pairs + self._drain()

    def poll(self, now_ns: int) -> list[Pair]:
        """Return the pairs that are decided by the passing of time; none when lossless."""
        return self._advance(now_ns) if self._live else []

    def end(self, spectrum: Spectrum, now_ns: int) -> list[Pair]:
        """That camera is gone until its next frame. Frames that waited for it wait no longer, and the other goes on alone."""
        pairs = self.poll(now_ns)
        self._timelines[spectrum].ended = True
        return pairs + self._drain()

    @property
    def deadline_ns(self) -> int | None:
        """When the first waiting frame is decided at the latest; None if none waits, and when lossless."""
        lead, other = self._roles()
        if lead.held and self._live:
            return lead.held[0].deadline_ns
        return None if not self._live or all(held.used for held in other.held) else lead.silent_at_ns

    # When a frame is decided.

    def _advance(self, time_ns: int) -> list[Pair]:
        """Let time pass up to `time_ns`, and decide what that alone decides: before a new frame is looked at, whichever it is."""
        if self._time_ns is None:
            self._time_ns = time_ns
            for timeline in self._timelines.values():
                timeline.heard_ns = time_ns
        if time_ns <= self._time_ns:
            return []
        self._time_ns = time_ns
        self._compare_rates()
        return self._drain()

    def _drain(self) -> list[Pair]:
        """Settle every frame that need not wait, in order of capture."""
        lead, other = self._roles()
        pairs: list[Pair] = []
        while lead.held and self._ripe(lead.held[0], lead, other):
            pairs += self._settle(lead.held.pop(0))
        if not lead.held and self._gone(lead):
            pairs += self._go_alone(other, self._next_ns(lead))
        while self._live and len(other.held) > DEPTH:
            self._drop("overflow", [other.held.pop(0)])
        return pairs

    def _ripe(self, held: Held, lead: Timeline, other: Timeline) -> bool:
        """Whether waiting longer cannot give a better partner, or is not allowed."""
        if self._late(held) or (self._live and (self._now_ns >= held.deadline_ns or len(lead.held) > DEPTH)):
            return True
        best, best_ns = other.nearest(held.t_ns, self._reluctance_ns)
        ahead_ns = self._next_ns(other) - held.t_ns
        passed_over_ns = self._reluctance_ns if best is not None and not best.used else 0.0
        return ahead_ns + passed_over_ns >= best_ns or ahead_ns > self._tolerance_ns(other)

    def _next_ns(self, timeline: Timeline) -> float:
        """The earliest capture time that the camera's next frame can have, as far as is known."""
        if timeline.ended:
            return math.inf
        if not self._live:
            return self._now_ns + timeline.offset_ns
        return math.inf if self._gone(timeline) else timeline.expected_ns

    def _gone(self, timeline: Timeline) -> bool:
        return timeline.ended or self._now_ns >= timeline.silent_at_ns

    @property
    def _now_ns(self) -> int:
        return self._time_ns or 0

    # What is decided.

    def _settle(self, held: Held) -> list[Pair]:
        """Decide a frame, which is no longer in its timeline: a pair, or a reason why not."""
        other = self._timelines[held.frame.spectrum.other]
        if self._late(held):
            return self._drop("late" if held.frame.spectrum is self._lead else "unused", [held])
        self._drop("unused", other.take_overtaken(held.t_ns))
        partner, state = self._partner(held.t_ns, other)
        if partner is None and self._drops_unpaired:
            return self._drop("unpaired", [held])
        return [self._emit(held, partner, state)]

    def _partner(self, t_ns: int, other: Timeline) -> tuple[Held | None, CameraState]:
        """The nearest frame within tolerance, fresh when it is its first use; else what may be used late or again."""
        nearest, _ = other.nearest(t_ns, self._reluctance_ns)
        near = nearest is not None and abs(nearest.t_ns - t_ns) <= self._tolerance_ns(other) and not self._better_later(t_ns, nearest)
        if nearest and near and not nearest.used:
            return nearest, "fresh"
        again = nearest if near else other.latest(t_ns)
        if again and abs(again.t_ns - t_ns) < self._settings.reuse_max_ms * NS_PER_MS:
            return again, "stale"
        return None, "absent"

    def _better_later(self, t_ns: int, partner: Held) -> bool:
        """Whether a slower camera's frame is nearer to the lead's next one: that one gets it fresh."""
        lead, other = (timeline.rhythm for timeline in self._roles())
        return other.slower_than(lead, at_once=True) and 2 * (partner.t_ns - t_ns) > (lead.period_ns or 0)

    def _go_alone(self, timeline: Timeline, before_ns: float) -> list[Pair]:
        """The lead is gone: what the other camera saw, as far as the lead cannot come back earlier."""
        taken = timeline.take(lambda held: held.t_ns < before_ns)
        return [pair for held in taken if not held.used for pair in self._settle(held)]

    def _emit(self, held: Held, partner: Held | None, state: CameraState) -> Pair:
        """Make the pair of a lead frame."""
        states: dict[Spectrum, CameraState] = dict.fromkeys(Spectrum, "absent")
        frames: dict[Spectrum, Frame] = {}
        period_ns = self._timelines[Spectrum.INFRARED].rhythm.period_ns
        for one, its_state in ((held, "fresh"), (partner, state)):
            if one is None:
                continue
            one.used = True
            frames[one.frame.spectrum] = one.frame
            frozen = self._freeze.frozen(one.frame, one.look, held.t_ns, period_ns)
            states[one.frame.spectrum] = "frozen" if frozen else its_state
        self._last_ns = held.t_ns
        self._seq += 1
        return Pair(
            infrared=frames.get(Spectrum.INFRARED),
            visible=frames.get(Spectrum.VISIBLE),
            infrared_state=states[Spectrum.INFRARED],
            visible_state=states[Spectrum.VISIBLE],
            stream=self._stream,
            seq=self._seq - 1,
            epoch=self._epoch,
            reference=self._lead,
        )

    def _drop(self, reason: str, frames: list[Held]) -> list[Pair]:
        """Count those that went into no pair."""
        if lost := sum(not held.used for held in frames):
            self.drops[reason] += lost
        return []

    # Breaks and roles.

    def _restart(self, timeline: Timeline, frame: Frame, cause: str) -> list[Pair]:
        """Time broke before `frame`: settle what is from before, keep what the other camera already has from after."""
        log.info("%s: %s starts anew: %s", self._stream, frame.spectrum, cause)
        before_ns, after_ns = timeline.newest_ns or 0, frame.t_cap_ns

        def is_past(held: Held) -> bool:
            return held.frame.spectrum is frame.spectrum or abs(held.t_ns - before_ns) <= abs(held.t_ns - after_ns)

        lead, other = self._roles()
        pairs = [pair for held in lead.take(is_past) for pair in self._settle(held)]
        self._drop("reset", other.take(is_past))
        timeline.restart()
        self._freeze.forget(frame.spectrum)
        if self._last_ns is not None:  # else both cameras broke at once, and the first of them began the epoch
            self._epoch += 1
            self._last_ns = None
        return pairs

    def _rewind(self, time_ns: int) -> None:
        """Lossless time follows the frames across a break, and nobody was silent meanwhile."""
        if not self._live:
            self._time_ns = time_ns
            for timeline in self._timelines.values():
                timeline.heard_ns = time_ns

    def _compare_rates(self) -> None:
        """Let the slower camera lead where that is wanted; and where both are alike and half a period apart, keep to one side.

        Which of two frames is nearer is then a matter of jitter: to follow it would use one frame twice and the next not at all. How much
        nearer one is shakes with the lead's stamp twice and with those of both others. By more than half a period no side is kept.
        """
        lead, other = (timeline.rhythm for timeline in self._roles())
        alike = lead.like(other)
        shaken_ns = JITTER_SIGMAS * math.hypot(2 * lead.jitter_ns, math.sqrt(2) * other.jitter_ns)
        period_ns = lead.period_ns or 0
        self._reluctance_ns = min(max(shaken_ns, LEAST_SIDE * period_ns), period_ns / 2) if alike else 0.0
        if self._settings.reference == "slower" and other.slower_than(lead):
            self._lead = self._lead.other
            self._timelines[self._lead].take(lambda held: held.used)

    def _roles(self) -> tuple[Timeline, Timeline]:
        return self._timelines[self._lead], self._timelines[self._lead.other]

    def _lateness_ns(self, held: Held) -> int:
        """How much older than the last pair a frame of the lead camera is, live."""
        counts = self._live and held.frame.spectrum is self._lead and self._last_ns is not None
        return (self._last_ns or 0) - held.t_ns if counts else 0

    def _late(self, held: Held) -> bool:
        return self._last_ns is not None and held.t_ns <= self._last_ns

    # The figures that follow from the rhythm.

    def _tolerance_ns(self, other: Timeline) -> float:
        if self._settings.tolerance_ms is not None:
            return self._settings.tolerance_ms * NS_PER_MS
        least, most = TOLERANCE_NS
        period_ns = other.rhythm.period_ns
        if period_ns is None:
            return most
        return min(max((period_ns + self._reluctance_ns) / 2 + JITTER_SIGMAS * other.rhythm.jitter_ns, least), most)

    def _wait_ns(self, other: Spectrum) -> int:
        if self._settings.wait_ms is not None:
            return round(self._settings.wait_ms * NS_PER_MS)
        period_ns = self._timelines[other].rhythm.period_ns
        return WAIT_NS if period_ns is None else min(round(WAIT_PERIODS * period_ns), WAIT_NS)
